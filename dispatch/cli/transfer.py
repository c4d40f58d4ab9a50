"""`dispatch subscribers import` and `export`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dispatch.cli.context import session
from dispatch.cli.people import warn_suppressed
from dispatch.output import StandardOutput, say, warn

if TYPE_CHECKING:
    from subscribers.audit import Act
    from subscribers.database import Database
    from subscribers.transfer import Entry

CONFIRMED = "confirmed by an administrator"


def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV: name,email,telegram,webhook,follows, …")],
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="They have agreed: active at once, without a confirmation.")
    ] = False,
) -> None:
    """Add the subscribers of a CSV file, all or none. Addresses that are known get the follows added. Those whose
    state is pending, paused, suppressed or gone stay so, with --confirmed too."""
    from subscribers.audit import Way
    from subscribers.errors import BadFile
    from subscribers.transfer import decode, read_csv

    app = session(ctx).app
    try:
        text = decode(file.read_bytes())
        entries = read_csv(text, app.address, app.catalog.resolve)
    except OSError as error:
        raise BadFile(f"{file}: {error.strerror or error}") from error
    except BadFile as error:
        raise BadFile(f"{file}: {error}") from error
    suppressed: list[str] = []
    act = replace(session(ctx).act(), way=Way.FILE)
    with app.database() as db, db.transaction():
        known = sum(_add_entry(db, entry, CONFIRMED if confirmed else "", suppressed, act) for entry in entries)
    say(f"{len(entries)} rows: {len(entries) - known} subscribers added, {known} known ones got the follows")
    warn_suppressed(suppressed)
    if len(entries) > known and any(_waits(entry, confirmed) for entry in entries):
        warn("new endpoints that are pending get nothing until: dispatch subscribers confirm ID")


def _waits(entry: Entry, confirmed: bool) -> bool:
    from subscribers.model import EndpointState

    return entry.state is EndpointState.PENDING or (entry.state is EndpointState.ACTIVE and not confirmed)


def _add_entry(db: Database, entry: Entry, consent: str, suppressed: list[str], act: Act) -> bool:
    """Whether the row's addresses were all known; the suppressed ones of them are noted. A row of known and new
    addresses is refused by `directory.add`."""
    from subscribers import directory
    from subscribers.model import EndpointState

    holders = [(address, directory.holder_of(db, address)) for address in entry.addresses]
    suppressed += [
        address.address
        for address, holder in holders
        if holder and EndpointState.SUPPRESSED in (entry.state, holder.state)
    ]
    known = [holder.endpoint_id for _, holder in holders if holder and not holder.removed]
    if len(known) == len(holders):
        for endpoint_id in known:
            _add_to_known(db, endpoint_id, entry, act)
        return True
    directory.add(
        db,
        name=entry.name,
        addresses=entry.addresses,
        follows=entry.follows,
        preferences=entry.preferences,
        consent=consent,
        act=act,
        state=entry.state,
    )
    return False


def _add_to_known(db: Database, endpoint_id: int, entry: Entry, act: Act) -> None:
    """The row's follows; of its state, only that nothing may be sent: what a file says makes nobody active."""
    from subscribers import directory
    from subscribers.model import EndpointState

    directory.follow(db, endpoint_id, entry.follows, act)
    if entry.state is EndpointState.SUPPRESSED:
        directory.provider_state(db, endpoint_id, entry.state, "suppressed in an imported file", act)


def export(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to; else, or -, standard output.")
    ] = None,
) -> None:
    """Write all subscribers as CSV that `import` reads."""
    from subscribers import directory
    from subscribers.errors import BadFile
    from subscribers.transfer import write_csv, write_file

    with session(ctx).app.database() as db:
        if file is None or str(file) == "-":
            write_csv(directory.everyone(db), StandardOutput())
            return
        try:
            count = write_file(directory.everyone(db), file)
        except OSError as error:
            raise BadFile(f"{file}: {error.strerror or error}") from error
    say(f"{count} rows in {file}")
