"""Issues, articles and digests at rest.

The functions that write are called inside a transaction of the caller's.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from dispatch.codec import blocks_json, issue_json, parks_json, read_article, topics_json
from dispatch.errors import Failure, StateError, UsageError
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
    """What became of an issue that was taken in: `added`, `known` (same content), or `replaced` (a held issue's
    content was exchanged)."""

    id: int
    name: str
    outcome: str


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


def add(
    db: Database,
    issue: Issue,
    *,
    source: str,
    warnings: Sequence[str],
    column_name: Callable[[str, Column], ColumnName],
    tags_of: Callable[[Article, str], Sequence[str]],
    now: int,
) -> Added:
    """Take an issue in, held. `column_name(bulletin, column)` and `tags_of(article, "bulletin/column")` ask the
    catalog. Same content twice does nothing; other content replaces an issue that is still held.

    Raises Failure where the number is taken by an issue of other content that is out already.
    """
    mark = fingerprint(issue)
    known = db.one(SQL["issue"], {"bulletin": issue.bulletin, "ref": issue.ref})
    name = f"{issue.bulletin}:{issue.ref}"
    revision, outcome = 1, "added"
    if known is not None:
        if known["fingerprint"] == mark:
            return Added(known["id"], name, "known")
        if known["state"] != IssueState.HELD:
            raise Failure(
                f"{source}: {name} was taken in before with other content and is {known['state']} already;"
                " nothing was changed. Give a corrected issue a number of its own to send it."
            )
        db.run(SQL["delete_issue"], {"id": known["id"]})
        revision, outcome = known["revision"] + 1, "replaced"
    issue_id = _insert(db, issue, mark, source, warnings, revision, now)
    for position, column in enumerate(issue.columns):
        _add_column(db, issue_id, issue, position, column_name(issue.bulletin, column), tags_of)
    return Added(issue_id, name, outcome)


def rewrite(
    db: Database,
    stored: StoredIssue,
    issue: Issue,
    column_name: Callable[[str, Column], ColumnName],
    tags_of: Callable[[Article, str], Sequence[str]],
) -> None:
    """Exchange the content of a held issue, as `stored` was read, for that of an edited one.

    Raises StateError where it is not held, and Failure where it changed meanwhile.
    """
    if stored.state is not IssueState.HELD:
        raise StateError(
            f"issue {stored.name} is {stored.state}: only a held one is edited; take the approval back with:"
            f" dispatch issues hold {stored.name}"
        )
    now = {"id": stored.id, "state": IssueState.HELD, "revision": stored.revision}
    if not db.run(SQL["set_fingerprint"], {**now, "fingerprint": fingerprint(issue)}):
        raise Failure(f"issue {stored.name} changed meanwhile: look at it again")
    for part in ("digests", "articles", "columns"):
        db.run(SQL[f"clear_{part}"], {"issue_id": stored.id})
    for position, column in enumerate(issue.columns):
        _add_column(db, stored.id, issue, position, column_name(issue.bulletin, column), tags_of)


def _insert(
    db: Database, issue: Issue, mark: str, source: str, warnings: Sequence[str], revision: int, now: int
) -> int:
    values = {
        **{name: getattr(issue, name) for name in ("bulletin", "ref", "title", "publisher", "year")},
        "number": issue.number,
        "total": issue.total,
        "date": issue.date.isoformat() if issue.date else None,
        "state": IssueState.HELD,
        "fingerprint": mark,
        "revision": revision,
        "source": source,
        "warnings": _dump(list(warnings)),
        "now": now,
    }
    return db.insert(SQL["add_issue"], values)


def _add_column(
    db: Database,
    issue_id: int,
    issue: Issue,
    position: int,
    named: ColumnName,
    tags_of: Callable[[Article, str], Sequence[str]],
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
            article_id = _add_article(db, issue_id, position, first, article)
            first += 1
            bit = 1 << n
            db.run(SQL["add_digest_article"], {"digest_id": digest_id, "article_id": article_id, "bit": bit})
            tags = dict.fromkeys(tags_of(article, f"{issue.bulletin}/{named.key}"))
            db.many(SQL["add_digest_tag"], [{"digest_id": digest_id, "tag": tag, "bit": bit} for tag in tags])


def _parts(articles: Sequence[Article]) -> list[Sequence[Article]]:
    """A column in digests of at most 62 articles, of nearly the same length."""
    count = max(1, -(-len(articles) // MOST_ARTICLES))
    edges = [len(articles) * n // count for n in range(count + 1)]
    return [articles[start:end] for start, end in pairwise(edges)]


def _add_article(db: Database, issue_id: int, column: int, position: int, article: Article) -> int:
    return db.insert(
        SQL["add_article"],
        {
            "issue_id": issue_id,
            "column_position": column,
            "position": position,
            "title": article.title,
            "credit": article.credit,
            "blocks": _dump(blocks_json(article.blocks)),
            "parks": _dump(parks_json(article.parks)),
            "topics": _dump(topics_json(article.topics)),
        },
    )


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


def digest(db: Database, digest_id: int, title_en: str = "") -> Digest:
    """A digest with all its articles; `title_en` is the bulletin's English name."""
    row = db.one(SQL["digest"], {"id": digest_id})
    if row is None:
        raise Failure(f"no digest with id {digest_id}")
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
