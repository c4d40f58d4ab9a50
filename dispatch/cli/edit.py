"""`dispatch issues edit`: titles, columns, credits and tags, changed by hand."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dispatch.cli.context import session
from dispatch.cli.issues import Issue
from dispatch.output import fail, say

if TYPE_CHECKING:
    from dispatch.app import App
    from dispatch.archive import StoredIssue
    from dispatch.model import Issue as Read

_LARGEST = 1_000_000


def edit(
    ctx: typer.Context,
    issue: Issue,
    from_file: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Take a changed text from a file; - reads it here.")
    ] = None,
    printed: Annotated[bool, typer.Option("--print", help="Print the text, to be changed and given back.")] = False,
) -> None:
    """Change titles, columns, credits and tags by hand. The text of a held issue opens in $EDITOR."""
    from dispatch import archive
    from dispatch.editing import text_of

    app = session(ctx).app
    with app.database() as db:
        stored = archive.load(db, archive.find(db, issue))
    text = text_of(stored.issue, app.catalog)
    if printed:
        typer.echo(text, nl=False)
        return
    changed = _checked(app, stored, _given(from_file)) if from_file else _by_hand(app, stored, text)
    if changed is None or changed == stored.issue:
        say("nothing was changed")
        return
    with app.database() as db, db.transaction():
        app.pickup.rewrite(db, stored, changed, session(ctx).act())
    say(f"{stored.name} is changed; look at it with: dispatch issues show {stored.name}")


def _checked(app: App, stored: StoredIssue, text: str) -> Read:
    from dispatch.editing import edited

    return edited(stored.issue, text, app.catalog)


def _given(file: Path) -> str:
    from dispatch.errors import UsageError

    try:
        data = sys.stdin.buffer.read(_LARGEST + 1) if str(file) == "-" else _bytes(file)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: byte {error.start} is no UTF-8; save it as UTF-8") from None
    if len(data) > _LARGEST:
        raise UsageError(f"{file}: over {_LARGEST} bytes; it is no text that `issues edit --print` wrote")
    return text


def _bytes(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(_LARGEST + 1)


def _by_hand(app: App, stored: StoredIssue, text: str) -> Read | None:
    """What comes back from the editor; None where it was not saved. A text that is refused can be changed again, and
    is kept."""
    from dispatch.editing import EditError
    from dispatch.errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError("there is no terminal for an editor: dispatch issues edit ID --print, then --from FILE")
    while True:
        changed = _edited(text)
        if changed is None:
            return None
        try:
            return _checked(app, stored, changed)
        except EditError as error:
            fail(error)
            if not typer.confirm("Change it again?", default=True):
                raise UsageError(f"the text is kept in {_kept(changed)}; give it back with --from") from None
            text = changed


def _edited(text: str) -> str | None:
    import click

    from dispatch.errors import Failure

    try:
        return click.edit(text, extension=".txt")
    except click.ClickException as error:
        raise Failure(
            f"{error.format_message()}; name an editor by $VISUAL or $EDITOR, or use --print and --from"
        ) from None


def _kept(text: str) -> str:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt", delete=False) as file:
        file.write(text)
    return file.name
