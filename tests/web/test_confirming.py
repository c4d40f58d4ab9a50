"""Saying yes."""

from __future__ import annotations

import pytest

from dispatch.delivery import confirmations
from subscribers import consent, directory, proof
from subscribers.audit import Act
from subscribers.consent import Limits, Wish
from subscribers.database import Database
from subscribers.model import Cadence, Preferences, Rhythm
from subscribers.suppression import Hasher
from subscribers.tokens import Purpose
from tests.acts import at

from .conftest import ADDRESS, NOW, Site, mailbox
from .forms import Page

DAY = 86_400_000
WISH = Wish("", ("park:南昌高新区", "topic:blockchain"), Preferences(Rhythm(Cadence.NOW)), first=True)
TEXT = "我同意 <b>。"


def _ask(db: Database, act: Act, address: str, wish: Wish) -> int:
    with db.transaction():
        asked = consent.ask(db, Hasher.load(db), mailbox(address), wish, TEXT, act, "192.0.2.1", Limits())
        assert asked is not None
        confirmations.queue(db, asked, NOW)
    return asked.consent_id


async def ask(site: Site, address: str = ADDRESS, wish: Wish = WISH) -> tuple[int, str]:
    """What somebody asked for, and the path of the link that says yes to it for two days."""
    consent_id = await site.store.call(_ask, at(NOW), address, wish)
    return consent_id, f"/c/{site.signer.token(Purpose.CONFIRM, consent_id, NOW + 2 * DAY)}"


async def state(site: Site) -> str:
    return str((await site.tables())[0][0]["state"])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_changes_nothing(site: Site, method: str) -> None:
    _, path = await ask(site)
    before = await site.tables()
    assert (await site.client.request(method, path)).status == 200
    assert await site.tables() == before


async def test_get_says_what_will_be_confirmed(site: Site) -> None:
    _, path = await ask(site)
    response, text = await site.get(path)
    assert response.headers["Cache-Control"] == "no-store"
    assert "南昌高新区" in text
    assert "区块链" in text
    assert "我同意 &lt;b&gt;。" in text
    assert ADDRESS not in text
    Page(text).check()


async def test_post_confirms_with_a_proof(site: Site) -> None:
    _, path = await ask(site)
    response, text = await site.post(path, {})
    assert (response.status, await state(site)) == (200, "active")
    assert "已确认" in text
    endpoint = (await site.tables())[0][0]["id"]
    given = (await site.store.call(proof.proofs, endpoint))[-1]
    assert (given.step, given.origin, given.way, given.text) == ("given", "127.0.0.1", "page", TEXT)
    firsts = await site.store.call(
        lambda db: db.all("SELECT tag FROM firsts WHERE endpoint_id = :id", {"id": endpoint})
    )
    assert {row["tag"] for row in firsts} == set(WISH.follows)


async def test_the_link_to_preferences_works(site: Site) -> None:
    _, path = await ask(site)
    _, text = await site.post(path, {})
    link = text.split('class="button" href="../')[1].split('"')[0]
    response, text = await site.get(f"/{link}")
    assert (response.status, "订阅设置" in text) == (200, True)


async def test_the_same_click_again_says_the_same(site: Site) -> None:
    _, path = await ask(site)
    _, first = await site.post(path, {})
    before = await site.tables()
    site.clock.time += 60_000
    for response, text in (await site.post(path, {}), await site.get(path)):
        assert (response.status, text) == (200, first)
    assert await site.tables() == before


async def test_what_was_taken_back_since_is_over(site: Site) -> None:
    _, path = await ask(site)
    await site.post(path, {})
    endpoint = (await site.tables())[0][0]["id"]
    await site.post(site.path(endpoint))
    for response, text in (await site.get(path), await site.post(path, {})):
        assert (response.status, "链接已失效" in text) == (410, True)
    assert await state(site) == "suppressed"


async def test_a_link_that_is_too_old_offers_another(site: Site) -> None:
    consent_id, path = await ask(site)
    site.clock.time += 3 * DAY
    response, text = await site.get(path)
    assert (response.status, "链接已过期" in text) == (410, True)
    assert (await site.post(path, {}))[0].status == 410
    assert await state(site) == "pending"
    response, text = await site.post(path, {"again": "1"})
    assert (response.status, "请查收邮件" in text) == (200, True)
    rows = await site.store.call(lambda db: db.all("SELECT key FROM messages WHERE kind = 'confirm' ORDER BY id"))
    assert [row["key"] for row in rows] == [f"confirm:{consent_id}", f"confirm:{consent_id + 1}"]
    token = site.signer.token(Purpose.CONFIRM, consent_id + 1, site.clock.time + DAY)
    await site.post(f"/c/{token}", {})
    assert await state(site) == "active"
    assert await site.follows((await site.tables())[0][0]["id"]) == set(WISH.follows)


async def test_others_are_sent_within_the_limits(site: Site) -> None:
    _, path = await ask(site)
    site.clock.time += 3 * DAY
    for _ in range(6):
        assert (await site.post(path, {"again": "1"}))[0].status == 200
    count = await site.store.call(lambda db: db.value("SELECT COUNT(*) FROM messages WHERE kind = 'confirm'"))
    assert count == 1 + Limits().address


async def test_an_old_link_of_who_confirmed_says_so(site: Site) -> None:
    _, path = await ask(site)
    await site.post(path, {})
    site.clock.time += 3 * DAY
    response, text = await site.get(path)
    assert (response.status, "已经确认过了" in text) == (200, True)


async def test_who_is_gone_is_told_that_it_is_over(site: Site) -> None:
    site.clock.time = NOW
    token = site.signer.token(Purpose.CONFIRM, 999, NOW + DAY)
    for response, text in (await site.get(f"/c/{token}"), await site.post(f"/c/{token}", {})):
        assert (response.status, "链接已失效" in text) == (410, True)


async def test_a_page_of_another_site_cannot_confirm(site: Site) -> None:
    _, path = await ask(site)
    response = await site.client.post(path, headers={"Sec-Fetch-Site": "cross-site"})
    assert (response.status, await state(site)) == (403, "pending")


async def test_who_unsubscribed_comes_back_by_a_yes(site: Site) -> None:
    endpoint = await site.subscribe()
    await site.post(site.path(endpoint))
    _, path = await ask(site, wish=Wish())
    assert await site.state(endpoint) == "suppressed"
    await site.post(path, {})
    found = await site.store.call(directory.endpoint, endpoint)
    assert (found.state, len(found.follows)) == ("active", 2)
