"""The articles of the archive are tagged anew, by the catalog as it is now.

Articles, digests, bits and deliveries stay as they are, and nothing is sent by it. What becomes of the new tags depends
on how far an issue is:

held, approved     it is planned by the new tags
sending, paused    what is not sent yet has, when it is claimed, the articles that its reader follows by the new tags;
                   without any it is cancelled. Nobody is added: who is owed it was decided when it was planned
sent               nothing, but for new followers, who get their first digest by the new tags, and the search

Tags that a person gave stay, and those that a person took away stay away.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from dispatch import archive
from dispatch.archive import Revision, RevisionState, StoredIssue
from dispatch.catalog import Catalog, ColumnSpec
from dispatch.codec import issue_json, parks_json, topics_json
from dispatch.intake.tagger import Tagger
from dispatch.model import Article, Issue, IssueState, Role
from subscribers import audit
from subscribers.audit import Act
from subscribers.database import Database, queries

SQL = queries(Path(__file__).with_name("retag.sql"))
_EDITED = ", edited"  # what the source of a revision that a person made ends in
_TOPIC = "topic"
_NOT_OUT = (IssueState.HELD, IssueState.APPROVED)
Name = tuple[str, str]  # `park` or `topic`, and its name or key


@dataclass(frozen=True, slots=True)
class TagChange:
    """A tag of an article, as it was and as it is: `subject` or `mention` of a park, `topic` of a topic, "" where the
    article has it not."""

    kind: str
    key: str
    name: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class ArticleChange:
    """What changes in the tags of an article. `position` counts the articles of the issue from 1."""

    position: int
    title: str
    tags: tuple[TagChange, ...]


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """A column that the catalog knows by another key now."""

    name: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Retagged:
    """What the present catalog changes in an issue. `left` says why nothing was done, "" where it could be. `passages`
    counts articles in which only what decided is another."""

    issue: str
    state: IssueState
    articles: int
    changes: tuple[ArticleChange, ...]
    columns: tuple[ColumnChange, ...] = ()
    passages: int = 0
    left: str = ""


def issue_ids(db: Database) -> list[int]:
    """The issues whose tags still count for anybody: all but the cancelled ones, the oldest first."""
    return [row["id"] for row in db.all(SQL["issues"])]


def tagged_otherwise(db: Database, catalog: Catalog) -> list[str]:
    """The issues that were tagged by another catalog or other rules, or by nobody knows which; the newest first."""
    found = db.all(SQL["tagged_otherwise"], {"catalog": catalog.fingerprint})
    return [f"{row['bulletin']}:{row['ref']}" for row in found]


class Retagger:
    """Tags issues anew. With `by_hand` also what a person has decided, else that stays."""

    def __init__(self, catalog: Catalog, *, by_hand: bool = False) -> None:
        self._catalog = catalog
        self._tagger = Tagger(catalog)
        self._by_hand = by_hand

    def look(self, db: Database, stored: StoredIssue) -> Retagged:
        """What `run` would change. Reads only."""
        return self._compared(db, stored, self._tagged(db, stored, stored.issue))

    def run(self, db: Database, issue_id: int, act: Act) -> Retagged:
        """Give an issue the tags of the present catalog, on the record. Called inside a transaction."""
        stored = archive.load(db, issue_id)
        issue = self._tagged(db, stored, stored.issue)
        found = self._compared(db, stored, issue)
        if found.left:
            return found
        archive.keep_current(db, stored)
        self._write(db, stored, issue)
        for number in self._proposed(db, stored):
            self._write_proposed(db, stored, archive.revision(db, stored, number))
        if found.changes or found.columns:
            detail = {"articles": len(found.changes), "columns": len(found.columns)}
            audit.record(db, act, "tagged again", "issue", stored.key, detail)
        return found

    def _tagged(self, db: Database, stored: StoredIssue, issue: Issue) -> Issue:
        away = {} if self._by_hand else _taken_away(db, stored)
        columns = (
            replace(column, articles=tuple(self._article(article, away) for article in column.articles))
            for column in issue.columns
        )
        return replace(issue, columns=tuple(columns))

    def _article(self, article: Article, away: Mapping[object, set[Name]]) -> Article:
        tagged = self._tagger.tag(article)
        if self._by_hand:
            return tagged
        not_wanted = away.get(_text_of(article), set())
        given_parks = {park.name: park for park in article.parks if not park.evidence}
        given_topics = {topic.key: topic for topic in article.topics if not topic.evidence}
        parks = [
            park for park in tagged.parks if park.name not in given_parks and ("park", park.name) not in not_wanted
        ]
        topics = [
            topic for topic in tagged.topics if topic.key not in given_topics and (_TOPIC, topic.key) not in not_wanted
        ]
        for place, park in enumerate(article.parks):
            if park.name in given_parks:
                parks.insert(place, park)
        for place, topic in enumerate(article.topics):
            if topic.key in given_topics:
                topics.insert(place, topic)
        parks.sort(key=lambda park: park.role is not Role.SUBJECT)
        return replace(tagged, parks=tuple(parks), topics=tuple(topics))

    def _compared(self, db: Database, stored: StoredIssue, issue: Issue) -> Retagged:
        old, new = _articles(stored.issue), _articles(issue)
        changes, passages = [], 0
        for position, (before, after) in enumerate(zip(old, new, strict=True), start=1):
            tags = tuple(_changes(before, after))
            if tags:
                changes.append(ArticleChange(position, after.title, tags))
            elif before != after:
                passages += 1
        columns = tuple(change for _, change, _ in self._columns(db, stored) if change is not None)
        planned = db.value(SQL["being_planned"], {"id": stored.id})
        left = "it is being planned just now: do it again in a moment" if planned else ""
        return Retagged(stored.name, stored.state, len(new), tuple(changes), columns, passages, left)

    def _columns(self, db: Database, stored: StoredIssue) -> Iterator[tuple[int, ColumnChange | None, ColumnSpec]]:
        """Each column's place, how its key changes, and what the catalog knows of it."""
        for row in archive.columns(db, stored.id):
            spec = self._catalog.column_spec(stored.issue.bulletin, row["name"], row["contents_name"])
            changed = row["key"] != spec.key
            yield row["position"], ColumnChange(row["name"], row["key"], spec.key) if changed else None, spec

    def _write(self, db: Database, stored: StoredIssue, issue: Issue) -> None:
        keys = {}
        for position, _, spec in self._columns(db, stored):
            keys[position] = spec.key
            values = {"id": stored.id, "position": position, "key": spec.key, "name_en": spec.name_en}
            db.run(SQL["set_column"], values)
        before: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
        for row in db.all(SQL["tags"], {"id": stored.id}):
            before[row["digest_id"], row["bit"]].add(row["tag"])
        old, new = _articles(stored.issue), _articles(issue)
        for row in db.all(SQL["articles"], {"id": stored.id}):
            article, place = new[row["position"] - 1], (row["digest_id"], row["bit"])
            if article != old[row["position"] - 1]:
                values = {"parks": _dump(parks_json(article.parks)), "topics": _dump(topics_json(article.topics))}
                db.run(SQL["set_tags"], {"id": row["id"], **values})
            tags = set(self._catalog.tags_of(article, issue.bulletin, keys[row["column_position"]]))
            _exchange(db, place, before[place], tags, was_out=stored.state not in _NOT_OUT)
        self._set_content(db, stored, stored.revision, issue)

    def _proposed(self, db: Database, stored: StoredIssue) -> list[int]:
        rows = archive.revisions(db, stored.id)
        return [row["revision"] for row in rows if row["state"] == RevisionState.PROPOSED]

    def _write_proposed(self, db: Database, stored: StoredIssue, wanted: Revision) -> None:
        """What waits for a decision has the tags of the present catalog when it is taken."""
        self._set_content(db, stored, wanted.number, self._tagged(db, stored, wanted.issue))

    def _set_content(self, db: Database, stored: StoredIssue, revision: int, issue: Issue) -> None:
        values = {"id": stored.id, "revision": revision, "catalog": self._catalog.fingerprint}
        db.run(SQL["set_content"], {**values, "content": _dump(issue_json(issue))})


def _exchange(db: Database, place: tuple[int, int], old: set[str], new: set[str], *, was_out: bool) -> None:
    """Let an article of a digest carry the new tags; the old ones are remembered where somebody may have it by them."""
    digest_id, bit = place
    lost = [{"digest_id": digest_id, "tag": tag, "bit": bit} for tag in sorted(old - new)]
    if lost:
        db.many(SQL["remove_tag"], lost)
    if lost and was_out:
        db.many(SQL["keep_former"], lost)
    if new - old:
        archive.add_tags(db, digest_id, bit, sorted(new - old))


def _articles(issue: Issue) -> list[Article]:
    return [article for column in issue.columns for article in column.articles]


def _changes(old: Article, new: Article) -> Iterator[TagChange]:
    before, after = _roles(old), _roles(new)
    for name in dict.fromkeys((*after, *before)):
        was, now = before.get(name, ("", ""))[0], after.get(name, ("", ""))[0]
        if was != now:
            called = (after.get(name) or before[name])[1]
            yield TagChange(*name, called, was, now)


def _roles(article: Article) -> dict[Name, tuple[str, str]]:
    """The role and the name of each tag."""
    parks = {("park", park.name): (park.role.value, park.name) for park in article.parks}
    return parks | {(_TOPIC, topic.key): (_TOPIC, topic.name) for topic in article.topics}


def _taken_away(db: Database, stored: StoredIssue) -> dict[object, set[Name]]:
    """The tags that a person took from articles of the issue, by the text of each: `issues edit` changes none."""
    rows = [
        row
        for row in archive.revisions(db, stored.id)
        if row["state"] in (RevisionState.SUPERSEDED, RevisionState.CURRENT)
    ]
    found: dict[object, set[Name]] = {}
    for before, after in pairwise(rows):
        if after["source"] != before["source"] + _EDITED:
            found = {}  # other content, which nobody has looked over
            continue
        old = archive.revision(db, stored, before["revision"]).issue
        new = archive.revision(db, stored, after["revision"]).issue
        found = _then_taken(found, _articles(old), _articles(new))
    return found


def _then_taken(
    found: Mapping[object, set[Name]], old: Sequence[Article], new: Sequence[Article]
) -> dict[object, set[Name]]:
    had: dict[object, set[Name]] = {}
    texts = Counter(article.blocks for article in old)
    for article in old:
        names = {*_roles(article), *found.get(_text_of(article), ())}
        had[_text_of(article)] = names
        if texts[article.blocks] == 1:  # then it is known by it under another title, too
            had[article.blocks] = names
    return {_text_of(a): had.get(_text_of(a), had.get(a.blocks, set())) - set(_roles(a)) for a in new}


def _text_of(article: Article) -> object:
    return article.title, article.blocks


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
