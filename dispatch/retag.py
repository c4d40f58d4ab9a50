"""The articles of the archive are tagged anew, by the catalog as it is now.

Articles, digests, bits and deliveries stay as they are, and nothing is sent by it. What becomes of the new tags depends
on how far an issue is:

held, approved     it is planned by the new tags
sending, paused    what is not sent yet has, when it is claimed, the articles that its reader follows by the new tags;
                   without any it is cancelled. Nobody is added: who is owed it was decided when it was planned
sent               nothing, but for new followers, who get their first digest by the new tags, and the search

Tags that a person gave stay, and those that a person took away stay away.

All the reading and tagging is done before the transaction, in which it is only looked whether the issue is still as it
was, and written: others send and take bounces meanwhile.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from dispatch import archive
from dispatch.archive import Revision, RevisionState, StoredIssue
from dispatch.catalog import Catalog, ColumnSpec
from dispatch.catalog.carried import MENTIONS
from dispatch.codec import issue_json, parks_json, topics_json
from dispatch.intake.tagger import Tagger
from dispatch.model import Article, Issue, IssueState, Role
from subscribers import audit
from subscribers.audit import Act
from subscribers.database import Database, Params, Row, queries

SQL = queries(Path(__file__).with_name("retag.sql"))
_EDITED = ", edited"  # what the source of a revision that a person made ends in
_TOPIC = "topic"
_NOT_OUT = (IssueState.HELD, IssueState.APPROVED)
_TRIES = 5  # to find an issue as it was looked at, before it is left
_REST = 0.01  # seconds between two issues, at least
_BEING_PLANNED = "it is being planned just now: do it again in a moment"
_CHANGED = "others change it again and again: do it again in a moment"
Name = tuple[str, str]  # `park` or `topic`, and its name or key


@dataclass(frozen=True, slots=True)
class TagChange:
    """A tag of an article, as it was and as it is: `subject` or `mention` of a park, `topic` of a topic, "" where the
    article has it not. `followers` counts the active endpoints that follow what it brings or takes away."""

    kind: str
    key: str
    name: str
    was: str
    now: str
    followers: int = 0


@dataclass(frozen=True, slots=True)
class ArticleChange:
    """What changes in the tags of an article. `position` counts the articles of the issue from 1. `gain` active
    endpoints follow something that it carries now and nothing that it carried, `lose` the other way round."""

    position: int
    title: str
    tags: tuple[TagChange, ...]
    gain: int = 0
    lose: int = 0


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


@dataclass(frozen=True, slots=True)
class _Exchange:
    """How the tags of a digest's article change."""

    position: int
    digest_id: int
    bit: int
    kept: tuple[str, ...]
    lost: tuple[str, ...]
    gained: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """All that is to be written of an issue."""

    stored: StoredIssue
    found: Retagged
    columns: tuple[Params, ...]
    articles: tuple[Params, ...]
    contents: tuple[Params, ...]
    exchanges: tuple[_Exchange, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """An issue as it was at one moment; while its `standing` is the same, so is all else."""

    standing: Sequence[Row]
    stored: StoredIssue
    columns: Sequence[Row]
    articles: Sequence[Row]
    tags: Sequence[Row]
    proposed: Sequence[Revision]
    taken_away: Mapping[object, set[Name]]


def issue_ids(db: Database, otherwise_than: Catalog | None = None) -> list[int]:
    """The issues whose tags still count for anybody: all but the cancelled ones, the oldest first. Of those, only the
    ones that were tagged otherwise than by a catalog, where one is given."""
    ids = [row["id"] for row in db.all(SQL["issues"])]
    if otherwise_than is None:
        return ids
    wanted = {row["id"] for row in db.all(SQL["tagged_otherwise"], {"catalog": otherwise_than.fingerprint})}
    return [id_ for id_ in ids if id_ in wanted]


def tagged_otherwise(db: Database, catalog: Catalog) -> list[str]:
    """The issues that were tagged by another catalog or other rules, or by nobody knows which; the newest first."""
    found = db.all(SQL["tagged_otherwise"], {"catalog": catalog.fingerprint})
    return [f"{row['bulletin']}:{row['ref']}" for row in found]


class Retagger:
    """Tags issues anew. With `by_hand` also what a person has decided, else that stays. `rest` is given the seconds
    for which it gives way to others after each issue that it wrote."""

    def __init__(
        self,
        catalog: Catalog,
        *,
        by_hand: bool = False,
        tagger: Tagger | None = None,
        rest: Callable[[float], None] = time.sleep,
    ) -> None:
        self._catalog = catalog
        self._tagger = tagger or Tagger(catalog)
        self._by_hand = by_hand
        self._rest = rest

    def look(self, db: Database, issue_id: int) -> Retagged:
        """What `run` would change. Reads only."""
        seen = _see(db, issue_id)
        return self._compared(db, seen, self._tagged(seen, seen.stored.issue))

    def run(self, db: Database, issue_id: int, act: Act) -> Retagged:
        """Give an issue the tags of the present catalog, on the record, in a transaction of its own that only writes.

        Whoever waits for the database has a turn then: SQLite gives its lock to whom finds it free when he looks, and
        one who takes it again at once has it each time.
        """
        for _ in range(_TRIES):
            seen = _see(db, issue_id)
            issue = self._tagged(seen, seen.stored.issue)
            found = self._compared(db, seen, issue)
            if found.left:
                return found
            prepared = self._prepared(seen, issue, found)
            with db.transaction():
                began = time.monotonic()
                unchanged = _standing(db, issue_id) == seen.standing
                if unchanged:
                    _write(db, prepared, act)
            self._rest(max(_REST, time.monotonic() - began))
            if unchanged:
                return found
        return replace(found, left=_CHANGED)

    def _prepared(self, seen: _Seen, issue: Issue, found: Retagged) -> _Prepared:
        id_ = seen.stored.id
        contents = [(seen.stored.revision, issue)]
        # What waits for a decision has the tags of the present catalog when it is taken.
        contents += [(waiting.number, self._tagged(seen, waiting.issue)) for waiting in seen.proposed]
        catalog = self._catalog.fingerprint
        return _Prepared(
            seen.stored,
            found,
            tuple(
                {"id": id_, "position": position, "key": spec.key, "name_en": spec.name_en}
                for position, _, spec in self._columns(seen)
            ),
            tuple(_new_tags(seen, issue)),
            tuple(
                {"id": id_, "revision": number, "catalog": catalog, "content": _dump(issue_json(content))}
                for number, content in contents
            ),
            tuple(self._exchanges(seen, issue)),
        )

    def _exchanges(self, seen: _Seen, issue: Issue) -> Iterator[_Exchange]:
        before: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
        for row in seen.tags:
            before[row["digest_id"], row["bit"]].add(row["tag"])
        keys = {position: spec.key for position, _, spec in self._columns(seen)}
        articles = _articles(issue)
        for row in seen.articles:
            article, old = articles[row["position"] - 1], before[row["digest_id"], row["bit"]]
            new = set(self._catalog.tags_of(article, issue.bulletin, keys[row["column_position"]]))
            if new != old:
                tags = (tuple(sorted(tags)) for tags in (old & new, old - new, new - old))
                yield _Exchange(row["position"], row["digest_id"], row["bit"], *tags)

    def _tagged(self, seen: _Seen, issue: Issue) -> Issue:
        away = {} if self._by_hand else seen.taken_away
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

    def _compared(self, db: Database, seen: _Seen, issue: Issue) -> Retagged:
        stored, exchanges = seen.stored, {tags.position: tags for tags in self._exchanges(seen, issue)}
        old, new = _articles(stored.issue), _articles(issue)
        changes, passages = [], 0
        for position, (before, after) in enumerate(zip(old, new, strict=True), start=1):
            exchange = exchanges.get(position)
            tags = tuple(replace(tag, followers=self._followers(db, tag, exchange)) for tag in _changes(before, after))
            if tags:
                gain, lose = _readers(db, exchange)
                changes.append(ArticleChange(position, after.title, tags, gain, lose))
            elif before != after:
                passages += 1
        columns = tuple(change for _, change, _ in self._columns(seen) if change is not None)
        left = _BEING_PLANNED if _is_being_planned(seen.standing) else ""
        return Retagged(stored.name, stored.state, len(new), tuple(changes), columns, passages, left)

    def _followers(self, db: Database, change: TagChange, tags: _Exchange | None) -> int:
        """How many active endpoints follow what a change brings or takes away."""
        if change.kind == _TOPIC:
            return _count(db, (f"topic:{change.key}",))
        mentions = () if change.was and change.now else (f"park:{change.key}{MENTIONS}",)
        subject = (f"park:{change.key}", *self._provinces(change, tags))
        return _count(db, (*mentions, *(subject if Role.SUBJECT in (change.was, change.now) else ())))

    def _provinces(self, change: TagChange, tags: _Exchange | None) -> tuple[str, ...]:
        """The tag of a park's province. Of a park that left the catalog it is one that the article lost."""
        if park := self._catalog.park(change.key):
            return (f"province:{park.province}",)
        return tuple(tag for tag in tags.lost if tag.startswith("province:")) if tags else ()

    def _columns(self, seen: _Seen) -> Iterator[tuple[int, ColumnChange | None, ColumnSpec]]:
        """Each column's place, how its key changes, and what the catalog knows of it."""
        for row in seen.columns:
            spec = self._catalog.column_spec(seen.stored.issue.bulletin, row["name"], row["contents_name"])
            changed = row["key"] != spec.key
            yield row["position"], ColumnChange(row["name"], row["key"], spec.key) if changed else None, spec


def _readers(db: Database, tags: _Exchange | None) -> tuple[int, int]:
    """How many active endpoints gain an article by the tags that it has now, and how many lose it."""
    if tags is None:
        return 0, 0
    return _count(db, tags.gained, (*tags.kept, *tags.lost)), _count(db, tags.lost, (*tags.kept, *tags.gained))


def _count(db: Database, tags: Sequence[str], others: Sequence[str] = ()) -> int:
    """How many active endpoints follow one of the tags, and none of the others."""
    if not tags:
        return 0
    if others:
        return int(db.value(SQL["followers_by_these_only"], {"tags": list(tags), "others": list(others)}))
    return int(db.value(SQL["followers"], {"tags": list(tags)}))


def _tally(changes: Sequence[ArticleChange]) -> dict[str, dict[str, int]]:
    """For each tag in how many articles it was added, removed or got another role."""
    found: dict[str, dict[str, int]] = {}
    for tag in (tag for change in changes for tag in change.tags):
        what = "role changed" if tag.was and tag.now else "added" if tag.now else "removed"
        counts = found.setdefault(f"{tag.kind}:{tag.key}", {})
        counts[what] = counts.get(what, 0) + 1
    return found


def _see(db: Database, issue_id: int) -> _Seen:
    """All that is to be known of an issue, read outside of a transaction: once more where it changed meanwhile."""
    while True:
        standing = _standing(db, issue_id)
        stored = archive.load(db, issue_id)
        rows = archive.revisions(db, issue_id)
        waiting = [row["revision"] for row in rows if row["state"] == RevisionState.PROPOSED]
        seen = _Seen(
            standing,
            stored,
            archive.columns(db, issue_id),
            db.all(SQL["articles"], {"id": issue_id}),
            db.all(SQL["tags"], {"id": issue_id}),
            [archive.revision(db, stored, number) for number in waiting],
            _taken_away(db, stored),
        )
        if _standing(db, issue_id) == standing:
            return seen


def _standing(db: Database, issue_id: int) -> list[Row]:
    return db.all(SQL["standing"], {"id": issue_id})


def _is_being_planned(standing: Sequence[Row]) -> bool:
    """Whoever plans has the tags in hand already."""
    return any(row["state"] == IssueState.SENDING and row["planned_at"] is None for row in standing)


def _new_tags(seen: _Seen, issue: Issue) -> Iterator[Params]:
    old, new = _articles(seen.stored.issue), _articles(issue)
    for row in seen.articles:
        article = new[row["position"] - 1]
        if article != old[row["position"] - 1]:
            tags = {"parks": _dump(parks_json(article.parks)), "topics": _dump(topics_json(article.topics))}
            yield {"id": row["id"], **tags}


def _write(db: Database, prepared: _Prepared, act: Act) -> None:
    stored, found = prepared.stored, prepared.found
    archive.keep_current(db, stored)
    db.many(SQL["set_column"], prepared.columns)
    db.many(SQL["set_tags"], prepared.articles)
    db.many(SQL["set_content"], prepared.contents)
    for exchange in prepared.exchanges:
        _exchange(db, exchange, was_out=stored.state not in _NOT_OUT)
    if found.changes or found.columns:
        detail = {"articles": len(found.changes), "columns": len(found.columns), "tags": _tally(found.changes)}
        audit.record(db, act, "tagged again", "issue", stored.key, detail)


def _exchange(db: Database, tags: _Exchange, *, was_out: bool) -> None:
    """Let an article of a digest carry the new tags; the old ones are remembered where somebody may have it by them."""
    lost = [{"digest_id": tags.digest_id, "tag": tag, "bit": tags.bit} for tag in tags.lost]
    if lost:
        db.many(SQL["remove_tag"], lost)
    if lost and was_out:
        db.many(SQL["keep_former"], lost)
    if tags.gained:
        archive.add_tags(db, tags.digest_id, tags.bit, tags.gained)


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
