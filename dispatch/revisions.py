"""A proposed revision of an issue that is out becomes its content.

Deliveries name a digest, the bits of articles in it, and the revision that was sent. So articles keep their ids and
bits where they stay in their column, no bit is ever given to another article, digests outlive what was in them, and of
the revision that goes it is written down which article was which bit.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dispatch import archive, search
from dispatch.archive import MOST_ARTICLES, ColumnNamer, Revision, StoredIssue, Tags
from dispatch.changes import Place, told
from dispatch.differences import ArticleChange, Difference, compare
from dispatch.errors import Failure
from dispatch.model import Article
from subscribers.database import Database, queries

SQL = queries(Path(__file__).with_name("revisions.sql"))


def difference(db: Database, stored: StoredIssue, wanted: Revision) -> Difference:
    """What a proposed revision would change, or what one that is or was current changed of the one before it. Raises
    Failure for the first."""
    if wanted.state in (archive.RevisionState.PROPOSED, archive.RevisionState.DISMISSED):
        return compare(stored.issue, wanted.issue)
    earlier = [row["revision"] for row in archive.revisions(db, stored.id) if row["revision"] < wanted.number]
    ever = [n for n in earlier if archive.revision(db, stored, n).state is archive.RevisionState.SUPERSEDED]
    if not ever:
        raise Failure(f"revision {wanted.number} of issue {stored.name} is its first: there is none to compare it with")
    return compare(archive.revision(db, stored, ever[-1]).issue, wanted.issue)


def check(stored: StoredIssue, found: Difference) -> None:
    """Raises Failure where a revision has nothing new for readers."""
    if not found.visible:
        raise Failure(
            f"the proposed revision of issue {stored.name} differs only in spaces, width of characters, punctuation or"
            f" paragraphs: nobody is written to for that; see: dispatch issues dismiss {stored.name}"
        )


def make_current(
    db: Database, stored: StoredIssue, wanted: Revision, column_name: ColumnNamer, tags_of: Tags, by: str, now: int
) -> Difference:
    """Let a proposed revision be what the issue says. Whoever is told of it is written to later: its row says that it
    is `owing`. Called inside a transaction. Raises Failure where readers would see nothing new."""
    found = compare(stored.issue, wanted.issue)
    check(stored, found)
    _check_moves(db, stored, found)
    _Exchange(db, stored, wanted, found, column_name, tags_of).run(by, now)
    return found


def _check_moves(db: Database, stored: StoredIssue, found: Difference) -> None:
    """An article that goes to another column goes out of the digest that some are still to get: they would not have it
    at all. Raises Failure."""
    moved = [
        change.new.article.title
        for change in found.articles
        if change.old and change.new and found.columns.get(change.old.column) != change.new.column
    ]
    owed = int(db.value(SQL["still_owed"], {"id": stored.id})) if moved else 0
    if owed:
        raise Failure(
            f"the revision moves {moved[0]} to another column, and issue {stored.name} is still to go to {owed}"
            " readers, who would not get it; send the corrections when it is sent, or correct it without the move"
        )


@dataclass
class _Exchange:
    """The rows of an issue, from one revision to the next."""

    db: Database
    stored: StoredIssue
    wanted: Revision
    found: Difference
    column_name: ColumnNamer
    tags_of: Tags
    ids: dict[int, int] = field(default_factory=dict)  # of the old articles, by position
    places: dict[int, Place] = field(default_factory=dict)  # of articles, by id
    ever: defaultdict[int, set[Place]] = field(default_factory=lambda: defaultdict(set))
    taken: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))  # bits that a digest ever gave
    tags: defaultdict[Place, set[str]] = field(
        default_factory=lambda: defaultdict(set)
    )  # carried now, or told of before
    keys: list[str] = field(default_factory=list)  # of the new columns

    def run(self, by: str, now: int) -> None:
        layout = self._read()
        self._move_columns()
        self._change_articles()
        changes = self._retag()
        source = self.wanted.source
        number, issue = self.wanted.number, self.wanted.issue
        archive.change_content(self.db, self.stored.id, issue, self.wanted.fingerprint, source, number)
        of_old = {"id": self.stored.id, "revision": self.stored.revision}
        self.db.run(SQL["let_stand"], {**of_old, "layout": json.dumps(layout)})
        said = json.dumps(changes, ensure_ascii=False) if changes else ""
        values = {"id": self.stored.id, "revision": number, "by": by, "now": now, "owing": int(bool(changes))}
        self.db.run(SQL["make_current"], {**values, "changes": said})

    def _read(self) -> list[tuple[int, int, int, int]]:
        """What there is; the layout of the revision that goes."""
        issue = {"id": self.stored.id}
        self.ids = {row["position"]: row["id"] for row in self.db.all(SQL["articles"], issue)}
        found = self.db.all(SQL["places"], issue)
        layout = [(row["digest_id"], row["bit"], row["article_id"], row["position"]) for row in found]
        former = [item for row in self.db.all(SQL["layouts"], issue) for item in json.loads(row["layout"])]
        for row in self.db.all(SQL["told"], issue):
            for item in told(row["changes"]):
                for place in item.was:
                    self.tags[place].update(item.tags)
        for digest, bit, article, _ in (*former, *layout):
            self.ever[article].add((digest, bit))
            self.taken[digest] |= bit
        self.places = {article: (digest, bit) for digest, bit, article, _ in layout}
        for row in self.db.all(SQL["tags"], issue):
            self.tags[row["digest_id"], row["bit"]].add(row["tag"])
        return layout

    def _move_columns(self) -> None:
        """Each column to its new place, with what names it by its place; those that are left out behind the others."""
        rows = self.db.all(SQL["columns"], {"id": self.stored.id})
        for query in ("lift_articles", "lift_columns", "lift_digests", "lift_holds", "lift_cancels"):
            self.db.run(SQL[query], {"id": self.stored.id})
        behind = len(self.wanted.issue.columns)
        live = [row["position"] for row in rows if not row["dropped"]]
        for row in rows:
            to = None if row["dropped"] else self.found.columns.get(live.index(row["position"]))
            dropped = to is None
            if to is None:
                to, behind = behind, behind + 1
            values = {"id": self.stored.id, "from": row["position"], "to": to}
            self.db.run(SQL["put_column"], {**values, "dropped": int(dropped)})
            for query in ("put_digests", "put_holds", "put_cancels"):
                self.db.run(SQL[query], values)
        self._name_columns()

    def _name_columns(self) -> None:
        kept = set(self.found.columns.values())
        for position, column in enumerate(self.wanted.issue.columns):
            named = self.column_name(self.wanted.issue.bulletin, column)
            self.keys.append(named.key)
            words = {"key": named.key, "name_en": named.name_en}
            words |= {"name": column.name, "contents_name": column.contents_name}
            if position in kept:
                self.db.run(SQL["name_column"], {"id": self.stored.id, "position": position, **words})
            else:
                where = {"issue_id": self.stored.id, "position": position}
                self.db.run(archive.SQL["add_column"], {**where, **words})

    def _change_articles(self) -> None:
        for change in self.found.articles:
            if change.new is None and change.old is not None:
                self.db.run(SQL["delete_article"], {"id": self.ids[change.old.position]})
        for change in self.found.articles:
            if change.new is None:
                continue
            column, position, article = change.new.column, change.new.position, change.new.article
            if change.old is None:
                added = archive.add_article(self.db, self.stored.id, column, position, article)
                self._put(added, column)
                continue
            article_id = self.ids[change.old.position]
            values = {"id": article_id, "column": column, "position": position}
            self.db.run(SQL["change_article"], {**values, **archive.article_values(article)})
            search.forget(self.db, [article_id])  # it is found by its new words from then on
            if self.found.columns.get(change.old.column) != column:
                self.db.run(SQL["take_out"], {"article": article_id})
                self._put(article_id, column)

    def _put(self, article: int, column: int) -> None:
        """Give an article a bit in a digest of its column that no other ever had."""
        digests = self.db.all(SQL["digests"], {"id": self.stored.id, "column": column})
        for row in digests:
            free = (bit for bit in (1 << n for n in range(MOST_ARTICLES)) if not bit & self.taken[row["id"]])
            if (bit := next(free, None)) is not None:
                self._take(row["id"], bit, article)
                return
        parts = len(digests) + 1
        values = {"issue_id": self.stored.id, "column_position": column, "part": parts, "parts": parts}
        added = self.db.insert(archive.SQL["add_digest"], values)
        self.db.run(SQL["set_parts"], {"id": self.stored.id, "column": column, "parts": parts})
        self._take(added, 1, article)

    def _take(self, digest: int, bit: int, article: int) -> None:
        values = {"digest_id": digest, "article_id": article, "bit": bit}
        self.db.run(archive.SQL["add_digest_article"], values)
        self.taken[digest] |= bit
        self.places[article] = (digest, bit)

    def _retag(self) -> list[dict[str, object]]:
        """What the articles carry now; and which of them readers are told of."""
        self.db.run(SQL["clear_tags"], {"id": self.stored.id})
        by_position = {row["position"]: row["id"] for row in self.db.all(SQL["articles"], {"id": self.stored.id})}
        changes = []
        for change in self.found.articles:
            if change.new is None:
                continue
            article_id = by_position[change.new.position]
            tags = self._tags(change.new.article, change.new.column)
            archive.add_tags(self.db, *self.places[article_id], tags)
            if change.reworded:
                changes.append(self._told(change, article_id, tags))
        return changes

    def _tags(self, article: Article, column: int) -> Sequence[str]:
        return self.tags_of(article, f"{self.wanted.issue.bulletin}/{self.keys[column]}")

    def _told(self, change: ArticleChange, article: int, tags: Sequence[str]) -> dict[str, object]:
        was = sorted(self.ever[article])
        before = [tag for place in was for tag in self.tags.get(place, ())]
        return {"was": was, "now": self.places[article], "tags": sorted({*before, *tags})}


def affected(db: Database, stored: StoredIssue, found: Difference) -> Mapping[int, int]:
    """The bits of each digest whose readers would be told of a proposed revision. Changes nothing."""
    ids = {row["position"]: row["id"] for row in db.all(SQL["articles"], {"id": stored.id})}
    wanted = {ids[change.old.position] for change in found.reworded if change.old is not None}
    layouts = [item for row in db.all(SQL["layouts"], {"id": stored.id}) for item in json.loads(row["layout"])]
    now = [(row["digest_id"], row["bit"], row["article_id"]) for row in db.all(SQL["places"], {"id": stored.id})]
    bits: defaultdict[int, int] = defaultdict(int)
    for digest, bit, article in (*now, *((item[0], item[1], item[2]) for item in layouts)):
        if article in wanted:
            bits[digest] |= bit
    return bits
