"""Leaving by the link: RFC 8058."""

from __future__ import annotations

import json

import pytest
from aiohttp import FormData

from dispatch.delivery import personal
from subscribers import audit, directory, proof
from subscribers.database import Database, Row
from subscribers.model import Address
from subscribers.tokens import Purpose
from tests.acts import at

from .conftest import ADDRESS, FOLLOWS, NAME, NOW, Site
from .forms import Page

PARK = FOLLOWS[0]


def part(header: bytes, body: bytes) -> bytes:
    """A form of one field, with an odd header."""
    return b'--x\r\nContent-Disposition: form-data; name="all"\r\n' + header + b"\r\n\r\n" + body + b"\r\n--x--\r\n"


BAD = ("x", "1", "WzEsImFsbCJd", "..", "%00", "%E4%B8%AD", "a" * 3000, "MQ.aaaaaaaaaaaaaaaaaaaaaaaaaaa")


@pytest.mark.parametrize("tag", ["", PARK])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_changes_nothing(site: Site, method: str, tag: str) -> None:
    endpoint = await site.subscribe()
    before = await site.tables()
    response = await site.client.request(method, site.path(endpoint, tag))
    assert response.status == 200
    assert await site.tables() == before


async def test_get_says_what_would_happen(site: Site) -> None:
    endpoint = await site.subscribe()
    _, text = await site.get(site.path(endpoint))
    assert "全部退订" in text
    assert '<form method="post">' in text
    assert 'name="all"' not in text


async def test_get_of_a_follow_names_it_and_offers_to_leave_everything(site: Site) -> None:
    endpoint = await site.subscribe()
    _, text = await site.get(site.path(endpoint, PARK))
    assert "取消关注“南昌高新区”" in text
    assert '<button name="all" value="1">' in text


async def test_post_leaves_at_once(site: Site) -> None:
    endpoint = await site.subscribe()
    response, text = await site.post(site.path(endpoint))
    assert (response.status, await site.state(endpoint)) == (200, "suppressed")
    assert "已全部退订" in text
    assert "Set-Cookie" not in response.headers


async def test_post_as_multipart(site: Site) -> None:
    endpoint = await site.subscribe()
    form = FormData(default_to_multipart=True)
    form.add_field("List-Unsubscribe", "One-Click")
    response = await site.client.post(site.path(endpoint), data=form)
    assert (response.status, await site.state(endpoint)) == (200, "suppressed")


async def test_post_with_a_tag_drops_that_follow_alone(site: Site) -> None:
    endpoint = await site.subscribe()
    response, text = await site.post(site.path(endpoint, PARK))
    assert response.status == 200
    assert "已取消关注“南昌高新区”" in text
    assert await site.state(endpoint) == "active"
    assert await site.follows(endpoint) == {FOLLOWS[1]}


@pytest.mark.parametrize("multipart", [False, True])
async def test_all_leaves_everything_with_a_tag_too(site: Site, multipart: bool) -> None:
    endpoint = await site.subscribe()
    form = FormData(default_to_multipart=multipart)
    form.add_field("all", "1")
    response = await site.client.post(site.path(endpoint, PARK), data=form)
    assert "已全部退订" in await response.text()
    assert await site.state(endpoint) == "suppressed"


@pytest.mark.parametrize("tag", ["", PARK])
async def test_a_second_post_changes_nothing_and_says_the_same(site: Site, tag: str) -> None:
    endpoint = await site.subscribe()
    _, first = await site.post(site.path(endpoint, tag))
    before = await site.tables()
    site.clock.time += 60_000
    response, second = await site.post(site.path(endpoint, tag))
    assert (response.status, second) == (200, first)
    assert await site.tables() == before


@pytest.mark.parametrize("tag", ["", PARK])
async def test_get_after_leaving_says_so(site: Site, tag: str) -> None:
    endpoint = await site.subscribe()
    _, done = await site.post(site.path(endpoint, tag))
    _, text = await site.get(site.path(endpoint, tag))
    assert text == done


async def test_who_left_everything_is_told_that_for_a_follow_too(site: Site) -> None:
    endpoint = await site.subscribe()
    await site.post(site.path(endpoint))
    for ask in (site.get, site.post):
        _, text = await ask(site.path(endpoint, PARK))
        assert "已全部退订" in text


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"\xff\xfe=%ff", "application/x-www-form-urlencoded"),
        (b"a=b", "application/x-www-form-urlencoded; charset=nonsense"),
        (b"no parts", "multipart/form-data; boundary=x"),
        (b"--x\r\n\r\n\r\n--x--\r\n", "multipart/form-data; boundary=x"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nno end", "multipart/form-data; boundary=x"),
        (b"no boundary", "multipart/form-data"),
        (part(b"Content-Transfer-Encoding: nonsense", b"1"), "multipart/form-data; boundary=x"),
        (part(b"Content-Transfer-Encoding: base64", b"!"), "multipart/form-data; boundary=x"),
        (part(b"Content-Transfer-Encoding: \xff", b"1"), "multipart/form-data; boundary=x"),
        (part(b"Content-Encoding: gzip", b"1"), "multipart/form-data; boundary=x"),
        (part(b"Content-Type: text/plain; charset=nonsense", b"1"), "multipart/form-data; boundary=x"),
        (part(b"Content-Type: multipart/mixed; boundary=y", b"1"), "multipart/form-data; boundary=x"),
        (b"{}", "application/json"),
        (b"x", "nonsense"),
    ],
)
async def test_a_post_of_any_form_is_honoured(site: Site, body: bytes, content_type: str) -> None:
    endpoint = await site.subscribe()
    response = await site.client.post(site.path(endpoint), data=body, headers={"Content-Type": content_type})
    assert (response.status, await site.state(endpoint)) == (200, "suppressed")


@pytest.mark.parametrize("token", BAD)
async def test_bad_tokens_all_get_the_same_page(site: Site, token: str) -> None:
    await site.subscribe()
    before = await site.tables()
    for ask in (site.get, site.post):
        response, text = await ask(f"/u/{token}")
        assert response.status == 404
        assert text == (await ask("/u/other"))[1]
    assert await site.tables() == before


async def test_a_token_of_other_keys_or_another_tag_is_bad(site: Site) -> None:
    endpoint = await site.subscribe()
    stranger = type(site.signer)(["another key"])
    body, _, signature = site.signer.leave(endpoint, PARK).rpartition(".")
    _, _, other = site.signer.leave(endpoint, FOLLOWS[1]).rpartition(".")
    for token in (stranger.leave(endpoint), f"{body}.{other}", f"{body}.{signature}x", body):
        response, _ = await site.post(f"/u/{token}")
        assert response.status == 404
    assert await site.follows(endpoint) == set(FOLLOWS)


@pytest.mark.parametrize(("language", "words"), [("zh", "早先的订阅"), ("en", "an older subscription")])
@pytest.mark.parametrize("tag", ["", PARK])
async def test_a_link_of_before_an_erasure_does_not_say_that_who_came_back_has_left(
    site: Site, tag: str, language: str, words: str
) -> None:
    old = await site.subscribe()
    await site.store.call(_erase, old)
    new = await site.subscribe()
    for response in (
        await site.client.get(site.path(old, tag), headers={"Accept-Language": language}),
        await site.client.post(
            site.path(old, tag), data={"List-Unsubscribe": "One-Click"}, headers={"Accept-Language": language}
        ),
    ):
        text = await response.text()
        assert (response.status, words in text) == (410, True)
        assert "已全部退订" not in text
        assert "You are unsubscribed" not in text
        Page(text).check()
    assert new != old
    assert await site.state(new) == "active"


@pytest.mark.parametrize("chat", ["-1001234", "-1001234/7", "@parks_news"])
@pytest.mark.parametrize("tag", ["", PARK])
async def test_a_link_in_a_group_changes_nothing_there(site: Site, chat: str, tag: str) -> None:
    endpoint = await site.subscribe(to=Address("telegram", chat, "telegram"))
    before = await site.tables()
    for response, text in (
        await site.get(site.path(endpoint, tag)),
        await site.post(site.path(endpoint, tag)),
        await site.post(site.path(endpoint, tag), {"all": "1"}),
    ):
        assert (response.status, "群管理员" in text) == (403, True)
        Page(text).check()
    await site.post(f"{site.path(endpoint, tag)}/why", {"why": "often"})
    preferences = f"/p/{site.signer.token(Purpose.PREFERENCES, endpoint)}"
    assert (await site.post(preferences, {"do": "drop", "tag": PARK}))[0].status == 410
    assert await site.tables() == before


async def test_a_link_in_a_private_chat_works(site: Site) -> None:
    endpoint = await site.subscribe(to=Address("telegram", "1234", "telegram"))
    await site.post(site.path(endpoint))
    assert await site.state(endpoint) == "suppressed"


async def test_an_opt_out_outlives_a_removed_subscriber(site: Site) -> None:
    endpoint = await site.subscribe()
    await site.store.call(_remove)
    assert await site.state(endpoint) == "gone"
    response, text = await site.post(site.path(endpoint))
    assert (response.status, await site.state(endpoint)) == (200, "suppressed")
    assert "已全部退订" in text


async def test_pages_come_in_the_language_of_the_reader(site: Site) -> None:
    endpoint = await site.subscribe(language="en")
    _, text = await site.get(site.path(endpoint, FOLLOWS[1]), language="zh")
    assert '<html lang="en">' in text
    assert "Unfollow “Photonics and displays”" in text


@pytest.mark.parametrize("tag", ["", PARK])
async def test_no_page_shows_whose_token_it_is(site: Site, tag: str) -> None:
    endpoint = await site.subscribe()
    for ask in (site.get, site.post):
        _, text = await ask(site.path(endpoint, tag))
        assert ADDRESS not in text
        assert NAME not in text


async def test_a_hostile_tag_is_escaped(site: Site) -> None:
    endpoint = await site.subscribe(follows=["topic:<b>{title}"])
    _, text = await site.get(site.path(endpoint, "topic:<b>{title}"))
    assert "<b>" not in text
    assert "&lt;b&gt;{title}" in text


async def test_others_are_left_alone(site: Site) -> None:
    endpoint = await site.subscribe()
    other = await site.store.call(_second_endpoint)
    await site.post(site.path(endpoint))
    assert await site.state(other) == "active"


@pytest.mark.parametrize("tag", ["", PARK])
async def test_who_has_left_may_say_why_and_it_is_on_record(site: Site, tag: str) -> None:
    endpoint = await site.subscribe()
    _, text = await site.post(site.path(endpoint, tag))
    assert f'action="{site.path(endpoint, tag).removeprefix("/u/")}/why"' in text
    Page(text).check()
    response, text = await site.post(f"{site.path(endpoint, tag)}/why", {"why": "often", "words": "x" * 5000})
    assert (response.status, "谢谢" in text) == (200, True)
    (told,) = await reasons(site, endpoint)
    assert (told["actor"], told["way"], told["detail"]["why"]) == ("reader", "page", "often")
    assert len(told["detail"]["words"]) == 500
    assert told["detail"].get("follow", "") == tag


async def test_reasons_are_optional_bounded_and_of_those_who_left(site: Site) -> None:
    endpoint = await site.subscribe()
    why = f"{site.path(endpoint)}/why"
    await site.post(why, {"why": "often"})
    assert await reasons(site, endpoint) == []
    await site.post(site.path(endpoint))
    for fields in ({}, {"why": "made up"}, {"words": "  "}):
        assert (await site.post(why, fields))[0].status == 200
    assert await reasons(site, endpoint) == []
    for _ in range(10):
        await site.post(why, {"why": "other"})
    assert len(await reasons(site, endpoint)) == 3
    assert (await site.post(f"{site.path(999)}/why", {"why": "other"}))[0].status == 200


@pytest.mark.parametrize("tag", ["", PARK])
async def test_who_has_left_is_offered_to_come_back_by_mail(site: Site, tag: str) -> None:
    endpoint = await site.subscribe()
    await site.post(site.path(endpoint, tag))
    before = await site.tables()
    response, text = await site.post(f"{site.path(endpoint, tag)}/back", {})
    assert (response.status, "请查收邮件" in text) == (200, True)
    assert await site.tables() == before
    wish = await site.store.call(lambda db: db.value("SELECT wish FROM consents WHERE step = 'asked'"))
    assert json.loads(wish)["follows"] == ([tag] if tag else [])
    assert await confirmations(site) == 1


async def test_coming_back_is_for_those_who_left_and_counted(site: Site) -> None:
    endpoint = await site.subscribe()
    back = f"{site.path(endpoint)}/back"
    await site.post(back, {})
    assert await confirmations(site) == 0
    await site.post(site.path(endpoint))
    for _ in range(6):
        await site.post(back, {})
    assert await confirmations(site) == 3


@pytest.mark.parametrize("what", ["why", "back"])
async def test_what_comes_after_leaving_is_ours_to_post(site: Site, what: str) -> None:
    endpoint = await site.subscribe()
    await site.post(site.path(endpoint))
    place = f"{site.path(endpoint)}/{what}"
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert (await site.client.post(place, data={"why": "often"}, headers=headers)).status == 403
    assert (await site.get(place))[0].status == 405
    assert (await reasons(site, endpoint), await confirmations(site)) == ([], 0)


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://mail.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_a_mail_program_leaves_from_wherever_it_is(site: Site, headers: dict[str, str]) -> None:
    endpoint = await site.subscribe()
    response = await site.client.post(
        site.path(endpoint), data={"List-Unsubscribe": "One-Click"}, headers=headers, allow_redirects=False
    )
    assert (response.status, await site.state(endpoint)) == (200, "suppressed")


async def test_the_proof_of_leaving_has_the_network_address(site: Site) -> None:
    endpoint = await site.subscribe()
    await site.client.post(site.path(endpoint), headers={"X-Forwarded-For": "192.0.2.7"})
    last = (await site.store.call(proof.proofs, endpoint))[-1]
    assert (last.step, last.origin) == ("withdrawn", "192.0.2.7")


async def reasons(site: Site, endpoint: int) -> list[Row]:
    rows = await site.store.call(audit.of_subject, audit.ENDPOINT, [endpoint])
    return [row for row in rows if row["action"] == "said why"]


async def confirmations(site: Site) -> int:
    return int(await site.store.call(lambda db: db.value("SELECT COUNT(*) FROM messages WHERE kind = 'confirm'")))


def _remove(db: Database) -> None:
    with db.transaction():
        directory.remove(db, directory.find(db, ADDRESS)[0], at(NOW))


def _second_endpoint(db: Database) -> int:
    """Another address of the same subscriber."""
    with db.transaction():
        return db.insert(
            "INSERT INTO endpoints (subscriber_id, channel, address, queue, state, language, format, bundled,"
            " rhythm_id, created_at, changed_at) SELECT subscriber_id, 'telegram', '77', 'telegram', state, language,"
            " format, bundled, rhythm_id, created_at, changed_at FROM endpoints WHERE 1 = :one RETURNING id",
            {"one": 1},
        )


def _erase(db: Database, endpoint_id: int) -> None:
    personal.erase(db, directory.endpoint(db, endpoint_id).subscriber_id, at(NOW), for_good=False)
