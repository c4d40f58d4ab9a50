"""Corrections: only those who had what was changed are told of it, once, and the ledger still says what was sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from dispatch import archive, revisions
from dispatch.archive import ColumnName
from dispatch.delivery import claims, control, corrections, integrity, personal, reports, settles
from dispatch.delivery.control import Part
from dispatch.delivery.ledger import Attempt
from dispatch.errors import Failure
from dispatch.model import Article, Block, BlockKind, Column, Content, Issue, IssueState, Retry, Sent
from subscribers import directory
from subscribers.database import Database
from subscribers.model import EndpointState, Preferences, Rhythm
from tests.acts import at
from tests.delivery.conftest import EXPIRE, Desk, FakeChannel, tags_of

Columns = Mapping[str, Sequence[tuple[str, str]]]
FIRST: Columns = {"一": [("red", "红色的文字。"), ("blue", "蓝色的文字。")], "二": [("green", "绿色的文字。")]}


def issue(columns: Columns) -> Issue:
    made = tuple(
        Column(
            name,
            name,
            tuple(Article(title, "", (Block(BlockKind.PARAGRAPH, text),)) for title, text in articles),
        )
        for name, articles in columns.items()
    )
    return Issue("huoju", "火炬动态", "", 2022, 5, 534, dt.date(2022, 3, 15), made)


def named(bulletin: str, column: Column) -> ColumnName:
    return ColumnName(column.name, "")


def take_in(desk: Desk, columns: Columns, *, again: bool = False) -> archive.Added:
    with desk.db.transaction():
        return archive.add(
            desk.db,
            issue(columns),
            source="test",
            warnings=(),
            column_name=named,
            tags_of=tags_of,
            now=desk.clock.now(),
            again=again,
        )


def out(desk: Desk, columns: Columns = FIRST) -> int:
    """An issue that is planned."""
    added = take_in(desk, columns)
    with desk.db.transaction():
        archive.approve(desk.db, archive.load(desk.db, added.id), "test", desk.clock.now())
    desk.plan()
    return added.id


def changed(columns: Columns = FIRST, **texts: str) -> Columns:
    """The same with other texts, by title."""
    return {name: [(title, texts.get(title, text)) for title, text in found] for name, found in columns.items()}


def queue(desk: Desk) -> int:
    """Queue what is owed of corrections; how many messages."""
    total = 0
    for plan in corrections.to_plan(desk.db):
        for low, high in plan.slices:
            total += corrections.plan_slice(desk.db, plan, low, high, EXPIRE, desk.clock.now())
        corrections.end(desk.db, plan)
    return total


def correct(desk: Desk, columns: Columns) -> int:
    """Take other content in and let it be the issue's; how many messages that queues."""
    added = take_in(desk, columns)
    assert added.outcome == "revised"
    with desk.db.transaction():
        stored = archive.load(desk.db, added.id)
        wanted = archive.revision(desk.db, stored, added.revision)
        revisions.make_current(desk.db, stored, wanted, named, tags_of, "me", desk.clock.now())
    return queue(desk)


def told(channel: FakeChannel) -> list[tuple[str, list[tuple[str, str]]]]:
    """Each correction that was sent: to whom, and the articles with their texts."""
    return sorted(
        (address, texts(page.content))
        for (address, _, _), page in zip(channel.sends, channel.pages, strict=True)
        if page.content.kind == "correction"
    )


def texts(content: Content) -> list[tuple[str, str]]:
    assert all(not section.others for section in content.sections if content.kind == "correction")
    entries = [entry for section in content.sections for entry in section.matching]
    return [(entry.article.title, entry.article.blocks[0].text) for entry in entries]


def rows(db: Database) -> list[dict[str, Any]]:
    return db.all("SELECT * FROM messages WHERE kind = 'correction' ORDER BY id")


async def sent(desk: Desk) -> FakeChannel:
    channel = FakeChannel()
    await desk.drain(channel)
    channel.sends.clear()
    channel.pages.clear()
    return channel


async def test_only_who_had_the_changed_article_is_told_and_once(desk: Desk) -> None:
    for name in ("red", "blue", "green"):
        desk.reader(name, f"topic:{name}")
    both = desk.reader("both", "topic:red", "topic:green")
    issue_id = out(desk)
    channel = await sent(desk)
    assert correct(desk, changed(red="红色的新文字。")) == 2
    await desk.drain(channel)
    assert told(channel) == [("both", [("red", "红色的新文字。")]), ("red", [("red", "红色的新文字。")])]
    assert {row["key"] for row in rows(desk.db)} >= {f"correction:{issue_id}:2:{both}"}
    assert queue(desk) == 0
    await desk.drain(channel)
    assert len(channel.sends) == 2
    assert desk.issue_state(issue_id) == "sent"
    assert integrity.examine(desk.db) == []


async def test_nothing_goes_by_itself_and_readers_of_pages_see_the_old_text(desk: Desk) -> None:
    desk.reader("r", "topic:red")
    issue_id = out(desk)
    channel = await sent(desk)
    added = take_in(desk, changed(red="红色的新文字。"))
    assert (added.outcome, added.revision, added.id) == ("revised", 2, issue_id)
    assert queue(desk) == 0
    await desk.drain(channel)
    assert channel.sends == []
    assert archive.load(desk.db, issue_id).issue == issue(FIRST)
    stored = archive.load(desk.db, issue_id)
    with desk.db.transaction():
        archive.dismiss(desk.db, stored, 2, "me", desk.clock.now())
    assert take_in(desk, changed(red="红色的新文字。")).outcome == "known"
    assert archive.proposed(desk.db, stored) is None
    assert take_in(desk, changed(red="红色的新文字。"), again=True).outcome == "revised"


async def test_what_is_not_sent_yet_goes_out_corrected_and_the_ledger_says_who_had_which_text(desk: Desk) -> None:
    early = desk.reader("early", "topic:red")
    issue_id = out(desk)
    channel = await sent(desk)
    desk.reader("late", "topic:red")
    with desk.db.transaction():
        desk.db.run("UPDATE issues SET state = 'approved', planned_at = NULL WHERE id = :id", {"id": issue_id})
    desk.plan()
    assert (
        correct(
            desk, {"一": [("red", "红色的新文字。"), ("blue", "蓝色的文字。")], "二": [("verdant", "绿色的文字。")]}
        )
        == 1
    )
    await desk.drain(channel)
    assert sorted((page.content.kind, texts(page.content)[0]) for page in channel.pages) == [
        ("correction", ("red", "红色的新文字。")),
        ("digest", ("red", "红色的新文字。")),
    ]
    by_reader = {row["address"]: row["revision"] for row in reports.deliveries(desk.db)}
    assert by_reader == {"early": 1, "late": 2}
    assert [row["endpoint_id"] for row in rows(desk.db)] == [early]
    digest = archive.digest_ids(desk.db, issue_id)[0]
    assert archive.digest(desk.db, digest, revision=1).articles[0].article.blocks[0].text == "红色的文字。"
    assert archive.digest(desk.db, digest).articles[0].article.blocks[0].text == "红色的新文字。"


async def test_who_is_just_being_sent_the_old_text_is_told_too(desk: Desk) -> None:
    desk.reader("r", "topic:red")
    out(desk)
    [work] = claims.claim(desk.db, "email", 10, "me", desk.clock.now(), 300_000)
    assert correct(desk, changed(red="红色的新文字。")) == 1
    channel = FakeChannel()
    assert claims.claim(desk.db, "email", 10, "other", desk.clock.now(), 300_000) == []
    made = Attempt(work, 0, Sent(), desk.clock.now(), 20, True, "id", "email", desk.clock.now())
    settles.settle(desk.db, [made], desk.clock.now())
    desk.clock.ms += corrections.WAIT_MS
    await desk.drain(channel)
    assert told(channel) == [("r", [("red", "红色的新文字。")])]


async def test_who_was_not_sent_the_old_text_in_the_end_is_not_told(desk: Desk) -> None:
    desk.reader("r", "topic:red")
    out(desk)
    [work] = claims.claim(desk.db, "email", 10, "me", desk.clock.now(), 300_000)
    correct(desk, changed(red="红色的新文字。"))
    made = Attempt(work, 0, Retry("later"), desk.clock.now(), 20, True, "id", "email", desk.clock.now() + 1000)
    settles.settle(desk.db, [made], desk.clock.now())
    desk.clock.ms += 2 * corrections.WAIT_MS
    channel = FakeChannel()
    await desk.drain(channel)
    desk.clock.ms += 2 * corrections.WAIT_MS
    await desk.drain(channel)
    assert [(page.content.kind, texts(page.content)) for page in channel.pages] == [
        ("digest", [("red", "红色的新文字。")])
    ]
    assert [row["state"] for row in rows(desk.db)] == ["cancelled"]


async def test_a_message_of_which_parts_have_gone_keeps_its_text_and_is_corrected_afterwards(desk: Desk) -> None:
    desk.reader("r", "topic:red")
    out(desk)
    channel = FakeChannel(parts=2)
    channel.answer = lambda envelope, part: Retry("busy") if part else Sent()
    await desk.drain(channel)
    correct(desk, changed(red="红色的新文字。"))
    channel.answer = lambda envelope, part: Sent()
    desk.clock.ms += 2 * corrections.WAIT_MS
    await desk.drain(channel)
    desk.clock.ms += 2 * corrections.WAIT_MS
    await desk.drain(channel)
    said = [(page.content.kind, texts(page.content)[0][1]) for page in channel.pages]
    assert said[:3] == [("digest", "红色的文字。")] * 3
    assert said[3:] == [("correction", "红色的新文字。")] * 2


async def test_two_corrections_in_a_row_reach_those_whom_each_concerns(desk: Desk) -> None:
    for name in ("red", "blue"):
        desk.reader(name, f"topic:{name}")
    out(desk)
    channel = await sent(desk)
    second = changed(red="红色的新文字。")
    assert correct(desk, second) == 1
    await desk.drain(channel)
    assert correct(desk, changed(second, blue="蓝色的新文字。")) == 1
    await desk.drain(channel)
    assert told(channel) == [("blue", [("blue", "蓝色的新文字。")]), ("red", [("red", "红色的新文字。")])]


async def test_a_correction_that_waits_leaves_what_is_corrected_again_to_the_later_one(desk: Desk) -> None:
    desk.reader("r", "topic:red", "topic:blue")
    out(desk)
    channel = await sent(desk)
    second = changed(red="红色的第二文。", blue="蓝色的第二文。")
    correct(desk, second)
    correct(desk, changed(second, red="红色的第三文。"))
    await desk.drain(channel)
    assert told(channel) == [("r", [("blue", "蓝色的第二文。")]), ("r", [("red", "红色的第三文。")])]


@pytest.mark.parametrize("state", [EndpointState.SUPPRESSED, EndpointState.PAUSED])
async def test_who_left_after_it_was_queued_is_not_told(desk: Desk, state: EndpointState) -> None:
    reader = desk.reader("r", "topic:red")
    out(desk)
    channel = await sent(desk)
    assert correct(desk, changed(red="红色的新文字。")) == 1
    with desk.db.transaction():
        directory.provider_state(desk.db, reader, state, "their wish", at(desk.clock.now()))
    await desk.drain(channel)
    assert channel.sends == []
    assert [row["state"] for row in rows(desk.db)] == ["suppressed"]


async def test_who_follows_it_no_more_or_has_left_before_is_not_told(desk: Desk) -> None:
    gone, dropped = desk.reader("gone", "topic:red"), desk.reader("dropped", "topic:red", "topic:nothing")
    out(desk)
    channel = await sent(desk)
    with desk.db.transaction():
        directory.provider_state(desk.db, gone, EndpointState.SUPPRESSED, "their wish", at(desk.clock.now()))
    assert correct(desk, changed(red="红色的新文字。")) == 1
    with desk.db.transaction():
        directory.unfollow(desk.db, dropped, ["topic:red"], at(desk.clock.now()))
    await desk.drain(channel)
    assert channel.sends == []
    assert [row["state"] for row in rows(desk.db)] == ["cancelled"]


async def test_it_waits_for_the_end_of_quiet_hours(desk: Desk) -> None:
    hour = dt.datetime.fromtimestamp(desk.clock.ms / 1000, dt.UTC).hour
    rhythm = Rhythm(timezone="UTC", quiet_from=hour * 60, quiet_until=(hour + 1) % 24 * 60)
    quiet = Preferences(rhythm=rhythm)
    desk.reader("r", "topic:red", preferences=quiet)
    out(desk)
    desk.clock.ms += 3_600_000
    channel = await sent(desk)
    desk.clock.ms += 23 * 3_600_000
    correct(desk, changed(red="红色的新文字。"))
    await desk.drain(channel)
    assert channel.sends == []
    desk.clock.ms += 3_600_000
    await desk.drain(channel)
    assert len(channel.sends) == 1


async def test_tags_that_the_correction_takes_away_do_not_keep_it_from_those_who_were_misled(desk: Desk) -> None:
    desk.reader("r", "topic:red")
    out(desk)
    channel = await sent(desk)
    correct(desk, {"一": [("crimson", "红色的文字。"), ("blue", "蓝色的文字。")], "二": [("green", "绿色的文字。")]})
    await desk.drain(channel)
    assert told(channel) == [("r", [("crimson", "红色的文字。")])]


async def test_articles_columns_and_digests_come_go_and_move(desk: Desk) -> None:
    reader = desk.reader("r", "topic:green", "topic:red")
    issue_id = out(desk)
    channel = await sent(desk)
    before = {
        row["id"]: row["bit"]
        for row in desk.db.all("SELECT a.id, d.bit FROM articles a JOIN digest_articles d ON d.article_id = a.id")
    }
    digests = [row["id"] for row in desk.db.all("SELECT id FROM digests ORDER BY id")]
    wanted: Columns = {
        "新": [("white", "另有一家新企业落户园区")],
        "一": [("blue", "蓝色的文字。"), ("green", "绿色的新文字。")],
    }
    assert correct(desk, wanted) == 1
    stored = archive.load(desk.db, issue_id)
    assert stored.issue == issue(wanted)
    assert stored.revision == 2
    assert [row["name"] for row in archive.columns(desk.db, issue_id)] == ["新", "一"]
    assert [row["id"] for row in desk.db.all("SELECT id FROM digests ORDER BY id")][:2] == digests
    kept = desk.db.all("SELECT a.id, a.title, d.bit FROM articles a JOIN digest_articles d ON d.article_id = a.id")
    assert {row["title"]: row["bit"] for row in kept} == {"white": 1, "blue": 2, "green": 4}
    assert {row["id"] for row in kept if row["title"] != "white"} < set(before)
    await desk.drain(channel)
    assert told(channel) == [("r", [("green", "绿色的新文字。")])]
    had = {row["column"]: row["articles"] for row in reports.deliveries(desk.db)}
    assert had == {"一": ["red"], "二": ["green"]}
    later = {"一": [("blue", "蓝色的文字。"), ("green", "绿色的第三文。")]}
    assert correct(desk, later) == 1
    await desk.drain(channel)
    assert ("r", [("green", "绿色的第三文。")]) in told(channel)
    assert integrity.examine(desk.db) == []
    person = desk.db.value("SELECT subscriber_id FROM endpoints WHERE id = :id", {"id": reader})
    assert {item["revision"] for item in personal.data(desk.db, person)["deliveries"]} == {1}


async def test_an_article_is_not_moved_away_from_those_who_are_still_to_get_it(desk: Desk) -> None:
    desk.reader("late", "topic:green")
    issue_id = out(desk)
    moved = {"一": [*FIRST["一"], ("green", "绿色的新文字。")]}
    with pytest.raises(Failure, match="to another column"):
        correct(desk, moved)
    assert archive.load(desk.db, issue_id).revision == 1
    channel = FakeChannel()
    await desk.drain(channel)
    assert [texts(page.content) for page in channel.pages] == [FIRST["二"]]


async def test_a_digest_never_gives_a_bit_twice_nor_more_than_sixty_two(desk: Desk) -> None:
    many = [(f"a{n}", f"文字{n}号内容。") for n in range(62)]
    desk.reader("r", "topic:a0")
    issue_id = out(desk, {"一": many})
    channel = await sent(desk)
    correct(desk, {"一": [*many[1:], ("fresh", "全然不同的一篇稿件写别的事。")]})
    parts = desk.db.all("SELECT part, parts FROM digests WHERE issue_id = :id ORDER BY part", {"id": issue_id})
    assert [(row["part"], row["parts"]) for row in parts] == [(1, 2), (2, 2)]
    found = [archive.digest(desk.db, digest) for digest in archive.digest_ids(desk.db, issue_id)]
    assert [len(digest.articles) for digest in found] == [61, 1]
    assert found[0].whole == 2**62 - 2
    await desk.drain(channel)
    assert channel.sends == []


async def test_a_pause_holds_corrections_and_a_cancel_ends_them(desk: Desk) -> None:
    for name in ("r", "s"):
        desk.reader(name, "topic:red")
    issue_id = out(desk)
    channel = FakeChannel()
    channel.answer = lambda envelope, part: Sent() if envelope.address == "r" else Retry("later", after=86_400)
    await desk.drain(channel)
    assert correct(desk, changed(red="红色的新文字。")) == 1
    with desk.db.transaction():
        control.pause(desk.db, archive.load(desk.db, issue_id), Part(), "me", desk.clock.now())
    for _ in control.put_aside(desk.db, issue_id, Part(), desk.clock.now()):
        pass
    assert [row["state"] for row in rows(desk.db)] == ["paused"]
    with desk.db.transaction():
        control.resume(desk.db, archive.load(desk.db, issue_id), Part())
    while control.carry_out(desk.db, desk.clock.now()):
        pass
    assert [row["state"] for row in rows(desk.db)] == ["queued"]
    with desk.db.transaction():
        control.pause(desk.db, archive.load(desk.db, issue_id), Part(0), "me", desk.clock.now())
    await desk.drain(channel)
    assert [row["state"] for row in rows(desk.db)] == ["paused"]
    with desk.db.transaction():
        control.cancel(desk.db, archive.load(desk.db, issue_id), Part(), "me", desk.clock.now())
    assert [row["state"] for row in rows(desk.db)] == ["cancelled"]


async def test_whoever_dies_while_queueing_is_gone_on_with(desk: Desk) -> None:
    for name in ("r", "s"):
        desk.reader(name, "topic:red")
    out(desk)
    channel = await sent(desk)
    added = take_in(desk, changed(red="红色的新文字。"))
    with desk.db.transaction():
        stored = archive.load(desk.db, added.id)
        revisions.make_current(
            desk.db, stored, archive.revision(desk.db, stored, 2), named, tags_of, "me", desk.clock.now()
        )
    [plan] = corrections.to_plan(desk.db)
    assert corrections.plan_slice(desk.db, plan, 0, 1, EXPIRE, desk.clock.now()) == 1
    assert queue(desk) == 1
    assert corrections.to_plan(desk.db) == []
    await desk.drain(channel)
    assert sorted(channel.addresses) == ["r", "s"]


async def test_what_only_looks_otherwise_is_no_correction(desk: Desk) -> None:
    desk.reader("r", "topic:red")
    issue_id = out(desk)
    added = take_in(desk, changed(red="红色 的文字"))
    assert added.outcome == "revised"
    stored = archive.load(desk.db, issue_id)
    wanted = archive.revision(desk.db, stored, 2)
    found = revisions.difference(desk.db, stored, wanted)
    assert [change.words for change in found.changes] == [("typography",)]
    with pytest.raises(Failure, match="only in spaces"), desk.db.transaction():
        revisions.make_current(desk.db, stored, wanted, named, tags_of, "me", desk.clock.now())
    assert archive.load(desk.db, issue_id).revision == 1


async def test_what_was_sent_before_revisions_were_counted_is_corrected_too(desk: Desk) -> None:
    desk.reader("r", "topic:red")
    out(desk)
    channel = await sent(desk)
    with desk.db.transaction():
        desk.db.run("DELETE FROM revisions")
        desk.db.run("UPDATE deliveries SET revision = 0")
    assert correct(desk, changed(red="红色的新文字。")) == 1
    await desk.drain(channel)
    assert told(channel) == [("r", [("red", "红色的新文字。")])]
    assert [row["revision"] for row in reports.deliveries(desk.db)] == [1]


def test_a_forecast_counts_each_endpoint_once(desk: Desk) -> None:
    desk.reader("r", "topic:red", "topic:green")
    issue_id = out(desk)
    for work in claims.claim(desk.db, "email", 10, "me", desk.clock.now(), 300_000):
        settles.settle(
            desk.db, [Attempt(work, 0, Sent(), desk.clock.now(), 1, True, "id", "email", 0)], desk.clock.now()
        )
    take_in(desk, changed(red="红色的新文字。", green="绿色的新文字。"))
    stored = archive.load(desk.db, issue_id)
    found = revisions.difference(desk.db, stored, archive.revision(desk.db, stored, 2))
    assert corrections.forecast(desk.db, revisions.affected(desk.db, stored, found)) == {"email": 1}


def test_a_held_issue_takes_other_content_and_keeps_what_it_had(desk: Desk) -> None:
    first = take_in(desk, FIRST)
    second = take_in(desk, changed(red="红色的新文字。"))
    assert (second.outcome, second.id, second.revision) == ("replaced", first.id, 2)
    assert archive.load(desk.db, first.id).issue == issue(changed(red="红色的新文字。"))
    assert archive.revision(desk.db, archive.load(desk.db, first.id), 1).issue == issue(FIRST)
    assert take_in(desk, FIRST).outcome == "known"
    assert take_in(desk, FIRST, again=True).revision == 3
    assert take_in(desk, FIRST, again=True).outcome == "known"


def test_a_cancelled_issue_takes_nothing_more(desk: Desk) -> None:
    issue_id = out(desk)
    with desk.db.transaction():
        control.cancel(desk.db, archive.load(desk.db, issue_id), Part(), "me", desk.clock.now())
    assert take_in(desk, FIRST).outcome == "known"
    with pytest.raises(Failure, match="is cancelled"):
        take_in(desk, changed(red="红色的新文字。"))


def test_a_newer_proposal_takes_the_place_of_an_older_one(desk: Desk) -> None:
    issue_id = out(desk)
    take_in(desk, changed(red="红色的新文字。"))
    assert take_in(desk, changed(blue="蓝色的新文字。")).revision == 3
    states = [row["state"] for row in archive.revisions(desk.db, issue_id)]
    assert states == ["current", "superseded", "proposed"]
    assert issue(FIRST) == archive.load(desk.db, issue_id).issue


def test_an_issue_that_is_held_again_takes_what_was_proposed_only_when_asked(desk: Desk) -> None:
    added = take_in(desk, FIRST)
    with desk.db.transaction():
        archive.approve(desk.db, archive.load(desk.db, added.id), "test", desk.clock.now())
    wanted = changed(red="红色的新文字。")
    assert take_in(desk, wanted).outcome == "revised"
    with desk.db.transaction():
        archive.change_state(desk.db, archive.load(desk.db, added.id), IssueState.HELD)
    assert take_in(desk, wanted).outcome == "known"
    assert take_in(desk, wanted, again=True).outcome == "replaced"
    stored = archive.load(desk.db, added.id)
    assert (stored.issue, archive.proposed(desk.db, stored)) == (issue(wanted), None)
