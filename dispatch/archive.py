"""Issues, articles and digests at rest.

The functions that write are called inside a transaction of the caller's.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

from dispatch.codec import blocks_json, issue_json, parks_json, read_article, read_issue, topics_json
from dispatch.errors import Failure, UsageError
from dispatch.model import Article, Column, Digest, DigestArticle, Issue, IssueState
from dispatch.states import check_issue
from subscribers.database import Database, Row, Schema, queries

SQL = queries(Path(__file__).with_name("archive.sql"))
SCHEMA = Schema("dispatch", Path(__file__).with_name("migrations"))
MOST_ARTICLES = 62  # bits that fit, summed, into a signed 64-bit integer with room to spare


@dataclass(frozen=True, slots=True)
class ColumnName:
    """What the catalog knows of a column: its key in follows and its English name."""

    key: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Added:
    """What became of an issue that was taken in: `added`, `known` (a content it has or had), `replaced` (a held issue's
    content was exchanged), or `revised` (other content of an issue that is out: a revision is proposed, and nothing
    else is changed). `revision` is the one that the content is."""

    id: int
    name: str
    outcome: str
    revision: int = 1


class RevisionState(StrEnum):
    CURRENT = "current"
    PROPOSED = "proposed"
    SUPERSEDED = "superseded"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a content comes from: what the source is called, what the reader was unsure of, and the hash of the file
    ("" where none is known)."""

    name: str
    warnings: tuple[str, ...] = ()
    original: str = ""


@dataclass(frozen=True, slots=True)
class StoredIssue:
    """An issue with what the archive knows about it."""

    id: int
    name: str
    state: IssueState
    issue: Issue
    source: str
    revision: int
    warnings: tuple[str, ...]
    added_at: int
    approved_at: int | None
    approved_by: str

    @property
    def key(self) -> str:
        """How the record names it: the same however many bulletins there are."""
        return f"{self.issue.bulletin}:{self.issue.ref}"


def fingerprint(issue: Issue) -> str:
    """A digest of what the readers get: the same whatever form the issue came in. Tags are left out, and what is not
    of the words: emphasis, links, and how deep in a list an item stands."""
    value = issue_json(issue)
    for column in value["columns"]:
        for article in column["articles"]:
            del article["parks"], article["topics"]
            article["blocks"] = [{"kind": block["kind"], "text": block["text"]} for block in article["blocks"]]
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


ColumnNamer = Callable[[str, Column], ColumnName]
Tags = Callable[[Article, str], Sequence[str]]


def add(
    db: Database,
    issue: Issue,
    *,
    source: str,
    warnings: Sequence[str],
    column_name: ColumnNamer,
    tags_of: Tags,
    now: int,
    original: str = "",
    again: bool = False,
) -> Added:
    """Take an issue in, held. `column_name(bulletin, column)` and `tags_of(article, "bulletin/column")` ask the
    catalog. A content that the issue has or had does nothing. Other content takes the place of that of an issue that is
    held; of one that is out already it is kept as a proposed revision.

    With `again`, a person wants it: a held issue takes content it had, and tags that differ; of an issue that is out a
    revision that was dismissed is proposed once more.

    Raises Failure where the issue was cancelled and had other content.
    """
    mark = fingerprint(issue)
    row = db.one(SQL["issue"], {"bulletin": issue.bulletin, "ref": issue.ref})
    said = Source(source, tuple(warnings), original)
    name = f"{issue.bulletin}:{issue.ref}"
    if row is None:
        issue_id = db.insert(SQL["add_issue"], {**_head(issue, mark, said, 1), "state": IssueState.HELD, "now": now})
        _add_columns(db, issue_id, issue, column_name, tags_of)
        _add_revision(db, issue_id, 1, RevisionState.CURRENT, issue, mark, said, now)
        return Added(issue_id, name, "added")
    stored = load(db, row["id"])
    keep_current(db, stored)
    had = [found for found in revisions(db, stored.id) if found["fingerprint"] == mark]
    if had and not (again and _is_other(stored, issue, had)):
        return Added(stored.id, name, "known", had[-1]["revision"])
    if stored.state is IssueState.HELD:
        return _replace(db, stored, issue, mark, said, column_name, tags_of, now)
    if stored.state is IssueState.CANCELLED:
        raise Failure(
            f"{source}: {name} was taken in before with other content and is cancelled, which is for good; nothing was"
            " changed. Give the issue a number of its own to send it."
        )
    return _propose(db, stored, issue, mark, said, now)


def _is_other(stored: StoredIssue, issue: Issue, had: Sequence[Row]) -> bool:
    """Whether a content that an issue has or had is another than the one it has now; of a held one, with its tags."""
    if all(row["revision"] != stored.revision for row in had):
        return True
    return stored.state is IssueState.HELD and issue_json(stored.issue) != issue_json(issue)


def _replace(
    db: Database,
    stored: StoredIssue,
    issue: Issue,
    mark: str,
    source: Source,
    column_name: ColumnNamer,
    tags_of: Tags,
    now: int,
) -> Added:
    """Exchange the content of an issue of which nothing is planned: nobody has any of it."""
    number = next_revision(db, stored.id)
    for state in (RevisionState.CURRENT, RevisionState.PROPOSED):
        db.run(SQL["supersede"], {"id": stored.id, "from": state})
    for query in ("clear_digests", "clear_articles", "clear_columns"):
        db.run(SQL[query], {"id": stored.id})
    change_content(db, stored.id, issue, mark, source, number)
    _add_columns(db, stored.id, issue, column_name, tags_of)
    _add_revision(db, stored.id, number, RevisionState.CURRENT, issue, mark, source, now)
    return Added(stored.id, stored.key, "replaced", number)


def _propose(db: Database, stored: StoredIssue, issue: Issue, mark: str, source: Source, now: int) -> Added:
    """Keep other content of an issue that is out; it takes the place of one that was proposed before."""
    number = next_revision(db, stored.id)
    db.run(SQL["supersede"], {"id": stored.id, "from": RevisionState.PROPOSED})
    _add_revision(db, stored.id, number, RevisionState.PROPOSED, issue, mark, source, now)
    return Added(stored.id, stored.key, "revised", number)


def _head(issue: Issue, mark: str, source: Source, revision: int) -> dict[str, Any]:
    return {
        **{name: getattr(issue, name) for name in ("bulletin", "ref", "title", "publisher", "year", "number", "total")},
        "date": issue.date.isoformat() if issue.date else None,
        "fingerprint": mark,
        "revision": revision,
        "source": source.name,
        "warnings": _dump(list(source.warnings)),
    }


def change_content(db: Database, issue_id: int, issue: Issue, mark: str, source: Source, revision: int) -> None:
    """Let an issue have another head, and be of this revision."""
    db.run(SQL["change_issue"], {**_head(issue, mark, source, revision), "id": issue_id})


def _add_revision(
    db: Database,
    issue_id: int,
    revision: int,
    state: RevisionState,
    issue: Issue,
    mark: str,
    source: Source,
    now: int,
) -> None:
    values = {
        "issue_id": issue_id,
        "revision": revision,
        "fingerprint": mark,
        "state": state,
        "source": source.name,
        "original": source.original,
        "warnings": _dump(list(source.warnings)),
        "content": _dump(issue_json(issue)),
        "now": now,
    }
    db.run(SQL["add_revision"], values)


def keep_current(db: Database, stored: StoredIssue) -> None:
    """Give an issue that was taken in before there were revisions the row of the one it has."""
    if db.one(SQL["revision"], {"id": stored.id, "revision": stored.revision}) is None:
        source = Source(stored.source, stored.warnings)
        mark, current = fingerprint(stored.issue), RevisionState.CURRENT
        _add_revision(db, stored.id, stored.revision, current, stored.issue, mark, source, stored.added_at)


def revisions(db: Database, issue_id: int) -> list[Row]:
    """What is known of an issue's revisions, but for their contents; none of an issue from before there were any."""
    return db.all(SQL["revisions"], {"id": issue_id})


def proposed_number(db: Database, issue_id: int) -> int:
    """The number of the revision that came after an issue was out and waits for a decision; 0 for none."""
    rows = revisions(db, issue_id)
    return max((row["revision"] for row in rows if row["state"] == RevisionState.PROPOSED), default=0)


def next_revision(db: Database, issue_id: int) -> int:
    return 1 + max((row["revision"] for row in revisions(db, issue_id)), default=0)


@dataclass(frozen=True, slots=True)
class Revision:
    """A content of an issue. `decided_by` took it or dismissed it ("" where nobody had to); `layout` has the place of
    each article in the digests while it was current and out: (digest, bit, article, position)."""

    number: int
    state: RevisionState
    issue: Issue
    fingerprint: str
    source: Source
    added_at: int
    decided_at: int | None = None
    decided_by: str = ""
    layout: tuple[tuple[int, int, int, int], ...] = ()


def revision(db: Database, stored: StoredIssue, number: int | None = None) -> Revision:
    """A revision of an issue, the one it has now where none is named. Raises Failure where there is none."""
    number = stored.revision if number is None else number
    row = db.one(SQL["revision"], {"id": stored.id, "revision": number})
    if row is not None:
        return _revision(row)
    if number != stored.revision:
        raise Failure(f"issue {stored.name} has no revision {number}; it is at revision {stored.revision}")
    source = Source(stored.source, stored.warnings)
    mark = fingerprint(stored.issue)
    return Revision(number, RevisionState.CURRENT, stored.issue, mark, source, stored.added_at)


def proposed(db: Database, stored: StoredIssue) -> Revision | None:
    """The revision that waits for a person's decision; None without one."""
    found = [row["revision"] for row in revisions(db, stored.id) if row["state"] == RevisionState.PROPOSED]
    return revision(db, stored, found[-1]) if found else None


def dismiss(db: Database, stored: StoredIssue, number: int, by: str, now: int) -> None:
    """A proposed revision is not wanted. Raises Failure where it is not proposed."""
    found = revision(db, stored, number)
    if found.state is not RevisionState.PROPOSED:
        raise Failure(f"revision {number} of issue {stored.name} is {found.state}, not proposed")
    values = {"id": stored.id, "revision": number, "to": RevisionState.DISMISSED, "by": by, "now": now}
    db.run(SQL["set_revision_state"], values)


def _revision(row: Row) -> Revision:
    return Revision(
        number=row["revision"],
        state=RevisionState(row["state"]),
        issue=read_issue(json.loads(row["content"])),
        fingerprint=row["fingerprint"],
        source=Source(row["source"], tuple(json.loads(row["warnings"])), row["original"]),
        added_at=row["added_at"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        layout=tuple(
            (digest, bit, article, place) for digest, bit, article, place in json.loads(row["layout"] or "[]")
        ),
    )


def _add_columns(db: Database, issue_id: int, issue: Issue, column_name: ColumnNamer, tags_of: Tags) -> None:
    for position, column in enumerate(issue.columns):
        _add_column(db, issue_id, issue, position, column_name(issue.bulletin, column), tags_of)


def _add_column(
    db: Database,
    issue_id: int,
    issue: Issue,
    position: int,
    named: ColumnName,
    tags_of: Tags,
) -> None:
    column = issue.columns[position]
    names = {"name": column.name, "contents_name": column.contents_name}
    where = {"issue_id": issue_id, "position": position}
    db.run(SQL["add_column"], {**where, **names, "key": named.key, "name_en": named.name_en})
    first = 1 + sum(len(before.articles) for before in issue.columns[:position])
    parts = _parts(column.articles)
    for part, articles in enumerate(parts, start=1):
        digest_id = db.insert(
            SQL["add_digest"],
            {"issue_id": issue_id, "column_position": position, "part": part, "parts": len(parts)},
        )
        for n, article in enumerate(articles):
            article_id = add_article(db, issue_id, position, first, article)
            first += 1
            bit = 1 << n
            db.run(SQL["add_digest_article"], {"digest_id": digest_id, "article_id": article_id, "bit": bit})
            add_tags(db, digest_id, bit, tags_of(article, f"{issue.bulletin}/{named.key}"))


def add_tags(db: Database, digest_id: int, bit: int, tags: Sequence[str]) -> None:
    """What an article of a digest carries."""
    db.many(SQL["add_digest_tag"], [{"digest_id": digest_id, "tag": tag, "bit": bit} for tag in dict.fromkeys(tags)])


def _parts(articles: Sequence[Article]) -> list[Sequence[Article]]:
    """A column in digests of at most 62 articles, of nearly the same length."""
    count = max(1, -(-len(articles) // MOST_ARTICLES))
    edges = [len(articles) * n // count for n in range(count + 1)]
    return [articles[start:end] for start, end in pairwise(edges)]


def add_article(db: Database, issue_id: int, column: int, position: int, article: Article) -> int:
    """Add an article to an issue, `position` counted from 1 through all columns; its id."""
    place = {"issue_id": issue_id, "column_position": column, "position": position}
    return db.insert(SQL["add_article"], {**place, **article_values(article)})


def article_values(article: Article) -> dict[str, str]:
    """An article as its row has it."""
    return {
        "title": article.title,
        "credit": article.credit,
        "blocks": _dump(blocks_json(article.blocks)),
        "parks": _dump(parks_json(article.parks)),
        "topics": _dump(topics_json(article.topics)),
    }


def find(db: Database, word: str) -> int:
    """The id of the issue that `534`, `2022-05` or `huoju:534` names. Raises Failure or UsageError."""
    bulletin, _, ref = word.rpartition(":")
    rows = db.all(SQL["issues_called"], {"ref": ref, "bulletin": bulletin})
    if not rows:
        raise Failure(f"no issue {word}; see: dispatch issues list")
    if len(rows) > 1:
        names = ", ".join(f"{row['bulletin']}:{row['ref']}" for row in rows)
        raise UsageError(f"{word} is an issue of several bulletins: name one of {names}")
    return int(rows[0]["id"])


def shown(db: Database) -> Callable[[str, str], str]:
    """How issues are written: `534`, or `huoju:534` where the archive holds two bulletins."""
    alone = len(db.all(SQL["bulletins"])) < 2
    return lambda bulletin, ref: ref if alone else f"{bulletin}:{ref}"


def rows(db: Database, state: str = "") -> list[Row]:
    """A row an issue, newest first, with the numbers of its columns and articles."""
    return db.all(SQL["issues"], {"state": state})


def load(db: Database, issue_id: int) -> StoredIssue:
    row = db.one(SQL["issue_by_id"], {"id": issue_id})
    if row is None:
        raise Failure(f"no issue with id {issue_id}")
    found = db.all(SQL["articles"], {"issue_id": issue_id})
    columns = tuple(
        Column(
            column["name"],
            column["contents_name"],
            tuple(_article(entry) for entry in found if entry["column_position"] == column["position"]),
        )
        for column in db.all(SQL["columns"], {"issue_id": issue_id})
    )
    issue = Issue(
        date=_date(row["date"]),
        columns=columns,
        **{name: row[name] for name in ("bulletin", "title", "publisher", "year", "number", "total")},
    )
    return StoredIssue(
        id=issue_id,
        name=shown(db)(row["bulletin"], row["ref"]),
        state=IssueState(row["state"]),
        issue=issue,
        source=row["source"],
        revision=row["revision"],
        warnings=tuple(json.loads(row["warnings"])),
        added_at=row["added_at"],
        approved_at=row["approved_at"],
        approved_by=row["approved_by"],
    )


def columns(db: Database, issue_id: int) -> list[Row]:
    """The columns of an issue in their order: `position`, `name`, and `key` in follows ("" where the catalog knows
    none)."""
    return db.all(SQL["columns"], {"issue_id": issue_id})


def digest_ids(db: Database, issue_id: int) -> list[int]:
    return [row["id"] for row in db.all(SQL["digests"], {"issue_id": issue_id})]


def digest(db: Database, digest_id: int, title_en: str = "", revision: int = 0) -> Digest:
    """A digest with all its articles; `title_en` is the bulletin's English name. `revision` is the one whose text is
    wanted (0: the one that the issue has now). Raises Failure where there is none."""
    row = db.one(SQL["digest"], {"id": digest_id})
    if row is None:
        raise Failure(f"no digest with id {digest_id}")
    if revision not in (0, row["revision"]):
        former = db.one(SQL["revision"], {"id": row["issue_id"], "revision": revision})
        if former is None:
            raise Failure(f"revision {revision} of issue {row['bulletin']}:{row['ref']} is kept no longer")
        return _former(row, _revision(former), digest_id, title_en)
    articles = tuple(
        DigestArticle(_article(entry), entry["bit"], entry["position"])
        for entry in db.all(SQL["digest_articles"], {"id": digest_id})
    )
    return Digest(
        id=digest_id,
        issue_ref=row["ref"],
        title_en=title_en or row["title"],
        date=_date(row["date"]),
        column=row["column_name"],
        column_en=row["column_en"] or row["column_name"],
        articles=articles,
        **{name: row[name] for name in ("bulletin", "title", "publisher", "year", "number", "total")},
        **{name: row[name] for name in ("part", "parts")},
    )


def _former(row: Row, found: Revision, digest_id: int, title_en: str) -> Digest:
    """A digest as it was in a revision whose place another one has taken."""
    issue = found.issue
    placed = [(column, article) for column in issue.columns for article in column.articles]
    bits = sorted((place, bit) for digest, bit, _, place in found.layout if digest == digest_id)
    column = placed[bits[0][0] - 1][0].name if bits else row["column_name"]
    return Digest(
        id=digest_id,
        issue_ref=row["ref"],
        title_en=title_en or issue.title,
        column=column,
        column_en=row["column_en"] or column,
        part=row["part"],
        parts=row["parts"],
        articles=tuple(DigestArticle(placed[place - 1][1], bit, place) for place, bit in bits),
        **{
            name: getattr(issue, name) for name in ("bulletin", "title", "publisher", "year", "number", "total", "date")
        },
    )


def issue_of_digest(db: Database, digest_id: int) -> int:
    """The id of the issue that a digest is of. Raises Failure where there is none."""
    found = db.one(SQL["digest"], {"id": digest_id})
    if found is None:
        raise Failure(f"no digest with id {digest_id}")
    return int(found["issue_id"])


def digest_tags(db: Database, digest_id: int) -> list[tuple[str, int]]:
    """The (tag, article bit) pairs of a digest: what `subscribers.routing.route` takes."""
    return [(row["tag"], row["bit"]) for row in db.all(SQL["digest_tags"], {"id": digest_id})]


def approve(db: Database, stored: StoredIssue, by: str, now: int) -> None:
    check_issue(stored.name, stored.state, IssueState.APPROVED)
    db.run(SQL["approve"], {"id": stored.id, "by": by, "now": now})


def change_state(db: Database, stored: StoredIssue, to: IssueState) -> None:
    """Change an issue's state as `dispatch.states` allows. Raises StateError."""
    check_issue(stored.name, stored.state, to)
    if not db.run(SQL["set_state"], {"id": stored.id, "from": stored.state, "to": to}):
        raise Failure(f"issue {stored.name} changed meanwhile: look at it again")


def source_state(db: Database, name: str) -> dict[str, str]:
    found = db.value(SQL["source"], {"name": name})
    return dict(json.loads(found)) if found else {}


def set_source_state(db: Database, name: str, state: dict[str, str], now: int) -> None:
    db.run(SQL["set_source"], {"name": name, "state": _dump(state), "now": now})


def _article(row: Row) -> Article:
    loaded = (json.loads(row[name]) for name in ("blocks", "parks", "topics"))
    return read_article(row["title"], row["credit"], *loaded)


def _date(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
