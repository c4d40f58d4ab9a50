"""`dispatch tag`: what the tagger sees in a text, and the archive tagged again."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli.context import session
from dispatch.output import emit_json, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from dispatch.cli.context import Session
    from dispatch.intake.topic_rules import TopicBelow
    from dispatch.model import Article


def tag(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE…", help="Articles; with --again issues.", show_default=False),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Tag these issues, or all of the archive, by the present catalog.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; change nothing.")] = False,
    by_hand: Annotated[bool, typer.Option("--all", help="Also the tags that a person gave or took away.")] = False,
    day: Annotated[
        datetime | None,
        typer.Option("--date", metavar="DATE", formats=["%Y-%m-%d"], help="Their day: was a park national then?"),
    ] = None,
    below: Annotated[
        bool, typer.Option("--below", help="Also the topics that score too low; --json has them always.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tag articles: the first line of a file is the title, the rest the text of one article.

    With --again the archive is tagged anew. Nothing is sent by it.
    """
    from dispatch.cli.retag import tag_again
    from dispatch.errors import UsageError

    if again and day:
        raise UsageError("--date goes with FILEs of articles; issues have a day of their own")
    if again and below:
        raise UsageError("--below goes with FILEs of articles")
    if again:
        tag_again(session(ctx), words or [], dry_run=dry_run, by_hand=by_hand, as_json=as_json)
        return
    if dry_run or by_hand:
        raise UsageError("--dry-run and --all go with --again only")
    if not words:
        raise UsageError("name FILEs of articles, or tag the archive with: dispatch tag --again")
    files = [Path(word) for word in words]
    _tag_files(session(ctx), files, day.date() if day else None, with_below=below, as_json=as_json)


def _tag_files(call: Session, files: list[Path], day: date | None, *, with_below: bool, as_json: bool) -> None:
    from dispatch.cli.evidence import national_later, tell_article, tell_below
    from dispatch.codec import parks_json, topics_json

    pickup = call.app.pickup
    below_of = _below(call) if with_below or as_json else lambda article: ()
    results: list[dict[str, Any]] = []
    for file in files:
        article = pickup.read_article(file)
        below = below_of(article)
        tags = {"parks": parks_json(article.parks), "topics": topics_json(article.topics)}
        missed = [{**found, "needed": item.needed} for item in below for found in topics_json([item.tag])]
        later = national_later(call.app.catalog, [article], day)
        results.append({"file": str(file), "title": article.title, **tags, "below": missed, "national_later": later})
        if not as_json:
            say(f"{file}: {article.title}")
            tell_article(article, "  ", later)
            tell_below(article, below, "  ")
    if as_json:
        emit_json(results)


def _below(call: Session) -> Callable[[Article], tuple[TopicBelow, ...]]:
    from dispatch.intake.tagger import Tagger

    return Tagger(call.app.catalog).below
