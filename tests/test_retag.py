"""The archive is tagged anew: what changes is told, what a person decided stays, nothing is sent by it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from dispatch import archive, retag
from dispatch.catalog import Catalog, load_catalog
from dispatch.delivery import claims
from dispatch.intake.answer import Reading
from dispatch.intake.pickup import Pickup
from dispatch.intake.sandbox import Limits, Sandbox
from dispatch.intake.tagger import Tagger
from dispatch.model import Article, Block, BlockKind, Column, Issue, ParkTag, Role, TopicTag
from dispatch.retag import ArticleChange, Retagged, Retagger, TagChange
from subscribers.database import Database, Row
from tests.acts import at
from tests.delivery.conftest import Desk, FakeChannel, desk, make_issue

__all__ = ["desk"]

_HEADER = "name,full_name,province,city\n"
_NEW_PARK = _HEADER + "新城高新区,新城高新技术产业开发区,江西省,新城市\n"
_NEW_TOPIC = """
[[topics]]
key = "kites"
name = "风筝"
name_en = "Kites"
group = "industries"
description = "Kites and who makes them."
terms.3 = ["风筝产业", "风筝制造"]
"""
TEXTS = {
    "新城高新区风筝产业走红": "新城高新区的风筝产业走红。新城高新区今年新增风筝制造企业三家。",
    "南昌高新区新增企业": "南昌高新区上半年新增企业120家，南昌高新区管委会介绍了情况。",
}
OLD = load_catalog()


@pytest.fixture
def new(tmp_path: Path) -> Catalog:
    """The catalog with a park and a topic more."""
    (tmp_path / "parks.csv").write_text(_NEW_PARK, encoding="utf-8")
    (tmp_path / "topics.toml").write_text(_NEW_TOPIC, encoding="utf-8")
    return load_catalog(override=tmp_path)


def issue_of(catalog: Catalog, texts: dict[str, str] = TEXTS) -> Issue:
    tagger = Tagger(catalog)
    articles = (Article(title, "", (Block(BlockKind.PARAGRAPH, text),)) for title, text in texts.items())
    column = Column("园区发展", "园区发展", tuple(map(tagger.tag, articles)))
    return replace(make_issue({}), columns=(column,))


def pickup_of(catalog: Catalog) -> Pickup:
    return Pickup(catalog, Sandbox(None, Limits(10, 512)), automatic=False)


class Files:
    """Issues taken in by the catalog of then."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.pickup = pickup_of(OLD)

    def take(self, issue: Issue | None = None, *, approve: bool = False) -> int:
        reading = Reading("file.md", issue or issue_of(OLD), ())
        added = self.pickup.take_in(self.desk.db, reading, at(self.desk.clock.now()))
        if approve:
            with self.desk.db.transaction():
                archive.approve(self.desk.db, archive.load(self.desk.db, added.id), "me", self.desk.clock.now())
        return added.id

    def edit(self, change: Callable[[Article], Article], id_: int = 1) -> None:
        """What `issues edit` does to the first article."""
        stored = archive.load(self.desk.db, id_)
        column = stored.issue.columns[0]
        articles = (change(column.articles[0]), *column.articles[1:])
        changed = replace(stored.issue, columns=(replace(column, articles=articles), *stored.issue.columns[1:]))
        with self.desk.db.transaction():
            self.pickup.rewrite(self.desk.db, stored, changed, at(self.desk.clock.now()))

    def retag(self, catalog: Catalog, id_: int = 1, *, by_hand: bool = False) -> Retagged:
        retagger = Retagger(catalog, by_hand=by_hand, rest=lambda seconds: None)
        return retagger.run(self.desk.db, id_, at(self.desk.clock.now()))

    def tags(self) -> set[str]:
        """What the first article of the first digest carries."""
        [digest] = archive.digest_ids(self.desk.db, 1)
        return {tag for tag, bit in archive.digest_tags(self.desk.db, digest) if bit == 1}

    def article(self, number: int = 0) -> Article:
        return archive.load(self.desk.db, 1).issue.columns[0].articles[number]

    def places(self) -> list[Row]:
        return self.desk.db.all("SELECT * FROM digest_articles ORDER BY digest_id, article_id")


@pytest.fixture
def files(desk: Desk) -> Files:
    return Files(desk)


GAINED = (
    TagChange("park", "新城高新区", "新城高新区", "", "subject"),
    TagChange("topic", "kites", "风筝", "", "topic"),
)


def test_what_would_change_is_told_and_nothing_is_changed(files: Files, new: Catalog) -> None:
    files.take()
    before = archive.load(files.desk.db, 1)
    found = Retagger(new).look(files.desk.db, 1)
    assert found.changes == (ArticleChange(1, "新城高新区风筝产业走红", GAINED),)
    assert (found.articles, found.left) == (2, "")
    assert archive.load(files.desk.db, 1) == before


def test_tags_change_in_place(files: Files, new: Catalog) -> None:
    files.take()
    places = files.places()
    found = files.retag(new)
    assert found.changes == (ArticleChange(1, "新城高新区风筝产业走红", GAINED),)
    assert {"park:新城高新区", "park:新城高新区+mentions", "province:江西省", "topic:kites"} <= files.tags()
    assert files.places() == places
    assert archive.revision(files.desk.db, archive.load(files.desk.db, 1)).issue == archive.load(files.desk.db, 1).issue
    assert files.retag(new).changes == ()
    back = files.retag(OLD)
    assert [(change.now, change.was) for change in back.changes[0].tags] == [("", "subject"), ("", "topic")]
    assert "topic:kites" not in files.tags()


def test_a_change_of_role_is_told(files: Files, new: Catalog) -> None:
    files.take()
    files.retag(new)
    wrong = replace(files.article(), parks=(replace(files.article().parks[0], role=Role.MENTION),))
    files.edit(lambda article: wrong)
    [change] = files.retag(new).changes
    assert change.tags == (TagChange("park", "新城高新区", "新城高新区", "mention", "subject"),)


def test_it_is_on_the_record_where_something_changed(files: Files, new: Catalog) -> None:
    files.take()
    files.retag(OLD)
    files.retag(new)
    acts = files.desk.db.all("SELECT * FROM audit WHERE action = 'tagged again'")
    tags = {"park:新城高新区": {"added": 1}, "topic:kites": {"added": 1}}
    assert [(act["subject_id"], json.loads(act["detail"])) for act in acts] == [
        ("huoju:534", {"articles": 1, "columns": 0, "tags": tags})
    ]


def test_it_is_told_whom_a_change_concerns(files: Files, new: Catalog) -> None:
    desk = files.desk
    desk.reader("kites@example.com", "topic:kites")
    desk.reader("both@example.com", "topic:kites", "park:新城高新区", "park:新城高新区+mentions")
    desk.reader("province@example.com", "province:江西省")
    desk.reader("all@example.com", "all", "topic:kites")
    desk.reader("other@example.com", "topic:blockchain")
    desk.reader("paused@example.com", "topic:kites")
    desk.db.run("UPDATE endpoints SET state = 'paused' WHERE address = 'paused@example.com'")
    files.take()
    [change] = Retagger(new).look(desk.db, 1).changes
    assert (change.gain, change.lose) == (3, 0)  # not who follows all
    assert [(tag.key, tag.followers) for tag in change.tags] == [("新城高新区", 2), ("kites", 3)]
    files.retag(new)
    [change] = Retagger(OLD).look(desk.db, 1).changes
    assert (change.gain, change.lose) == (0, 3)
    assert [(tag.key, tag.followers) for tag in change.tags] == [("新城高新区", 2), ("kites", 3)]


def test_a_change_of_role_concerns_who_follows_the_park_and_not_its_mentions(files: Files, new: Catalog) -> None:
    files.desk.reader("subject@example.com", "park:新城高新区")
    files.desk.reader("mentions@example.com", "park:新城高新区+mentions")
    files.take(issue_of(new))
    as_mention = (ParkTag("新城高新区", Role.MENTION, files.article().parks[0].evidence),)
    files.edit(lambda article: replace(article, parks=as_mention))
    [change] = files.retag(new).changes
    [tag] = change.tags
    assert (tag.was, tag.now, tag.followers) == ("mention", "subject", 1)
    assert (change.gain, change.lose) == (1, 0)
    acts = files.desk.db.all("SELECT detail FROM audit WHERE action = 'tagged again'")
    assert json.loads(acts[-1]["detail"])["tags"] == {"park:新城高新区": {"role changed": 1}}


def test_tags_given_by_hand_stay_unless_all_are_made_anew(files: Files, new: Catalog) -> None:
    files.take()
    parks, topics = (ParkTag("贵阳高新区", Role.MENTION),), (TopicTag("brands", "品牌", 1.0),)
    files.edit(lambda article: replace(article, parks=parks, topics=topics))
    files.retag(new)
    assert [(park.name, park.role) for park in files.article().parks] == [
        ("新城高新区", Role.SUBJECT),
        ("贵阳高新区", Role.MENTION),
    ]
    assert [topic.key for topic in files.article().topics] == ["brands", "kites"]
    assert "park:贵阳高新区+mentions" in files.tags()
    files.retag(new, by_hand=True)
    assert [park.name for park in files.article().parks] == ["新城高新区"]
    assert [topic.key for topic in files.article().topics] == ["kites"]


def test_a_park_of_which_a_person_gave_the_role_keeps_it(files: Files, new: Catalog) -> None:
    files.take()
    files.edit(lambda article: replace(article, parks=(ParkTag("新城高新区", Role.MENTION),)))
    files.retag(new)
    assert [(park.name, park.role) for park in files.article().parks] == [("新城高新区", Role.MENTION)]


def test_tags_that_a_person_took_away_stay_away(files: Files, new: Catalog) -> None:
    files.take(issue_of(new))
    files.edit(lambda article: replace(article, title="另一个标题", parks=()))
    files.edit(lambda article: replace(article, credit="本报"))
    assert files.retag(new).changes == ()
    assert files.article().parks == ()
    assert [topic.key for topic in files.article().topics] == ["kites"]
    [change] = files.retag(new, by_hand=True).changes
    assert [tag.key for tag in change.tags] == ["新城高新区"]
    assert files.retag(new).changes == ()


def test_other_content_begins_anew(files: Files, new: Catalog) -> None:
    files.take(issue_of(new))
    files.edit(lambda article: replace(article, parks=()))
    texts = {title: f"{text}完。" for title, text in TEXTS.items()}
    files.take(issue_of(OLD, texts))
    files.retag(new)
    assert "park:新城高新区" in files.tags()


def test_a_column_gets_the_key_that_the_catalog_knows_now(files: Files, tmp_path: Path) -> None:
    files.take()
    (tmp_path / "bulletins").mkdir()
    text = 'name = "火炬动态"\n[[columns]]\nkey = "news"\nname = "园区发展"\n'
    (tmp_path / "bulletins" / "huoju.toml").write_text(text, encoding="utf-8")
    found = files.retag(load_catalog(override=tmp_path))
    assert [(column.was, column.now) for column in found.columns] == [("parks", "news")]
    assert "column:huoju/news" in files.tags()
    assert "column:huoju/parks" not in files.tags()


def claimed(desk: Desk) -> list[tuple[str, list[int]]]:
    works = claims.claim(desk.db, "email", 100, "me", desk.clock.now(), 300_000)
    return [(work.address, [part.variant for part in work.owed]) for work in works]


def test_an_approved_issue_is_planned_by_the_new_tags(files: Files, new: Catalog) -> None:
    files.desk.reader("a@example.com", "topic:kites")
    files.take(approve=True)
    files.retag(new)
    assert files.desk.plan() == 1
    assert claimed(files.desk) == [("a@example.com", [1])]


def test_what_is_planned_and_not_sent_follows_the_new_tags_and_nobody_is_added(files: Files, new: Catalog) -> None:
    files.desk.reader("more@example.com", "park:南昌高新区", "park:新城高新区")
    files.desk.reader("less@example.com", "park:南昌高新区")
    files.desk.reader("new@example.com", "topic:kites")
    files.take(approve=True)
    assert files.desk.plan() == 2
    without = replace(new, parks=tuple(park for park in new.parks if park.name != "南昌高新区"))
    files.retag(without)
    assert claimed(files.desk) == [("more@example.com", [1])]
    assert files.desk.states() == {"more@example.com 园区发展": "planned", "less@example.com 园区发展": "cancelled"}


def test_an_issue_that_is_being_planned_is_left(files: Files, new: Catalog) -> None:
    files.take(approve=True)
    files.desk.db.run("UPDATE issues SET state = 'sending'")
    assert "being planned" in files.retag(new).left
    assert "topic:kites" not in files.tags()
    files.desk.db.run("UPDATE issues SET planned_at = 1")
    assert files.retag(new).left == ""


async def test_who_got_an_article_by_a_tag_of_before_is_told_of_its_corrections(files: Files, new: Catalog) -> None:
    desk = files.desk
    desk.reader("a@example.com", "topic:kites")
    files.pickup = pickup_of(new)
    files.take(issue_of(new), approve=True)
    desk.plan()
    await desk.drain(FakeChannel())
    files.retag(OLD)
    texts = {title: text.replace("三家", "四家") for title, text in TEXTS.items()}
    files.take(issue_of(OLD, texts))
    stored = archive.load(desk.db, 1)
    wanted = archive.proposed(desk.db, stored)
    assert wanted is not None
    with desk.db.transaction():
        files.pickup.correct(desk.db, stored, wanted, at(desk.clock.now()))
    told = desk.db.all("SELECT changes FROM revisions WHERE changes <> ''")
    assert "topic:kites" in told[0]["changes"]


def test_a_proposed_revision_is_tagged_too(files: Files, new: Catalog) -> None:
    files.take(approve=True)
    files.desk.plan()
    texts = {title: text.replace("三家", "四家") for title, text in TEXTS.items()}
    files.take(issue_of(OLD, texts))
    files.retag(new)
    wanted = archive.proposed(files.desk.db, archive.load(files.desk.db, 1))
    assert wanted is not None
    assert [topic.key for topic in wanted.issue.columns[0].articles[0].topics] == ["kites"]
    assert wanted.source.catalog == new.fingerprint


def test_it_is_known_by_which_catalog_an_issue_was_tagged(files: Files, new: Catalog) -> None:
    files.take()
    db = files.desk.db
    assert retag.tagged_otherwise(db, OLD) == []
    assert retag.tagged_otherwise(db, new) == ["huoju:534"]
    files.edit(lambda article: replace(article, parks=()))
    assert retag.tagged_otherwise(db, OLD) == []
    files.retag(new)
    assert retag.tagged_otherwise(db, new) == []
    assert retag.tagged_otherwise(db, OLD) == ["huoju:534"]
    db.run("UPDATE issues SET state = 'cancelled'")
    assert retag.tagged_otherwise(db, OLD) == []
    assert retag.issue_ids(db) == []


def test_issues_that_have_the_tags_of_a_catalog_can_be_left_out(files: Files, new: Catalog) -> None:
    db, first, second = files.desk.db, files.take(), files.take(replace(issue_of(OLD), total=535))
    assert retag.issue_ids(db, otherwise_than=OLD) == []
    assert set(retag.issue_ids(db, otherwise_than=new)) == {first, second}
    files.retag(new, second)
    assert retag.issue_ids(db, otherwise_than=new) == [first]
    assert set(retag.issue_ids(db)) == {first, second}


def test_an_issue_is_not_left_out_where_what_waits_for_a_decision_has_other_tags(files: Files, new: Catalog) -> None:
    files.take(approve=True)
    files.desk.plan()
    files.retag(new)
    texts = {title: text.replace("三家", "四家") for title, text in TEXTS.items()}
    files.take(issue_of(OLD, texts))
    assert retag.issue_ids(files.desk.db, otherwise_than=new) == [1]
    files.retag(new)
    assert retag.issue_ids(files.desk.db, otherwise_than=new) == []


class BesideOthers(Tagger):
    """A tagger beside whose work others do theirs."""

    def __init__(self, catalog: Catalog, others: Callable[[], None]) -> None:
        super().__init__(catalog)
        self._others = others

    def tag(self, article: Article) -> Article:
        self._others()
        return super().tag(article)


@pytest.fixture
def impatient(desk: Desk) -> Iterator[Database]:
    """Another connection, which waits for no lock."""
    db = desk.connect()
    db.wait_for_locks(0.001)
    yield db
    db.close()


def test_others_write_while_articles_are_tagged(files: Files, new: Catalog, impatient: Database) -> None:
    files.take()
    written: list[int] = []

    def write() -> None:
        with impatient.transaction():
            impatient.run(
                "INSERT INTO sources (name, state, checked_at) VALUES (:name, '{}', 1)", {"name": str(len(written))}
            )
        written.append(1)

    retagger = Retagger(new, tagger=BesideOthers(new, write), rest=lambda seconds: None)
    assert retagger.run(files.desk.db, 1, at(1)).changes
    assert len(written) == len(TEXTS)
    assert "topic:kites" in files.tags()


def test_who_waits_for_the_database_has_a_turn_between_two_issues(files: Files, new: Catalog) -> None:
    """The other writer stands in the queue all the time; what he wrote after each issue says when his turns were."""
    for total in (534, 535, 536):
        files.take(replace(issue_of(OLD), total=total))
    asked, written = threading.Semaphore(0), threading.Semaphore(0)
    turns: list[int] = []
    rests: list[float] = []

    def other() -> None:
        db = files.desk.connect()
        for _ in range(3):
            asked.acquire()
            with db.transaction():
                [row] = db.all(
                    "SELECT count(*) AS done FROM revisions WHERE catalog = :catalog", {"catalog": new.fingerprint}
                )
                turns.append(row["done"])
            written.release()
        db.close()

    def rest(seconds: float) -> None:
        rests.append(seconds)
        asked.release()
        assert written.acquire(timeout=60)

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(other)
        retagger = Retagger(new, rest=rest)
        for id_ in retag.issue_ids(files.desk.db):
            retagger.run(files.desk.db, id_, at(1))
        writer.result()
    assert turns == [1, 2, 3]
    assert min(rests) >= 0.01


def test_an_issue_that_changed_while_it_was_tagged_is_looked_at_again(files: Files, new: Catalog) -> None:
    files.take()
    edits = iter(["新城高新区风筝产业再走红"])

    def edit() -> None:
        if (title := next(edits, None)) is not None:
            files.edit(lambda article: replace(article, title=title))

    retagger = Retagger(new, tagger=BesideOthers(new, edit), rest=lambda seconds: None)
    found = retagger.run(files.desk.db, 1, at(1))
    assert [change.title for change in found.changes] == ["新城高新区风筝产业再走红"]
    assert files.article().title == "新城高新区风筝产业再走红"
    assert {"topic:kites", "park:新城高新区"} <= files.tags()


def test_an_issue_that_others_change_again_and_again_is_left(files: Files, new: Catalog) -> None:
    files.take()
    numbers = count()
    change = BesideOthers(new, lambda: files.edit(lambda article: replace(article, title=f"第{next(numbers)}题")))
    found = Retagger(new, tagger=change, rest=lambda seconds: None).run(files.desk.db, 1, at(1))
    assert "others change it" in found.left
    assert "topic:kites" not in files.tags()


def test_an_issue_whose_planning_began_while_it_was_tagged_is_left(files: Files, new: Catalog) -> None:
    files.take(approve=True)

    def begin() -> None:
        files.desk.db.run("UPDATE issues SET state = 'sending'")

    found = Retagger(new, tagger=BesideOthers(new, begin), rest=lambda seconds: None).run(files.desk.db, 1, at(1))
    assert "being planned" in found.left
    assert "topic:kites" not in files.tags()


def test_an_issue_from_before_this_was_noted_is_tagged_otherwise(desk: Desk) -> None:
    desk.issue({"一": ["a"]})
    desk.db.run("DELETE FROM revisions")
    assert retag.tagged_otherwise(desk.db, OLD) == ["huoju:534"]
    Retagger(OLD).run(desk.db, 1, at(desk.clock.now()))
    assert retag.tagged_otherwise(desk.db, OLD) == []


def test_the_fingerprint_changes_with_what_tags_depend_on(new: Catalog) -> None:
    assert OLD.fingerprint == load_catalog().fingerprint
    assert new.fingerprint != OLD.fingerprint
