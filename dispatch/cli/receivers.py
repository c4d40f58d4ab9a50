"""The addresses that `subscribers add` and `add-endpoint` are given, and the proof of those that are web addresses."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dispatch.output import say, warn

if TYPE_CHECKING:
    from dispatch.app import App
    from dispatch.trials import Trial
    from subscribers.audit import Act
    from subscribers.database import Database
    from subscribers.model import Address, Endpoint

STDIN = "-"
Webhook = Annotated[
    list[str] | None, typer.Option("--webhook", metavar="URL|-", help="A web address; -: from standard input.")
]
Robot = Annotated[str, typer.Option("--robot", metavar="KIND", help="What the web address is; else told by its host.")]
Secret = Annotated[
    str, typer.Option("--secret", metavar="-", help="Read what it signs with from standard input.")
]  # fmt: skip


def given(
    app: App, others: Mapping[str, list[str] | None], webhook: list[str] | None, robot: str, secret: str
) -> list[Address]:
    """All addresses, checked; what holds a key is read from standard input, the address before the secret. Raises
    UsageError and InvalidValue."""
    from dispatch.channels.registry import robot_address, signed
    from dispatch.errors import UsageError

    webhooks = webhook or []
    if (robot or secret) and len(webhooks) != 1:
        raise UsageError("--robot and --secret are about one --webhook: give just one")
    found = [app.address(channel, _typed(channel, text)) for channel, texts in others.items() for text in texts or ()]
    for text in webhooks:
        url = _typed("webhook", text)
        to = robot_address(robot, url, app.settings) if robot else app.address("webhook", url)
        found.append(signed(to, secret_from_input(secret)) if secret else to)
    return found


def _typed(channel: str, text: str) -> str:
    """An address as it was given, or that which standard input has for `-` where addresses hold what is secret."""
    what = {"webhook": "the web address", "apprise": "the address of Apprise's"}.get(channel)
    return from_input(what) if what and text == STDIN else text


def secret_from_input(option: str) -> str:
    """What `--secret -` reads. Raises UsageError for a secret on the command line, where other programs see it."""
    from dispatch.errors import UsageError

    if option != STDIN:
        raise UsageError("a secret is not given on the command line: say --secret - and type or pipe it in")
    return from_input("the secret")


def from_input(what: str) -> str:
    """A line of standard input; asked for, and not shown, at a terminal. Raises UsageError where there is none."""
    from dispatch.errors import UsageError

    line = str(typer.prompt(what, hide_input=True, err=True)) if sys.stdin.isatty() else sys.stdin.readline()
    if not line.strip():
        raise UsageError(f"standard input has no line with {what}")
    return line.strip()


def waits(to: Address) -> bool:
    """Whether an address counts only when a test has arrived there."""
    from subscribers.model import HOOKS

    return to.channel in HOOKS


def prove(app: App, db: Database, endpoints: Sequence[Endpoint], act: Act) -> list[tuple[Endpoint, Trial | None]]:
    """Send each pending endpoint with a web address its test event, and make active where it arrived; what became of
    each (None where its channel is off)."""
    from dispatch import trials
    from dispatch.channels.registry import CHANNELS
    from subscribers.model import EndpointState

    pending = [one for one in endpoints if waits(one.address) and one.state is EndpointState.PENDING]
    on = [one for one in pending if not CHANNELS[one.address.channel].missing(app.settings)]
    done = asyncio.run(trials.test(app, trials.newest_digest(app, db), on)) if on else []
    with db.transaction():
        for endpoint, trial in zip(on, done, strict=True):
            trials.settle(db, endpoint, trial, act)
    tried = dict(zip((one.id for one in on), done, strict=True))
    return [(one, tried.get(one.id)) for one in pending]


def tell_proofs(app: App, found: Sequence[tuple[Endpoint, Trial | None]], *, quiet: bool = False) -> None:
    """Warnings go to standard error; with `quiet` nothing is said of what went well."""
    from dispatch.channels.registry import CHANNELS

    for endpoint, trial in found:
        if trial is None:
            missing = CHANNELS[endpoint.address.channel].missing(app.settings)
            warn(f"{endpoint.label} is pending: {endpoint.address.channel} is off: {missing}")
        elif trial.sent:
            if not quiet:
                say(f"{endpoint.label}: the test event arrived ({trial.code}, {trial.ms} ms): active")
            continue
        else:
            warn(f"{endpoint.label} is pending, for the test event did not arrive: {trial.said}")
            if trial.todo:
                warn(f"{endpoint.label}: {trial.todo}")
        warn(f"{endpoint.label}: when it is mended: dispatch webhooks test {endpoint.label}")
