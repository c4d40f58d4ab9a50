"""`dispatch tag --again`: what the present catalog changes in the tags of the archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from dispatch.output import emit_json, say, warn

if TYPE_CHECKING:
    from dispatch.cli.context import Session
    from dispatch.retag import ArticleChange, Retagged, TagChange
    from subscribers.database import Database

_WHAT_FOLLOWS = {
    "held": "it is planned by these tags",
    "approved": "it is planned by these tags",
    "sending": "what is not sent yet follows them; nobody is added",
    "paused": "what is not sent yet follows them; nobody is added",
    "sent": "nothing is sent again",
}


def tag_again(call: Session, names: Sequence[str], *, dry_run: bool, by_hand: bool, as_json: bool) -> None:
    """Tag the issues of these names; without any all that are not cancelled and were tagged by another catalog or other
    rules, with `by_hand` the others too. Raises Failure where one had to be left."""
    from dispatch import archive, retag
    from dispatch.errors import Failure, UsageError

    with call.app.database() as db:
        known = retag.issue_ids(db)
        ids = list(dict.fromkeys(archive.find(db, name) for name in names)) if names else known
        if not (names or by_hand):
            ids = retag.issue_ids(db, otherwise_than=call.app.catalog)
        if any(archive.load(db, id_).state == "cancelled" for id_ in (ids if names else ())):
            raise UsageError("an issue that is cancelled reaches nobody any more: leave it out")
        found = []
        for one in _each(call, db, ids, dry_run=dry_run, by_hand=by_hand):
            found.append(one)
            if not as_json:
                _tell(one)
    if as_json:
        emit_json([_json(one) for one in found])
    else:
        _sum_up(found, present=0 if names else len(known) - len(ids), dry_run=dry_run)
    if not dry_run and (left := [f"{one.issue}: not tagged again; {one.left}" for one in found if one.left]):
        raise Failure("\n".join(left))


def _each(call: Session, db: Database, ids: Sequence[int], *, dry_run: bool, by_hand: bool) -> Iterator[Retagged]:
    """An issue a transaction: others have their turn in between, and a call that is broken off can be made again."""
    from dispatch.progress import stages
    from dispatch.retag import Retagger

    retagger = Retagger(call.app.catalog, by_hand=by_hand)
    with stages() if len(ids) > 1 else nullcontext(lambda what, done, total: None) as tick:
        for number, id_ in enumerate(ids, start=1):
            if dry_run:
                yield retagger.look(db, id_)
            else:
                yield retagger.run(db, id_, call.act())
            tick("issues", number, len(ids))


def _json(found: Retagged) -> dict[str, Any]:
    return {
        "issue": found.issue,
        "state": found.state.value,
        "articles": found.articles,
        "changes": [_article_json(change) for change in found.changes],
        "columns": [{"name": column.name, "was": column.was, "now": column.now} for column in found.columns],
        "passages_only": found.passages,
        "left": found.left,
    }


def _article_json(change: ArticleChange) -> dict[str, Any]:
    fields = ("kind", "key", "name", "was", "now", "followers")
    tags = [{field: getattr(tag, field) for field in fields} for tag in change.tags]
    readers = {"gain": change.gain, "lose": change.lose}
    return {"position": change.position, "title": change.title, **readers, "tags": tags}


def _tell(found: Retagged) -> None:
    if not (found.changes or found.columns):
        return
    say(f"{found.issue} ({found.state}): {_WHAT_FOLLOWS.get(found.state, 'it is cancelled')}")
    for column in found.columns:
        say(f"  column {column.name}: {column.was} → {column.now}")
    for change in found.changes:
        say(f"  {change.position}. {change.title}")
        for tag in change.tags:
            say(f"     {_words(tag)}, followed by {tag.followers}")
        say(f"     active endpoints that gain the article: {change.gain}, that lose it: {change.lose}")
    if found.left:
        warn(f"{found.issue}: {found.left}")


def _words(tag: TagChange) -> str:
    if tag.was and tag.now:
        return f"~ {tag.name}: {tag.was} → {tag.now}"
    name = tag.name if tag.kind == "park" else f"{tag.name} [{tag.key}]"
    return f"+ {tag.now} {name}" if tag.now else f"- {tag.was} {name}"


def _sum_up(found: Sequence[Retagged], *, present: int, dry_run: bool) -> None:
    done = [one for one in found if dry_run or not one.left]
    articles, passages = sum(one.articles for one in done), sum(one.passages for one in done)
    changed, issues = sum(len(one.changes) for one in done), sum(bool(one.changes or one.columns) for one in done)
    verb = "would change" if dry_run else "changed"
    say(f"{articles} articles of {len(done)} issues looked at: {changed} articles in {issues} issues {verb} their tags")
    if present:
        say(f"left out: {present} issues that were tagged by the present catalog and rules (--all takes them in)")
    if passages:
        say(f"in {passages} more only the passages that decided are others")
    if dry_run:
        say("nothing was changed (dry run)")
