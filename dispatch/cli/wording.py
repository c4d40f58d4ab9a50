"""`dispatch subscribers words`: by which words a reader chooses among the articles that they follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dispatch.cli.context import session
from dispatch.cli.people import words_json, words_text
from dispatch.output import emit_json, say, warn

if TYPE_CHECKING:
    from subscribers.audit import Act
    from subscribers.database import Database
    from subscribers.model import Endpoint, Subscriber, Word


def words(
    ctx: typer.Context,
    who: Annotated[
        str, typer.Argument(metavar="ID", help="Subscriber 3, or one endpoint: e7 or its address.", show_default=False)
    ],
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="WORD", help="Only articles with this word, or another such.")
    ] = None,
    never: Annotated[
        list[str] | None, typer.Option("--never", metavar="WORD", help="No article that holds this word.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="WORD", help="Forget this word, of either kind.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Words that articles must hold, or must not. Of what is followed, the articles go out that hold one of the --only
    words (if there are any) and none of the --never words, in title, text or credit. Without options: show them."""
    from dispatch.reader_words import fold, read
    from subscribers import directory

    new = [read(word) for word in only or ()] + [read(word, excluded=True) for word in never or ()]
    _refuse_both(new)
    gone = {fold(word): word for word in remove or ()}
    with session(ctx).app.database() as db:
        if new or gone:
            with db.transaction():
                _change(db, directory.find(db, who)[1], new, gone, session(ctx).act())
        subscriber, endpoints = directory.find(db, who)
    if as_json:
        emit_json([{"id": endpoint.label, **words_json(endpoint)} for endpoint in endpoints])
        return
    _tell(subscriber, endpoints)


def _refuse_both(new: list[Word]) -> None:
    from dispatch.errors import UsageError

    kinds = {word.folded: word.excluded for word in new}
    for word in new:
        if kinds[word.folded] is not word.excluded:
            raise UsageError(f"{word.text} cannot be wanted and unwanted: name it with --only or with --never")


def _change(db: Database, endpoints: tuple[Endpoint, ...], new: list[Word], gone: dict[str, str], act: Act) -> None:
    from subscribers import words as store

    removed: set[str] = set()
    for endpoint in endpoints:
        removed |= {word.folded for word in store.remove(db, endpoint.id, gone, act)}
        store.add(db, endpoint.id, new, act)
    for folded in gone.keys() - removed:
        warn(f"{gone[folded]} was none of the words")


def _tell(subscriber: Subscriber, endpoints: tuple[Endpoint, ...]) -> None:
    say(f"subscriber {subscriber.id} {subscriber.name}".rstrip())
    for endpoint in endpoints:
        say(f"  {endpoint.label} {endpoint.address.channel} {endpoint.address.shown}: {words_text(endpoint)}")
