"""Whether mail about our mail can be read where `[bounces]` says that it comes, as `dispatch doctor` tells it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dispatch.app import App
from dispatch.channels.registry import off
from dispatch.delivery import bounces
from dispatch.errors import Failure
from dispatch.findings import Finding
from dispatch.links import leave_address
from dispatch.ports import cannot_listen, is_held
from dispatch.settings import BounceSettings
from subscribers.errors import SubscriberError

_SECONDS = 5.0
_WEEK_MS = 7 * 86_400_000


def examine(app: App) -> Iterator[Finding]:
    """Whether it is known what comes back, and whether mail servers find fault with us. Nothing is changed."""
    if "email" in off(app.settings):
        return
    settings = app.settings.bounces
    yield _whole(app)
    if settings.maildir is not None:
        yield _maildir(settings.maildir, moves=settings.after == "move")
    if settings.imap_host and not _missing_of_imap(settings):
        yield _imap(settings)
    if settings.listen:
        yield _listener(app)
    yield from _unread_wishes(app)
    yield from _blocks(app)


def _whole(app: App) -> Finding:
    """What is set, and what is missing beside it."""
    address, settings = app.settings.email.bounce_address, app.settings.bounces
    places = _places(settings)
    missing = _missing_of_imap(settings)
    if places and not address:
        missing.insert(0, "[email] bounce_address")
    if missing:
        return Finding("bounces", "bad", f"half of it is set; set {' and '.join(missing)} too")
    if not address:
        detail = "set [email] bounce_address and [bounces]: until then nobody learns what came back"
        return Finding("bounces", "off", detail)
    if not places:
        detail = (
            f"nothing reads what comes to {address}: set maildir, imap_host or listen in [bounces]"
            " (dispatch bounces read does it where it is called)"
        )
        return Finding("bounces", "note", detail)
    return Finding("bounces", "ok", f"reports to {address} come by {', '.join(places)}")


def _places(settings: BounceSettings) -> list[str]:
    """Those of which anything is set."""
    imap = settings.imap_host or settings.imap_username or settings.imap_password.get_secret_value()
    places = {"maildir": settings.maildir, "imap": imap, "listener": settings.listen}
    return [name for name, place in places.items() if place]


def _missing_of_imap(settings: BounceSettings) -> list[str]:
    """What a mailbox needs and has not, where anything of it is set."""
    if "imap" not in _places(settings):
        return []
    needed = {
        "imap_host": settings.imap_host,
        "imap_username": settings.imap_username,
        "imap_password": settings.imap_password.get_secret_value(),
    }
    return [f"[bounces] {name}" for name, value in needed.items() if not value]


def _maildir(folder: Path, *, moves: bool) -> Finding:
    fault = _fault_of_maildir(folder, moves=moves)
    return Finding("bounces maildir", "bad" if fault else "ok", f"[bounces] maildir: {folder}{fault}")


def _fault_of_maildir(folder: Path, *, moves: bool) -> str:
    """What is wrong, or "". Mails are taken out of `new` and `cur` again; the folder itself gets another where they are
    moved, or `tmp` where that is missing."""
    if not folder.is_dir():
        return " is not there; the mail server makes it with the first mail, or correct the path"
    parts = [folder / "new", folder / "cur"]
    if not all(os.access(folder, os.X_OK) and part.is_dir() for part in parts):
        return " is no Maildir that can be read: it takes the folders new and cur in it"
    written = [*parts, *([folder] if moves or not (folder / "tmp").is_dir() else [])]
    if not all(os.access(part, os.R_OK | os.W_OK | os.X_OK) for part in written):
        return " cannot be read and written: what was acted upon could not be put away"
    return ""


def _imap(settings: BounceSettings) -> Finding:
    """A look as `dispatch run` begins it: the log-in and the folder."""
    from dispatch.bounces.imap import Imap

    mailbox = Imap(settings.model_copy(update={"timeout": min(settings.timeout, _SECONDS)}))
    where = f"{settings.imap_host}:{settings.resolved_imap_port} ({settings.imap_security})"
    try:
        mailbox.open()
    except Failure as error:
        return Finding("bounces imap", "bad", str(error))
    finally:
        mailbox.close()
    return Finding("bounces imap", "ok", f"{where} takes the log-in and has {settings.imap_folder}")


def _listener(app: App) -> Finding:
    settings = app.settings.bounces
    fault = cannot_listen(settings.listen)
    if fault and not (fault.taken and is_held(app, "bounces")):
        return Finding("bounces listener", "bad", f"[bounces] listen: {fault.words}")
    detail = f"{settings.protocol.upper()} on {settings.listen}, served by dispatch run"
    return Finding("bounces listener", "ok", detail)


def _unread_wishes(app: App) -> Iterator[Finding]:
    """The mailto of List-Unsubscribe leads to an address that somebody has to read."""
    settings = app.settings
    if not _places(settings.bounces):
        detail = (
            f"mail to {leave_address(settings)} asks to unsubscribe (List-Unsubscribe) and nothing here reads it:"
            " deliver it to [bounces] too, or do what it asks by: dispatch subscribers unsubscribe TOKEN"
        )
        yield Finding("unsubscribing mails", "note", detail)


def _blocks(app: App) -> Iterator[Finding]:
    try:
        with app.database() as db:
            since = app.clock.now() - _WEEK_MS
            counts = {row["kind"]: row["bounces"] for row in db.all(bounces.SQL["kinds_since"], {"since": since})}
            words = db.value(bounces.SQL["last_block"], {"since": since})
    except SubscriberError:
        return  # told already
    if counts.get("block"):
        detail = f"{counts['block']} refusals of us in a week, last: {words}; see: dispatch bounces list --kind block"
        yield Finding("blocks", "note", detail)
