"""`dispatch webhooks`: the receivers of webhooks and the robots, one by one: test, rotate, look at, send once more."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli import receivers
from dispatch.cli.context import session
from dispatch.output import emit_json, iso, say, table, when

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dispatch.app import App
    from dispatch.delivery.replay import Tried
    from dispatch.trials import Trial
    from subscribers.database import Database, Row
    from subscribers.model import Endpoint

SHOWN = 20  # attempts unless more are asked for
commands = typer.Typer(help="Receivers of webhooks, and robots: test, rotate, look.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Which = Annotated[str, typer.Argument(metavar="ENDPOINT", help="One endpoint: e7 or its address.", show_default=False)]


@commands.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """Receivers with their state. When something last arrived, when it last failed, and since when it only fails."""
    from dispatch.delivery import health

    with session(ctx).app.database() as db:
        rows = [_receiver(row) for row in health.receivers(db)]
    if as_json:
        times = ("last_success", "last_failure", "failing_since")
        emit_json([{**row, **{name: iso(row[name]) for name in times}} for row in rows])
        return
    titles = ("endpoint", "subscriber", "channel", "address", "state", "last success", "last failure", "failing since")
    table(titles, [_line(row) for row in rows], empty="no receivers; add one with: dispatch subscribers add --webhook")


def _receiver(row: Row) -> dict[str, Any]:
    from subscribers.model import Address

    return {
        "endpoint": f"e{row['id']}",
        "subscriber": row["name"] or f"#{row['subscriber_id']}",
        "channel": row["channel"],
        "address": Address(row["channel"], row["address"], "").shown,
        "state": row["state"],
        "reason": row["reason"],
        "last_success": row["sent_at"],
        "last_failure": row["failed_at"],
        "answer": row["answer"],
        "failing_since": row["failing_since"],
        "failures": row["failures"],
    }


def _line(row: Mapping[str, Any]) -> tuple[object, ...]:
    failing = f"{when(row['failing_since'])}, {row['failures']} times" if row["failing_since"] is not None else ""
    plain = tuple(row[name] for name in ("endpoint", "subscriber", "channel", "address", "state"))
    return (*plain, _when(row["last_success"]), _when(row["last_failure"]), failing)


def _when(moment: int | None) -> str:
    return when(moment) if moment is not None else ""


@commands.command("test")
def send_test(ctx: typer.Context, who: Which, as_json: Json = False) -> None:
    """Send one test event now, and show what the receiver said. A pending endpoint is active when it has arrived, and
    so is one that was paused because it failed."""
    from dispatch import trials
    from subscribers import directory

    app = session(ctx).app
    with app.database() as db:
        endpoint = _one(db, who)
        trials.refuse_off(app, endpoint.address.channel)
        (trial,) = asyncio.run(trials.test(app, trials.newest_digest(app, db), [endpoint]))
        with db.transaction():
            detail = {"outcome": trial.outcome, "code": trial.code}
            session(ctx).note(db, "tested", "endpoint", endpoint.id, detail)
            trials.settle(db, directory.endpoint(db, endpoint.id), trial, session(ctx).act())
        state = directory.endpoint(db, endpoint.id).state
    if as_json:
        emit_json({"endpoint": endpoint.label, "state": state, **asdict(trial)})
    else:
        _tell(endpoint, trial, state)
    if not trial.sent:
        raise typer.Exit(1)


def _tell(endpoint: Endpoint, trial: Trial, state: str) -> None:

    say(f"test to {endpoint.label} {endpoint.address.shown}")
    say(f"outcome:  {trial.outcome}")
    say(f"code:     {trial.code or 'none'}")
    say(f"answer:   {trial.said or 'nothing'}")
    say(f"time:     {trial.ms} ms")
    if trial.todo:
        say(f"to do:    {trial.todo}")
    change = f", it was {endpoint.state}" if state != endpoint.state else ""
    say(f"endpoint: {state}{change}")


@commands.command()
def rotate(
    ctx: typer.Context,
    who: Which,
    now: Annotated[bool, typer.Option("--now", help="The old secret signs no more, for it is known.")] = False,
    secret: Annotated[
        str, typer.Option("--secret", metavar="-", help="Read the new one from standard input (of robots: always).")
    ] = "",
    as_json: Json = False,
) -> None:
    """Give an endpoint a new secret, which is shown once. The old one signs too for 24 hours, unless --now. What a
    robot signs with is set in its own app: bring it by --secret -."""
    from dispatch.channels.registry import signed
    from dispatch.errors import UsageError
    from subscribers import directory

    app = session(ctx).app
    given = receivers.secret_from_input(secret) if secret else ""
    with app.database() as db, db.transaction():
        endpoint = _one(db, who)
        if not given and endpoint.address.channel != "webhook":
            raise UsageError(
                f"{endpoint.label} is of {endpoint.address.channel}: bring what it signs with by --secret -"
            )
        new = signed(endpoint.address, given).secret if given else ""
        kept = _kept(app, endpoint, new, now=now)
        directory.set_secret(db, endpoint.id, kept, session(ctx).act())
    fresh = kept.split()[0] if endpoint.address.channel == "webhook" else ""
    both = " " in kept and endpoint.address.channel == "webhook"
    if as_json:
        emit_json({"endpoint": endpoint.label, "secret": "" if given else fresh, "both_sign": both})
        return
    say(f"{endpoint.label} has a new secret" + ("" if given else f", shown this once: {fresh}"))
    say("the old one signs too for 24 hours" if both else "the old one signs no more")


def _kept(app: App, endpoint: Endpoint, new: str, *, now: bool) -> str:
    """What the endpoint signs with from now on."""
    from dispatch.channels.webhook.signing import new_secret, rotated

    if endpoint.address.channel != "webhook":  # a robot's service knows one at a time
        return new
    if now or not endpoint.address.secret:
        return new or new_secret()
    kept = rotated(endpoint.address.secret, app.clock.now())
    made, _, old = kept.partition(" ")
    return f"{new or made} {old}".strip()


@commands.command()
def attempts(
    ctx: typer.Context,
    who: Which,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, metavar="N", help="The newest N.")] = SHOWN,
    as_json: Json = False,
) -> None:
    """What was tried at an endpoint, the newest first. With codes, times and answers, and what is tried next."""
    from dispatch.delivery import replay

    with session(ctx).app.database() as db:
        endpoint = _one(db, who)
        tried = replay.attempts(db, endpoint.id, limit)
    if as_json:
        emit_json({"endpoint": endpoint.label, **_tried_json(tried)})
        return
    titles = ("time", "ms", "outcome", "code", "message", "what", "answer")
    table(titles, [_attempt(row, tried) for row in tried.attempts], empty="no attempt is on record")
    for row in tried.waiting:
        say(f"next: m{row['id']} {_about(row['id'], row['kind'], tried)}: {row['state']}, due {when(row['due_at'])}")


def _tried_json(tried: Tried) -> dict[str, Any]:
    kept = ("number", "part", "lane", "duration_ms", "outcome", "code", "detail", "kind", "state", "provider_id")
    return {
        "attempts": [
            {
                "message": f"m{row['message_id']}",
                "about": tried.about.get(row["message_id"], []),
                **{name: row[name] for name in kept},
                "started_at": iso(row["started_at"]),
            }
            for row in tried.attempts
        ],
        "next": [
            {
                "message": f"m{row['id']}",
                "about": tried.about.get(row["id"], []),
                **{name: row[name] for name in ("kind", "state", "attempts", "reason")},
                "due_at": iso(row["due_at"]),
            }
            for row in tried.waiting
        ],
    }


def _attempt(row: Row, tried: Tried) -> tuple[object, ...]:
    about = _about(row["message_id"], row["kind"], tried)
    told = (row["duration_ms"], row["outcome"], row["code"], f"m{row['message_id']}", about, row["detail"])
    return (when(row["started_at"]), *told)


def _about(message_id: int, kind: str, tried: Tried) -> str:
    found = tried.about.get(message_id, [])
    return "; ".join(f"{item['issue']} {item['column']} (delivery {item['delivery']})" for item in found) or kind


@commands.command()
def replay(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="ID", help="A delivery (12) or a message (m12).", show_default=False)],
    as_json: Json = False,
) -> None:
    """Send once more what was sent or has failed. Under the same webhook id, so that a receiver knows what it had; a
    robot knows none and posts it again. That you asked is on record."""
    from dispatch.delivery import replay as replays

    app = session(ctx).app
    with app.database() as db, db.transaction():
        done = replays.replay(db, what, expire_ms=app.expire_ms(), now=app.clock.now())
        detail = {"of": done.of, "message": done.message_id}
        session(ctx).note(db, "replayed", "endpoint", done.endpoint_id, {k: v for k, v in detail.items() if v})
    if as_json:
        emit_json({"message": f"m{done.message_id}", "of": f"m{done.of}" if done.of else None,
                   "endpoint": f"e{done.endpoint_id}", "webhook_id": done.provider_id})  # fmt: skip
        return
    which = f"repeats m{done.of}, which was sent" if done.of else "is tried again"
    say(f"m{done.message_id} to e{done.endpoint_id} {which}; a running dispatch sends it, or: dispatch run --once")


def _one(db: Database, word: str) -> Endpoint:
    """Raises NotFound, and UsageError where a word names several endpoints or one without a web address."""
    from dispatch.errors import UsageError
    from subscribers import directory
    from subscribers.model import HOOKS

    subscriber, found = directory.find(db, word)
    if len(found) != 1:
        labels = ", ".join(endpoint.label for endpoint in found) or "none"
        raise UsageError(f"subscriber {subscriber.id} has the endpoints {labels}: name one")
    if found[0].address.channel not in HOOKS:
        raise UsageError(f"{found[0].label} is of {found[0].address.channel}: it is no webhook and no robot")
    return found[0]
