"""What programs get that received a webhook: the whole of what it had to cut, and the schema."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientSession

from dispatch.assets import schemas_dir, templates_dir
from dispatch.channels.webhook.whole import Wholes
from dispatch.delivery.ledger import Owed, Work
from dispatch.digests.render import Renderer
from dispatch.digests.selection import Part, Selection
from dispatch.links import Addressing, Links, article_url
from dispatch.model import IssueState
from dispatch.settings import Settings
from subscribers.database import Database
from subscribers.tokens import MOST, Purpose, Signer
from tests.channels.webhook_schema import check
from tests.web.conftest import ISSUE, NOW, Site

BASE = "https://bulletin.example"
DAY = 86_400_000
FIRST = Selection("digest", "zh", "full", (Part(1, 1, 1),))


def wholes() -> Wholes:
    renderer = Renderer(templates_dir(), None, lambda *where: article_url(BASE, *where))
    return Wholes(renderer, lambda bulletin: "Torch Bulletin", lambda language: "")


@asynccontextmanager
async def serving(site: Site) -> AsyncIterator[ClientSession]:
    async with site.again(wholes=wholes()) as client:
        yield client


def path_of(site: Site, selection: Selection = FIRST, until: int = NOW + DAY) -> str:
    return f"/w/{site.signer.token_of(Purpose.WHOLE, selection.words(), until)}"


async def asked(client: ClientSession, path: str) -> tuple[int, Any]:
    response = await client.get(path)
    return response.status, await response.json() if response.status == 200 else None


async def test_the_whole_of_just_that_messages_articles(site: Site) -> None:
    """The matching articles in full, the others as titles; nothing personal, nothing to index, no cookie."""
    await site.archive(IssueState.SENDING)
    async with serving(site) as client:
        response = await client.get(path_of(site))
        body = await response.json()
        english = replace(FIRST, language="en", format="titles", parts=(Part(1, 2, 1),))
        _, other = await asked(client, path_of(site, english))
    check(body)
    check(other)
    assert (response.status, response.content_type, response.charset) == (200, "application/json", "utf-8")
    [digest] = body["data"]["digests"]
    assert [article["title"] for article in digest["matching"]] == [ISSUE.columns[0].articles[0].title]
    assert [article["url"] for article in digest["matching"]] == [f"{BASE}/issues/huoju/534/1"]
    assert [article["title"] for article in digest["others"]] == [ISSUE.columns[0].articles[1].title]
    assert len(digest["matching"][0]["blocks"]) == 3
    assert (body["data"]["truncated"], body["data"]["reasons"], body["data"]["unsubscribe_url"]) == (False, [], "")
    assert response.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert response.headers["Cache-Control"] == "private, max-age=300"
    assert "Set-Cookie" not in response.headers
    assert other["data"]["digests"][0]["matching"][0]["title"] == ISSUE.columns[0].articles[1].title
    assert "blocks" not in other["data"]["digests"][0]["matching"][0]
    assert (other["data"]["language"], other["data"]["bulletin"]["title_en"]) == ("en", "Torch Bulletin")


async def test_a_correction_brings_no_other_titles(site: Site) -> None:
    await site.archive(IssueState.SENT)
    async with serving(site) as client:
        _, body = await asked(client, path_of(site, replace(FIRST, kind="correction")))
    assert body["type"] == "digest.corrected"
    assert body["data"]["digests"][0]["others"] == []


async def test_who_has_it_already_is_told_so(site: Site) -> None:
    await site.archive(IssueState.SENDING)
    async with serving(site) as client:
        first = await client.get(path_of(site))
        again = await client.get(path_of(site), headers={"If-None-Match": first.headers["ETag"]})
        other = await client.get(path_of(site), headers={"If-None-Match": '"other"'})
        assert (again.status, await again.read()) == (304, b"")
        assert await other.read() == await first.read()


@pytest.mark.parametrize(
    ("state", "kind", "status"),
    [
        (IssueState.PAUSED, "digest", 200),
        (IssueState.CANCELLED, "digest", 410),
        (IssueState.CANCELLED, "test", 410),
        (IssueState.HELD, "digest", 410),
        (IssueState.HELD, "test", 200),
    ],
)
async def test_what_was_withdrawn_is_gone(site: Site, state: IssueState, kind: str, status: int) -> None:
    """Also where it was made before; only a test shows what is not out yet."""
    await site.archive(IssueState.SENDING)
    async with serving(site) as client:
        path = path_of(site, replace(FIRST, kind=kind))
        assert (await asked(client, path))[0] == 200
        await site.store.call(_set, "UPDATE issues SET state = :value", str(state))
        assert (await asked(client, path))[0] == status


async def test_what_has_other_tags_since_is_made_anew(site: Site) -> None:
    await site.archive(IssueState.SENDING)
    async with serving(site) as client:
        _, before = await asked(client, path_of(site))
        tags = '[{"name": "南昌高新区", "role": "subject", "evidence": []}]'
        await site.store.call(_set, "UPDATE articles SET parks = :value WHERE position = 1", tags)
        assert (await asked(client, path_of(site)))[1] == before, "nothing says that it changed"
        await site.store.call(_set, "UPDATE issues SET fingerprint = :value", "another")
        _, after = await asked(client, path_of(site))
    assert [park["key"] for park in after["data"]["digests"][0]["matching"][0]["parks"]] == ["南昌高新区"]


async def test_a_link_that_is_over_or_of_a_text_that_is_kept_no_longer_is_gone(site: Site) -> None:
    await site.archive(IssueState.SENDING)
    async with serving(site) as client:
        path = path_of(site, until=NOW + 1000)
        assert (await asked(client, path))[0] == 200
        site.clock.time = NOW + 2000
        assert (await asked(client, path))[0] == 410
        assert (await asked(client, path_of(site, replace(FIRST, parts=(Part(1, 1, 7),)))))[0] == 410
        assert (await asked(client, path_of(site, replace(FIRST, parts=(Part(99, 1, 0),)))))[0] == 410


async def test_what_is_no_link_of_ours_is_not_found(site: Site) -> None:
    await site.archive(IssueState.SENDING)
    token = path_of(site).removeprefix("/w/")
    changed = token[:-1] + ("A" if token[-1] != "A" else "B")
    wrong = [
        changed,
        "x",
        f"{token}%20",
        site.signer.token(Purpose.WHOLE, 7),
        site.signer.token_of(Purpose.WHOLE, "digest.zh.full", NOW + DAY),
        site.signer.token_of(Purpose.WHOLE, "notice.zh.full:1.1.1", NOW + DAY),
        site.signer.token_of(Purpose.PREVIEW, FIRST.words(), NOW + DAY),
    ]
    async with serving(site) as client:
        for word in wrong:
            assert (await asked(client, f"/w/{word}"))[0] == 404, word
        assert (await client.post(f"/w/{token}")).status == 405


async def test_without_webhooks_there_is_no_such_page(site: Site) -> None:
    await site.archive(IssueState.SENDING)
    assert (await asked(site.client, path_of(site)))[0] == 404


async def test_the_schema_is_there_for_everybody(site: Site) -> None:
    response = await site.client.get("/schemas/webhook-1.json")
    assert response.content_type == "application/schema+json"
    assert json.loads(await response.text()) == json.loads((schemas_dir() / "webhook-1.json").read_text("utf-8"))
    for name in ("webhook-2.json", "..%2f..%2fpyproject.toml", ""):
        assert (await site.client.get(f"/schemas/{name}")).status == 404


def work(**changes: Any) -> Work:
    made = Work(
        message_id=1,
        epoch=1,
        kind="digest",
        channel="webhook",
        queue="webhook:a.example",
        endpoint_id=3,
        address="https://a.example/",
        name="",
        language="zh",
        format="full",
        owed=(Owed(5, 1, 3, ("all",), 2),),
        attempts=0,
        parts_done=0,
        expires_at=NOW,
    )
    return replace(made, **changes)


def full_url(signer: Signer, base: str = BASE, **changes: Any) -> str:
    links = Links(base, "", signer)
    addressing = Addressing(Settings(), links, lambda tag, language: tag, "abc")
    return addressing.envelope(work(**changes)).full_url


def test_a_message_to_a_webhook_says_where_its_whole_is_and_only_that() -> None:
    """The same in each attempt and for all that get the same; three months after the message's own end it is over."""
    signer = Signer(["key"])
    url = full_url(signer)
    token = url.removeprefix(f"{BASE}/w/")
    words = signer.read_words(Purpose.WHOLE, token, NOW + 90 * DAY)
    assert words is not None
    assert Selection.read(words) == Selection("digest", "zh", "full", (Part(1, 3, 2),))
    assert url == full_url(signer, endpoint_id=4, message_id=2, address="https://b.example/", kind="bundle")
    assert url != full_url(signer, language="en")
    assert full_url(signer, base="") == ""
    assert full_url(signer, channel="email") == full_url(signer, channel="wecom") == ""
    assert full_url(signer, kind="notice") == full_url(signer, owed=()) == ""
    assert "test" in str(_words(signer, full_url(signer, kind="test")))
    assert "correction" in str(_words(signer, full_url(signer, kind="correction")))
    assert url not in repr(Addressing(Settings(), Links(BASE, "", signer), lambda *of: "", "").envelope(work()))


def test_a_link_holds_many_digests_and_is_left_out_where_it_cannot() -> None:
    signer = Signer(["key"])
    many = tuple(Owed(n, 1_000_000 + n, 2**62 - 1, ("all",), 12) for n in range(40))
    url = full_url(signer, owed=many)
    assert len(url) < MOST
    assert len((Selection.read(str(_words(signer, url))) or FIRST).parts) == 40
    assert full_url(signer, owed=many * 4) == ""


def _words(signer: Signer, url: str) -> str | None:
    return signer.read_words(Purpose.WHOLE, url.rpartition("/")[2], NOW)


def _set(db: Database, sql: str, value: str) -> None:
    with db.transaction():
        db.run(sql, {"value": value})


def test_what_a_reader_excludes_is_left_out_of_the_whole_too() -> None:
    signer = Signer(["key"])
    plain, less = (full_url(signer, owed=(Owed(5, 1, 3, ("all",), 2, out),)) for out in (0, 12))
    assert Selection.read(str(_words(signer, plain))) == Selection("digest", "zh", "full", (Part(1, 3, 2),))
    assert Selection.read(str(_words(signer, less))) == Selection("digest", "zh", "full", (Part(1, 3, 2, 12),))
