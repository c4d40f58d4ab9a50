"""Showing subscribers: as text, as lines of a table, as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import typer

from dispatch.output import iso, json_text, say, table, warn, when

if TYPE_CHECKING:
    from subscribers.model import Endpoint, Preferences, Subscriber

CSV_COLUMNS = (
    *("id", "name", "endpoint", "channel", "address", "state", "reason", "paused_until", "consent", "consented_at"),
    *("follows", "language", "cadence", "weekday", "at", "timezone", "quiet", "bundle", "format", "added", "queue"),
)
SHOWN = 5  # addresses in a warning
TABLE = 1000  # lines of one table


def tell(subscriber: Subscriber, *, secrets: bool = False, reveal: bool = False) -> None:
    """Web addresses that hold keys stand there masked, unless they are to `reveal`."""
    from subscribers.model import EndpointState

    say(f"subscriber {subscriber.id} {subscriber.name}".rstrip())
    for endpoint in subscriber.endpoints:
        address = endpoint.address.address if reveal else endpoint.address.shown
        say(f"  {endpoint.label} {endpoint.address.channel} {address}: {_state(endpoint)}")
        if endpoint.address.channel == "telegram":
            say(f"     written to by the bot of the queue {endpoint.address.queue}")
        say(f"     follows {', '.join(endpoint.follows) or 'nothing yet'}; {preferences_words(endpoint.preferences)}")
        if endpoint.words:
            say(f"     {words_text(endpoint)}")
        if endpoint.consent:
            say(f"     consent: {endpoint.consent}, {iso(endpoint.consented_at)}")
        if (
            secrets and endpoint.address.secret and endpoint.address.channel == "webhook"
        ):  # the others are the service's
            say(f"     signing secret, for the receiver: {endpoint.address.secret}")
        if endpoint.state is EndpointState.PENDING:
            say(f"     it gets nothing until: dispatch {_way_in(endpoint)}")


def _way_in(endpoint: Endpoint) -> str:
    """The command that makes a pending endpoint active."""
    from subscribers.model import HOOKS

    if endpoint.address.channel in HOOKS:
        return f"webhooks test {endpoint.label}"
    ask = " (--send asks by mail)" if endpoint.address.channel == "email" else ""
    return f"subscribers confirm {endpoint.label}{ask}"


def words_text(endpoint: Endpoint) -> str:
    """By which words an endpoint chooses, in a line."""
    only, never = (", ".join(words) for words in words_json(endpoint).values())
    parts = [f"only with {only}" if only else "", f"never with {never}" if never else ""]
    return "; ".join(filter(None, parts)) or "no words"


def words_json(endpoint: Endpoint) -> dict[str, list[str]]:
    return {
        "only": [word.text for word in endpoint.words if not word.excluded],
        "never": [word.text for word in endpoint.words if word.excluded],
    }


def _state(endpoint: Endpoint) -> str:
    until = f"until {when(endpoint.paused_until)}" if endpoint.paused_until is not None else ""
    more = ", ".join(word for word in (endpoint.reason, until) if word)
    return f"{endpoint.state} ({more})" if more else endpoint.state.value


def preferences_words(found: Preferences) -> str:
    """Preferences in a line."""
    from subscribers.rhythm import clock, quiet_text, weekday_text

    rhythm = found.rhythm
    rhythmic = " ".join(word for word in (rhythm.cadence, weekday_text(rhythm), clock(rhythm.minute)) if word)
    quiet = f", quiet {quiet_text(rhythm)}" if quiet_text(rhythm) else ""
    bundled = "bundled" if found.bundled else "separate"
    return f"{rhythmic} {rhythm.timezone}{quiet}, {bundled}, {found.language}, {found.format}"


def subscriber_json(subscriber: Subscriber, *, secrets: bool = False, reveal: bool = False) -> dict[str, Any]:
    return {
        "id": subscriber.id,
        "name": subscriber.name,
        "created_at": iso(subscriber.created_at),
        "endpoints": [_endpoint_json(endpoint, secrets=secrets, reveal=reveal) for endpoint in subscriber.endpoints],
    }


def _endpoint_json(endpoint: Endpoint, *, secrets: bool, reveal: bool = False) -> dict[str, Any]:
    from subscribers.rhythm import clock, quiet_text, weekday_text

    found, rhythm = endpoint.preferences, endpoint.preferences.rhythm
    value = {
        "id": endpoint.label,
        "channel": endpoint.address.channel,
        "address": endpoint.address.address if reveal else endpoint.address.shown,
        "queue": endpoint.address.queue,
        "state": endpoint.state.value,
        "reason": endpoint.reason,
        "paused_until": iso(endpoint.paused_until),
        "consent": endpoint.consent,
        "consented_at": iso(endpoint.consented_at),
        "follows": list(endpoint.follows),
        "words": words_json(endpoint),
        "language": found.language,
        "format": found.format,
        "bundled": found.bundled,
        "cadence": rhythm.cadence.value,
        "weekday": weekday_text(rhythm),
        "at": clock(rhythm.minute),
        "timezone": rhythm.timezone,
        "quiet": quiet_text(rhythm),
        "created_at": iso(endpoint.created_at),
    }
    if secrets and endpoint.address.secret:
        value["secret"] = endpoint.address.secret
    return value


def emit_array(items: Iterable[dict[str, Any]]) -> None:
    """What `emit_json` prints for a list, item by item."""
    started = False
    for item in items:
        typer.echo(",\n" if started else "[\n", nl=False)
        typer.echo(textwrap.indent(json_text(item), "  "), nl=False)
        started = True
    typer.echo("\n]" if started else "[]")


def emit_lines(lines: Iterator[Sequence[object]]) -> None:
    """Tables of a thousand lines: a table is drawn when all of it is known."""
    titles = ("id", "name", "endpoint", "channel", "address", "state", "follows")
    page = list(islice(lines, TABLE))
    table(titles, page, empty="no subscribers; add one with: dispatch subscribers add")
    while page := list(islice(lines, TABLE)):
        table(titles, page, empty="")


def lines_of(subscriber: Subscriber) -> Iterator[Sequence[object]]:

    for endpoint in subscriber.endpoints:
        yield (
            subscriber.id,
            subscriber.name,
            endpoint.label,
            _channel(endpoint),
            endpoint.address.shown,
            endpoint.state,
            ", ".join(endpoint.follows),
        )


def _channel(endpoint: Endpoint) -> str:
    """The channel; of a chat that is not with the first bot, which bot it is with."""
    return endpoint.address.queue if endpoint.address.channel == "telegram" else endpoint.address.channel


def rows_of(subscriber: Subscriber) -> Iterator[list[str]]:
    """A row of `CSV_COLUMNS` for each endpoint."""
    for endpoint in subscriber.endpoints:
        found = {**_endpoint_json(endpoint, secrets=False), "name": subscriber.name}
        found |= {"id": subscriber.id, "endpoint": endpoint.label, "follows": ";".join(endpoint.follows)}
        found |= {"bundle": "yes" if endpoint.preferences.bundled else "no", "added": found["created_at"]}
        yield ["" if found[name] is None else str(found[name]) for name in CSV_COLUMNS]


def warn_suppressed(addresses: Sequence[str], total: int = 0) -> None:
    """`total` where the addresses are but the first of them."""
    if not addresses:
        return
    shown = ", ".join([*addresses[:SHOWN], *(["…"] if len(addresses) > SHOWN else [])])
    warn(
        f"{total or len(addresses)} suppressed, for they unsubscribed or were refused before: {shown};"
        " nothing goes there until the reader opts in again (see: dispatch subscribers reactivate)"
    )
