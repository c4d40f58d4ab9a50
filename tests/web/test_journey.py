"""A reader's whole way over the pages, on both databases."""

from __future__ import annotations

from aiohttp import ClientSession

from dispatch.app import PersonalData
from dispatch.delivery import rights
from dispatch.links import Links
from dispatch.model import IssueState
from subscribers.tokens import Purpose

from .conftest import Site, site_over
from .forms import Page

READER = "journey@example.com"
BROWSER = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}


async def test_from_the_form_to_the_end_of_all_data(migrated_url: str) -> None:
    async with site_over(migrated_url) as site:
        await site.archive(IssueState.SENT)
        async with site.again(rights=PersonalData()) as client:
            await _read(site, client)
            endpoint = await _subscribe(site, client)
            preferences = await _change(site, client, endpoint)
            await _leave_and_come_back(site, client, endpoint)
            await _erase(site, client, preferences)


async def _read(site: Site, client: ClientSession) -> None:
    preview = f"/preview/{site.signer.token(Purpose.PREVIEW, 1)}"
    places = ("/issues", "/issues/huoju/534", "/issues/huoju/534/c/1", "/issues/huoju/534/1", preview, f"{preview}/2")
    assert [(await client.get(place)).status for place in places] == [200] * len(places)


async def _subscribe(site: Site, client: ClientSession) -> int:
    page = Page(await (await client.get("/subscribe")).text())
    site.clock.time += 10_000
    form = dict(page.values) | {"address": READER, "what": "南昌高新区", "cadence": "weekly"}
    assert (await client.post("/subscribe", data=form, headers=BROWSER)).status == 200
    await _confirm(site, client)
    (row,) = (await site.tables())[0]
    assert (row["address"], row["state"]) == (READER, "active")
    return int(row["id"])


async def _confirm(site: Site, client: ClientSession) -> None:
    """Follow the link of the newest confirmation, as the mail has it."""
    asked = await site.store.call(lambda db: db.value("SELECT MAX(id) FROM consents WHERE step = 'asked'"))
    path = f"/c/{site.signer.token(Purpose.CONFIRM, asked, site.clock.time + 60_000)}"
    assert (await client.post(path, headers=BROWSER)).status == 200


async def _change(site: Site, client: ClientSession, endpoint: int) -> str:
    path = f"/p/{site.signer.token(Purpose.PREFERENCES, endpoint)}"
    page = Page(await (await client.get(path)).text())
    assert page.ticked("cadence") == ["weekly"]
    forms = (
        {"do": "follow", "what": "区块链", "first": "1"},
        {"do": "drop", "tag": "park:南昌高新区"},
        dict(page.values) | {"do": "settings", "quiet_from": "22:00", "quiet_until": "07:00"},
        {"do": "pause", "until": ""},
        {"do": "resume"},
    )
    for form in forms:
        assert (await client.post(path, data=form, headers=BROWSER)).status == 200
    assert await site.follows(endpoint) == {"topic:blockchain"}
    assert await site.state(endpoint) == "active"
    return path


async def _leave_and_come_back(site: Site, client: ClientSession, endpoint: int) -> None:
    path = site.path(endpoint)
    await client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert (await client.post(f"{path}/why", data={"why": "often"}, headers=BROWSER)).status == 200
    assert await site.state(endpoint) == "suppressed"
    await client.post(f"{path}/back", headers=BROWSER)
    await _confirm(site, client)
    assert await site.state(endpoint) == "active"


async def _mailed(site: Site, client: ClientSession, preferences: str, kind: str) -> str:
    """The page to which the mail leads that is asked for."""
    await client.post(preferences, data={"do": kind}, headers=BROWSER)
    content = await site.store.call(lambda db: db.value("SELECT content FROM messages WHERE kind = :k", {"k": kind}))
    right = rights.of_content(str(content))
    return (
        Links("http://x", "", site.signer).right(kind, right.subscriber_id, right.until, "zh").removeprefix("http://x")
    )


async def _erase(site: Site, client: ClientSession, preferences: str) -> None:
    data, end = [await _mailed(site, client, preferences, kind) for kind in ("data", "erase")]
    file = await (await client.post(data, headers=BROWSER)).text()
    assert READER in file
    for _ in range(2):
        done = await client.post(end, headers=BROWSER)
        assert "已全部删除" in await done.text()
    assert (await client.get(preferences)).status == 410
    rows, follows = await site.tables()
    assert READER not in str(rows)
    assert follows == []
