"""What a reader gets and how, and what they may have done with their data."""

from __future__ import annotations

import datetime as dt
import json
from zoneinfo import ZoneInfo

import pytest

from subscribers import audit, directory, proof
from subscribers.database import Database
from subscribers.model import Address, Cadence, Endpoint, EndpointState, Preferences, Rhythm
from subscribers.tokens import Purpose
from tests.acts import at

from .conftest import ADDRESS, FOLLOWS, NAME, NOW, Site
from .forms import Page

DAY = 86_400_000
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
DAILY = {
    "do": "settings",
    "cadence": "daily",
    "weekday": "mon",
    "at": "07:30",
    "timezone": "Europe/Berlin",
    "quiet_from": "22:00",
    "quiet_until": "07:00",
    "bundled": "1",
    "format": "titles",
    "language": "en",
}


def path(site: Site, endpoint: int) -> str:
    return f"/p/{site.signer.token(Purpose.PREFERENCES, endpoint)}"


async def stored(site: Site, endpoint: int) -> Endpoint:
    return await site.store.call(directory.endpoint, endpoint)


async def do(site: Site, endpoint: int, **fields: str) -> tuple[int, str]:
    """Send a form and follow to where it leads: the status of the first answer, and the page."""
    response = await site.client.post(path(site, endpoint), data=fields, headers=SAME_ORIGIN)
    first = response.history[0] if response.history else response
    return first.status, await response.text()


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_page_shows_everything_and_no_whole_address(site: Site, language: str) -> None:
    endpoint = await site.subscribe(language=language)
    response, text = await site.get(path(site, endpoint))
    assert response.status == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in text
    page = Page(text)
    page.check()
    assert "r***@example.com" in text
    assert ADDRESS not in text
    assert NAME not in text
    assert "南昌高新区" in text
    assert page.value("timezone") == "Asia/Shanghai"
    assert page.ticked("cadence") == ["now"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_changes_nothing(site: Site, method: str) -> None:
    endpoint = await site.subscribe()
    before = await site.tables()
    assert (await site.client.request(method, path(site, endpoint))).status == 200
    assert await site.tables() == before


async def test_follow_more_and_the_newest_of_it_at_once(site: Site) -> None:
    endpoint = await site.subscribe()
    status, text = await do(site, endpoint, do="follow", what="江西、区块链", first="1")
    assert (status, "已增加关注" in text) == (303, True)
    assert await site.follows(endpoint) == {*FOLLOWS, "province:江西省", "topic:blockchain"}
    firsts = await site.store.call(lambda db: db.all("SELECT tag FROM firsts ORDER BY tag"))
    assert [row["tag"] for row in firsts] == ["province:江西省", "topic:blockchain"]
    last = (await site.store.call(audit.of_subject, audit.ENDPOINT, [endpoint]))[0]
    assert (last["action"], last["actor"], last["way"]) == ("followed", "reader", "page")


@pytest.mark.parametrize("what", ["", "没有这样的园区", "<script>", "park:", "topic:x", "，" * 500, "x" * 4000])
async def test_words_that_are_nothing_to_follow_change_nothing(site: Site, what: str) -> None:
    endpoint = await site.subscribe()
    status, text = await do(site, endpoint, do="follow", what=what)
    assert status == 422
    assert 'id="what-error"' in text
    assert "<script>" not in text
    Page(text).check()
    assert await site.follows(endpoint) == set(FOLLOWS)


async def test_drop_what_is_followed(site: Site) -> None:
    endpoint = await site.subscribe()
    assert (await do(site, endpoint, do="drop", tag=FOLLOWS[0]))[0] == 303
    assert await site.follows(endpoint) == {FOLLOWS[1]}
    assert (await do(site, endpoint, do="drop", tag="park:x' OR 1=1"))[0] == 303
    assert await site.follows(endpoint) == {FOLLOWS[1]}


async def test_all_settings_are_kept(site: Site) -> None:
    endpoint = await site.subscribe()
    status, text = await do(site, endpoint, **DAILY)
    assert (status, "Saved." in text) == (303, True)
    rhythm = Rhythm(Cadence.DAILY, -1, 450, "Europe/Berlin", 1320, 420)
    assert (await stored(site, endpoint)).preferences == Preferences(rhythm, "en", "titles", bundled=True)
    page = Page(text)
    kept = {name: page.value(name) for name in DAILY if name not in ("do", "weekday")}
    assert kept == {name: value for name, value in DAILY.items() if name in kept}


async def test_once_a_week(site: Site) -> None:
    endpoint = await site.subscribe()
    await do(site, endpoint, **{**DAILY, "cadence": "weekly", "weekday": "fri"})
    assert (await stored(site, endpoint)).preferences.rhythm.weekday == 4


async def test_saving_the_same_again_puts_nothing_on_record(site: Site) -> None:
    endpoint = await site.subscribe()
    await do(site, endpoint, **DAILY)
    before = await site.store.call(audit.of_subject, audit.ENDPOINT, [endpoint])
    await do(site, endpoint, **DAILY)
    assert await site.store.call(audit.of_subject, audit.ENDPOINT, [endpoint]) == before


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("at", "25:00", "at"),
        ("at", "soon", "at"),
        ("timezone", "Mars/Base", "timezone"),
        ("timezone", "../../etc/passwd", "timezone"),
        ("timezone", "x" * 3000, "timezone"),
        ("weekday", "someday", "weekday"),
        ("quiet_until", "", "quiet"),
        ("quiet_until", "22:00", "quiet"),
        ("quiet_from", "late", "quiet"),
        ("cadence", "hourly", "cadence"),
        ("format", "pdf", "format"),
        ("language", "tlh", "language"),
    ],
)
async def test_a_setting_that_is_wrong_is_told_beside_its_field_and_nothing_is_lost(
    site: Site, field: str, value: str, told: str
) -> None:
    endpoint = await site.subscribe()
    status, text = await do(site, endpoint, **{**DAILY, "cadence": "weekly", field: value})
    assert status == 422
    assert f'id="{told}-error"' in text
    page = Page(text)
    page.check()
    assert page.value("bundled") == "1"
    if field in ("at", "timezone", "quiet_from", "quiet_until"):
        assert page.value(field) == value
    assert (await stored(site, endpoint)).preferences == Preferences()


async def test_pause_until_a_day_and_resume(site: Site) -> None:
    endpoint = await site.subscribe()
    status, text = await do(site, endpoint, do="pause", until="2022-06-10")
    assert status == 303
    assert "2022年6月10日恢复" in text
    found = await stored(site, endpoint)
    midnight = dt.datetime(2022, 6, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert (found.state, found.paused_until) == (EndpointState.PAUSED, int(midnight.timestamp() * 1000))
    await do(site, endpoint, do="resume")
    assert (await stored(site, endpoint)).state is EndpointState.ACTIVE


async def test_pause_without_an_end(site: Site) -> None:
    endpoint = await site.subscribe()
    await do(site, endpoint, do="pause", until="")
    found = await stored(site, endpoint)
    assert (found.state, found.paused_until) == (EndpointState.PAUSED, None)


@pytest.mark.parametrize("until", ["2022-05-31", "2021-01-01", "2031-01-01", "9999-99-99", "tomorrow", "20220610x"])
async def test_a_day_that_no_pause_can_end_with(site: Site, until: str) -> None:
    endpoint = await site.subscribe()
    status, text = await do(site, endpoint, do="pause", until=until)
    assert (status, 'id="until-error"' in text) == (422, True)
    assert await site.state(endpoint) == "active"


async def test_a_pause_of_an_administrator_is_theirs_to_end(site: Site) -> None:
    endpoint = await site.subscribe()
    await site.store.call(_pause, endpoint)
    _, text = await site.get(path(site, endpoint))
    assert "管理员已暂停发送" in text
    for what in ("pause", "resume"):
        await do(site, endpoint, do=what)
    found = await stored(site, endpoint)
    assert (found.state, found.reason) == (EndpointState.PAUSED, "paused by an administrator")


async def test_leaving_has_a_proof_and_leads_to_the_page_of_leaving(site: Site) -> None:
    endpoint = await site.subscribe()
    response = await site.client.post(path(site, endpoint), data={"do": "leave"}, headers=SAME_ORIGIN)
    assert response.url.path.startswith("/u/")
    assert "已全部退订" in await response.text()
    last = (await site.store.call(proof.proofs, endpoint))[-1]
    assert (last.step, last.origin, last.way) == ("withdrawn", "127.0.0.1", "page")


async def test_who_left_comes_back_by_mail_alone(site: Site) -> None:
    endpoint = await site.subscribe()
    await site.post(site.path(endpoint))
    _, text = await site.get(path(site, endpoint))
    assert 'value="back"' in text
    Page(text).check()
    assert (await do(site, endpoint, do="back"))[0] == 303
    assert await site.state(endpoint) == "suppressed"
    kinds = await site.store.call(lambda db: db.all("SELECT DISTINCT kind, endpoint_id FROM messages"))
    assert kinds == [{"kind": "confirm", "endpoint_id": endpoint}]


async def test_nobody_who_is_written_to_asks_to_come_back(site: Site) -> None:
    endpoint = await site.subscribe()
    assert (await do(site, endpoint, do="back"))[0] == 400


@pytest.mark.parametrize("fields", [{}, {"do": "everything"}, {"do": ""}])
async def test_a_form_that_is_none_of_ours_changes_nothing(site: Site, fields: dict[str, str]) -> None:
    endpoint = await site.subscribe()
    before = await site.tables()
    response = await site.client.post(path(site, endpoint), data=fields)
    assert response.status == 400
    assert await site.tables() == before


@pytest.mark.parametrize("what", ["leave", "erase", "data", "pause", "settings", "follow", "drop", "back"])
async def test_another_site_changes_nothing(site: Site, what: str) -> None:
    endpoint = await site.subscribe()
    before = await site.tables()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        response = await site.client.post(path(site, endpoint), data={**DAILY, "do": what}, headers=headers)
        assert response.status == 403
    assert await site.tables() == before


async def test_the_file_with_all_data(site: Site) -> None:
    await site.subscribe()
    address = f"/d/{site.signer.token(Purpose.DATA, 1, NOW + 3_600_000)}"
    assert NAME not in (await site.get(address))[1]
    file = await site.client.post(address, headers=SAME_ORIGIN)
    assert file.content_type == "application/json"
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.headers["Cache-Control"] == "no-store"
    assert json.loads(await file.text())["name"] == NAME


async def test_erasing_asks_first_and_can_be_done_twice(site: Site) -> None:
    endpoint = await site.subscribe()
    address = f"/e/{site.signer.token(Purpose.ERASE, 1, NOW + 3_600_000)}"
    _, text = await site.get(address)
    assert "无法恢复" in text
    Page(text).check()
    assert await site.state(endpoint) == "active"
    for _ in range(2):
        done = await site.client.post(address, headers=SAME_ORIGIN)
        assert (done.status, "已全部删除" in await done.text()) == (200, True)
    gone, text = await site.get(path(site, endpoint))
    assert (gone.status, "已没有您的订阅" in text) == (410, True)


@pytest.mark.parametrize(("place", "purpose"), [("d", Purpose.DATA), ("e", Purpose.ERASE)])
async def test_links_to_data_and_erasure_end_after_an_hour(site: Site, place: str, purpose: Purpose) -> None:
    endpoint = await site.subscribe()
    address = f"/{place}/{site.signer.token(purpose, 1, NOW + 3_600_000)}"
    site.clock.time += 3_602_000
    for response, text in (await site.get(address), await site.post(address)):
        assert (response.status, "链接已过期" in text) == (410, True)
    assert await site.state(endpoint) == "active"


async def test_another_site_neither_reads_nor_erases(site: Site) -> None:
    endpoint = await site.subscribe()
    for place, purpose in (("d", Purpose.DATA), ("e", Purpose.ERASE)):
        address = f"/{place}/{site.signer.token(purpose, 1, NOW + DAY)}"
        assert (await site.client.post(address, headers={"Sec-Fetch-Site": "cross-site"})).status == 403
    assert await site.state(endpoint) == "active"


async def test_a_token_is_good_for_its_own_pages_alone(site: Site) -> None:
    endpoint = await site.subscribe()
    tokens = {purpose: site.signer.token(purpose, endpoint) for purpose in Purpose}
    places = {
        "u": Purpose.LEAVE,
        "c": Purpose.CONFIRM,
        "p": Purpose.PREFERENCES,
        "d": Purpose.DATA,
        "e": Purpose.ERASE,
        "preview": Purpose.PREVIEW,
    }
    before = await site.tables()
    for place, own in places.items():
        for purpose, token in tokens.items():
            if purpose is not own:
                assert (await site.get(f"/{place}/{token}"))[0].status == 404
    for place in ("p", "c", "d", "e"):
        response = await site.client.post(f"/{place}/{tokens[Purpose.LEAVE]}", data={"do": "leave"})
        assert response.status == 404
    assert await site.tables() == before


@pytest.mark.parametrize(
    ("channel", "address", "shown"),
    [
        ("telegram", "123456789", "***89"),
        ("webhook", "https://hook.example.com/secret?key=1", "https://hook.example.com/***"),
    ],
)
async def test_addresses_of_other_channels_are_masked_too(site: Site, channel: str, address: str, shown: str) -> None:
    endpoint = await site.store.call(_other, channel, address)
    _, text = await site.get(path(site, endpoint))
    assert shown in text
    assert address not in text
    await do(site, endpoint, do="leave")
    _, text = await site.get(path(site, endpoint))
    assert 'value="back"' not in text


def _pause(db: Database, endpoint_id: int) -> None:
    with db.transaction():
        directory.pause(db, directory.endpoint(db, endpoint_id), at(NOW))


def _other(db: Database, channel: str, address: str) -> int:
    with db.transaction():
        subscriber_id = directory.add(
            db,
            name="",
            addresses=[Address(channel, address, channel)],
            follows=FOLLOWS,
            preferences=Preferences(),
            consent="asked for it",
            act=at(NOW),
        )
    return directory.get(db, subscriber_id).endpoints[0].id
