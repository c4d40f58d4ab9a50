"""`dispatch catalog`: what can be followed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from dispatch.cli.context import session
from dispatch.output import emit_json, say, table, warn

if TYPE_CHECKING:
    from dispatch.catalog.lost import Lost
    from dispatch.cli.context import Session

commands = typer.Typer(help="Parks, topics and columns that can be followed.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@commands.command()
def search(
    ctx: typer.Context,
    word: Annotated[
        list[str],
        typer.Argument(
            metavar="WORD", help="Part of a name, pinyin or initials, a city or province.", show_default=False
        ),
    ],
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=50, help="At most so many.")] = 10,
    as_json: Json = False,
) -> None:
    """What a word may mean, the likeliest first. As a follow it is written as shown."""
    found = session(ctx).app.catalog.suggest(" ".join(word), limit)
    if as_json:
        emit_json([{**asdict(item), "match": item.match.name.lower()} for item in found])
        return
    rows = [(item.tag, item.name, item.matched, item.match.name.lower()) for item in found]
    table(("follow", "name", "found by", "match"), rows, empty="nothing like it; see: dispatch catalog parks")


@commands.command()
def parks(ctx: typer.Context, as_json: Json = False) -> None:
    """The parks. Follow one as park:NAME, or all of a province as province:NAME."""
    found = session(ctx).app.catalog.parks
    if as_json:
        emit_json(
            [
                {
                    "name": park.name,
                    "full_name": park.full_name,
                    "province": park.province,
                    "city": park.city,
                    "since": park.since,
                    "aliases": list(park.aliases),
                    "english": list(park.english),
                }
                for park in found
            ]
        )
        return
    rows = [(park.name, park.province, park.city, park.since or "", "、".join(park.aliases)) for park in found]
    table(("park", "province", "city", "since", "aliases"), rows, empty="no parks")


@commands.command()
def topics(ctx: typer.Context, as_json: Json = False) -> None:
    """The topics: follow one as topic:KEY or topic:NAME."""
    found = session(ctx).app.catalog.topics
    if as_json:
        emit_json(
            [
                {
                    "key": topic.key,
                    "name": topic.name,
                    "name_en": topic.name_en,
                    "group": topic.group,
                    "description": topic.description,
                    "description_en": topic.described("en"),
                }
                for topic in found
            ]
        )
        return
    rows = [(topic.key, topic.name, topic.name_en, topic.group, topic.description) for topic in found]
    table(("key", "topic", "English", "group", "what belongs"), rows, empty="no topics")


@commands.command()
def columns(ctx: typer.Context, as_json: Json = False) -> None:
    """The columns of each bulletin. Follow one as column:NAME, all of a bulletin as bulletin:KEY."""
    found = [(bulletin, spec) for bulletin in session(ctx).app.catalog.bulletins for spec in bulletin.columns]
    if as_json:
        emit_json(
            [
                {
                    "bulletin": bulletin.key,
                    "key": spec.key,
                    "name": spec.name,
                    "name_en": spec.name_en,
                    "aliases": list(spec.aliases),
                }
                for bulletin, spec in found
            ]
        )
        return
    rows = [(bulletin.key, spec.key, spec.name, spec.name_en, "、".join(spec.aliases)) for bulletin, spec in found]
    table(("bulletin", "key", "column", "English", "aliases"), rows, empty="no columns")


@commands.command()
def check(ctx: typer.Context, as_json: Json = False) -> None:
    """Look the catalog's files over. Tells every wrong line with the reason and what to do.

    What is allowed and hardly meant is a warning, as is a file that nobody reads; only errors make the exit code 1.
    Where there is a database, follows of what is gone from the catalog are told, too.
    """
    from dispatch.catalog.review import review

    call = session(ctx)
    found = review(override=call.settings.catalog.folder)
    lost = [] if found.errors else _lost(call)
    if as_json:
        counts = {"errors": found.errors, "warnings": found.warnings}
        emit_json({**asdict(found), **counts, "lost_follows": [{**asdict(one), "remedy": one.remedy} for one in lost]})
    else:
        for remark in found.remarks:
            where = f"{remark.file}, line {remark.line}" if remark.line else remark.file
            say(f"{where}: {remark.level}: {remark.reason}\n    {remark.remedy}".rstrip())
        for one in lost:
            say(f"follows: {one.words}\n    {one.remedy}")
        counted = f"{found.parks} parks, {found.topics} topics, {found.bulletins} bulletins, {found.zones} other zones"
        say(f"{counted}; errors {found.errors}, warnings {found.warnings}")
    if found.errors:
        raise typer.Exit(1)


def _lost(call: Session) -> list[Lost]:
    """Follows of what is gone; none where there is no database to look into."""
    from dispatch.catalog.lost import lost_follows
    from subscribers.errors import NoDatabase, SubscriberError

    try:
        with call.app.database() as db:
            return lost_follows(db, call.app.catalog)
    except NoDatabase:
        return []
    except SubscriberError as error:
        warn(f"what is followed could not be looked at: {error}")
        return []
