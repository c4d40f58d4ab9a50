"""What others find who read a message with its reader, or get it passed on."""

from __future__ import annotations

import email
import email.policy
import json

import pytest

from dispatch.assets import templates_dir
from dispatch.channels.email.compose import Built, build
from dispatch.channels.email.render import render
from dispatch.delivery import claims, leases, ledger, personal
from dispatch.delivery.ledger import Work
from dispatch.digests.render import Renderer
from dispatch.links import Addressing, Links
from dispatch.model import Content
from dispatch.settings import EmailSettings, Settings
from subscribers import directory
from subscribers.audit import Act
from subscribers.database import Database
from subscribers.model import Address, Preferences
from subscribers.tokens import Purpose
from tests.acts import at

from .conftest import ADDRESS, NOW, Site
from .forms import Page

SECRET = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
HOOK = "https://hook.example.com/secret"


class AllData:
    """The rights as the program gives them."""

    def data(self, db: Database, subscriber_id: int) -> dict[str, object]:
        return personal.data(db, subscriber_id)

    def erase(self, db: Database, subscriber_id: int, act: Act) -> bool:
        return personal.erase(db, subscriber_id, act).done


def person(db: Database, *addresses: Address) -> list[int]:
    """The endpoints of somebody new."""
    with db.transaction():
        subscriber_id = directory.add(
            db,
            name="李四",
            addresses=addresses,
            follows=["all"],
            preferences=Preferences(),
            consent="asked for it",
            act=at(NOW),
        )
    return [endpoint.id for endpoint in directory.get(db, subscriber_id).endpoints]


@pytest.mark.parametrize(
    ("channel", "address", "changes"),
    [
        ("telegram", "-1001234567890", False),
        ("telegram", "@somechannel", False),
        ("telegram", "123456789", True),
        ("email", "-li@example.com", True),
        ("webhook", HOOK, True),
    ],
)
async def test_a_group_is_given_no_link_that_changes_what_it_gets(
    site: Site, channel: str, address: str, changes: bool
) -> None:
    links = Links("https://b.test", "", site.signer)
    work = Work(1, 1, "digest", channel, channel, 7, address, "", "zh", "full", (), 0, 0, NOW)
    envelope = Addressing(Settings(), links, lambda tag, language: tag, "x").envelope(work)
    assert bool(envelope.preferences_url) is changes
    assert bool(envelope.unsubscribe_url or envelope.unsubscribe_mailto) is changes


async def test_no_secret_stands_in_the_data_that_a_page_gives(site: Site) -> None:
    await site.store.call(person, Address("webhook", HOOK, "webhook:hook.example.com", SECRET))
    await site.store.call(_test_message)
    async with site.again(rights=AllData()) as client:
        response = await client.post(f"/d/{site.signer.token(Purpose.DATA, 1, NOW + 1000)}")
        text = await response.text()
    assert response.status == 200
    found = json.loads(text)
    assert [endpoint["address"] for endpoint in found["endpoints"]] == [HOOK]
    assert [message["kind"] for message in found["messages"]] == ["test"]
    assert SECRET not in text


def _test_message(db: Database) -> None:
    with db.transaction():
        ledger.add_test(db, ledger.Test("test:1", "webhook", "webhook:hook.example.com", HOOK, ((1, 1),), SECRET), NOW)


def preferences(site: Site, endpoint: int) -> str:
    return f"/p/{site.signer.token(Purpose.PREFERENCES, endpoint)}"


def addressing(site: Site) -> Addressing:
    return Addressing(Settings(), Links("https://b.test", "", site.signer), lambda tag, language: tag, "x")


def claimed(db: Database) -> list[Work]:
    return claims.claim(db, "email:example.com", 10, leases.new_owner(), NOW, 300_000)


@pytest.mark.parametrize("kind", ["data", "erase"])
async def test_a_message_that_was_passed_on_gives_no_data_and_no_end(site: Site, kind: str) -> None:
    endpoint = await site.subscribe()
    response, _ = await site.post(preferences(site, endpoint), {"do": kind})
    assert (response.status, response.headers["Location"]) == (303, "?done=mailed#data")
    assert await site.state(endpoint) == "active"
    _, text = await site.get(f"{preferences(site, endpoint)}?done=mailed")
    Page(text).check()
    assert 'role="status"' in text


@pytest.mark.parametrize(("kind", "place"), [("data", "d"), ("erase", "e")])
@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_link_comes_to_the_mailbox_and_leads_to_the_page(
    site: Site, kind: str, place: str, language: str
) -> None:
    endpoint = await site.subscribe(language=language)
    await site.post(preferences(site, endpoint), {"do": kind})
    (work,) = await site.store.call(claimed)
    assert (work.kind, work.address, work.owed) == (kind, ADDRESS, ())
    envelope = addressing(site).envelope(work)
    assert (envelope.preferences_url, envelope.unsubscribe_url, envelope.unsubscribe_mailto) == ("", "", "")
    settings = EmailSettings(host="x", from_address="news@b.test")
    renderer = Renderer(templates_dir(), None, lambda bulletin, ref, position: "")
    built = build(settings, envelope, render(renderer, settings, Content(kind, language, "full", (), "火炬动态")))
    assert isinstance(built, Built)
    assert built.recipient == ADDRESS
    message = email.message_from_bytes(built.data, policy=email.policy.default)
    assert "火炬动态" in message["Subject"]
    assert not [name for name in message if name.startswith("List-")]
    for form in ("plain", "html"):
        part = message.get_body((form,))
        assert part is not None
        assert part.get_content().count(envelope.right_url) == 1
    assert envelope.right_url.startswith(f"https://b.test/{place}/")
    response, text = await site.get(envelope.right_url.removeprefix("https://b.test"))
    assert response.status == 200
    Page(text).check()
    site.clock.time += 3_602_000
    response, _ = await site.get(envelope.right_url.removeprefix("https://b.test"))
    assert response.status == 410


async def test_a_mailbox_gets_three_such_mails_of_a_kind_in_a_day(site: Site) -> None:
    endpoint = await site.subscribe()
    answers = {(await site.post(preferences(site, endpoint), {"do": "data"}))[0].status for _ in range(5)}
    await site.post(preferences(site, endpoint), {"do": "erase"})
    assert answers == {303}
    assert [work.kind for work in await site.store.call(claimed)] == ["data", "data", "data", "erase"]
    site.clock.time += 86_400_001
    await site.post(preferences(site, endpoint), {"do": "data"})
    assert await site.store.call(lambda db: db.value("SELECT COUNT(*) FROM messages WHERE kind = 'data'")) == 4


async def test_what_was_asked_before_an_erasure_is_not_sent(site: Site) -> None:
    endpoint = await site.subscribe()
    await site.post(preferences(site, endpoint), {"do": "data"})
    await site.store.call(personal.erase, 1, at(NOW))
    assert await site.store.call(claimed) == []


async def test_a_link_that_is_too_old_is_not_sent(site: Site) -> None:
    endpoint = await site.subscribe()
    await site.post(preferences(site, endpoint), {"do": "data"})
    late = NOW + 3_600_000
    assert await site.store.call(claims.claim, "email:example.com", 10, leases.new_owner(), late, 300_000) == []
    assert await site.store.call(lambda db: db.value("SELECT state FROM messages")) == "expired"


@pytest.mark.parametrize("channel", ["telegram", "webhook"])
async def test_other_channels_show_and_give_neither(site: Site, channel: str) -> None:
    address = {"telegram": "1234", "webhook": HOOK}[channel]
    reader, _ = await site.store.call(
        person, Address(channel, address, channel), Address("email", "li@example.com", "email:example.com")
    )
    _, text = await site.get(preferences(site, reader))
    assert 'value="data"' not in text
    assert 'value="erase"' not in text
    for kind in ("data", "erase"):
        response, _ = await site.post(preferences(site, reader), {"do": kind})
        assert response.status == 400
    assert await site.store.call(claimed) == []
