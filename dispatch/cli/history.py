"""`dispatch subscribers history`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli.context import session
from dispatch.cli.people import emit_array, preferences_words
from dispatch.output import iso, say, table, when

if TYPE_CHECKING:
    from subscribers.history import Event

_SHOWN = 50


def history(
    ctx: typer.Context,
    who: Annotated[
        str,
        typer.Argument(metavar="ID", help="Subscriber 3, or one endpoint: e7 or its address; also removed ones."),
    ],
    page: Annotated[int, typer.Option("--page", metavar="N", min=1, help="Which page; 1 has the newest.")] = 1,
    per_page: Annotated[
        int | None,
        typer.Option("--per-page", metavar="N", min=0, help="Changes a page; 0: all. 50, but all with --json."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Who changed what, when, and by which way. With each step of consent, the newest first."""
    from dispatch.errors import UsageError
    from subscribers.history import events, whose

    size = per_page if per_page is not None else 0 if as_json and page == 1 else _SHOWN
    if page > 1 and not size:
        raise UsageError("--page needs --per-page above 0")
    with session(ctx).app.database() as db:
        found = events(db, whose(db, who))
        shown = islice(found, (page - 1) * size, page * size) if size else found
        if as_json:
            emit_array(map(_json, shown))
            return
        titles = ("when", "what", "change", "by", "way")
        table(titles, [_line(event) for event in shown], empty="nothing is on record" if page == 1 else "no more")
        if next(found, None) is not None:
            say(f"there are older ones: --page {page + 1}")


def _json(event: Event) -> dict[str, Any]:
    return {
        "at": iso(event.at),
        "about": event.about,
        "action": event.action,
        "by": event.by,
        "way": event.way,
        "detail": event.detail,
        "words": words(event.action, event.detail),
    }


def _line(event: Event) -> tuple[object, ...]:
    by = {"reader": "the reader", "dispatch": "dispatch itself"}.get(event.by, event.by)
    return when(event.at), event.about, words(event.action, event.detail), by, event.way


def words(action: str, detail: dict[str, Any]) -> str:
    """A change as a person reads it; one that has no words here is told as it is on record."""
    try:
        return _WORDS[action](detail)
    except (KeyError, TypeError, ValueError):  # of another version
        return " ".join([action, json.dumps(detail, ensure_ascii=False)] if detail else [action])


def _listed(items: Iterable[object]) -> str:
    return ", ".join(map(str, items)) or "nothing"


def _labels(ids: Iterable[int]) -> str:
    return _listed(f"e{id_}" for id_ in ids)


def _added(detail: dict[str, Any]) -> str:
    ids = f" with {_labels(detail['endpoints'])}" if "endpoints" in detail else ""
    to = f" to subscriber {detail['subscriber']}" if "subscriber" in detail else ""
    return f"added{to}{ids}, follows {_listed(detail['follows'])}"


def _state(detail: dict[str, Any]) -> str:
    reason = f": {detail['reason']}" if detail.get("reason") else ""
    until = f", until {when(detail['until'])}" if detail.get("until") is not None else ""
    return f"{detail.get('from', 'nothing')} → {detail['to']}{reason}{until}"


def _preferences(detail: dict[str, Any]) -> str:
    from subscribers.model import Cadence, Preferences, Rhythm

    rhythm = Rhythm(**{**detail["rhythm"], "cadence": Cadence(detail["rhythm"]["cadence"])})
    return "wants " + preferences_words(Preferences(**{**detail, "rhythm": rhythm}))


def _why(detail: dict[str, Any]) -> Iterable[str]:
    return (str(detail.get(name, "")) for name in ("why", "words", "follow"))


def _merged(detail: dict[str, Any]) -> str:
    if "into" in detail:
        return f"merged into subscriber {detail['into']}, with {_labels(detail['endpoints'])}"
    return f"subscriber {detail['from']} was merged into it, with {_labels(detail['endpoints'])}"


def _consent(what: str) -> Callable[[dict[str, Any]], str]:
    def told(detail: dict[str, Any]) -> str:
        origin = f", from {detail['origin']}" if detail.get("origin") else ""
        text = f"; the text: {detail['text']}" if detail.get("text") else ""
        return f"{what}: {detail['basis']}{origin}{text}"

    return told


_WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "added": _added,
    "asked": lambda detail: f"asked to be written to, at {_labels(detail['endpoints'])}",
    "followed": lambda detail: f"follows {_listed(detail['follows'])} from now on",
    "unfollowed": lambda detail: f"no longer follows {_listed(detail['follows'])}",
    "preferences": _preferences,
    "state": _state,
    "moved": lambda detail: f"another address: {detail['from']} → {detail['to']}",
    "merged": _merged,
    "renamed": lambda detail: "called by another name",
    "handed over": lambda detail: f"went from subscriber {detail['from']} to subscriber {detail['to']}",
    "gave": lambda detail: (
        f"e{detail['endpoint']} " + (f"went to subscriber {detail['to']}" if "to" in detail else "was removed")
    ),
    "got": lambda detail: f"e{detail['endpoint']} came from subscriber {detail['from']}",
    "removed": lambda detail: (
        f"removed from subscriber {detail['subscriber']}" if "subscriber" in detail else "removed"
    ),
    "said why": lambda detail: "said why they leave: " + _listed(word for word in _why(detail) if word),
    "erased": lambda detail: "erased",
    "never confirmed": lambda detail: "never confirmed: its address is no longer kept",
    "consent asked": _consent("consent asked for"),
    "consent given": _consent("consent given"),
    "consent withdrawn": _consent("consent withdrawn"),
}
