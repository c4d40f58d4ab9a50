"""`dispatch email test`: one mail to one address, by each relay, now."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from dispatch.cli.context import session
from dispatch.output import emit_json, say, table

if TYPE_CHECKING:
    from dispatch.app import App
    from dispatch.delivery.channel import Channel, Connection, Lane
    from dispatch.model import Digest, Envelope, Outcome
    from subscribers.audit import Act
    from subscribers.model import Address

SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the test by one relay: `sent`, `retry` or `rejected`; the reply's code and words, or the fault;
    the version and cipher of TLS, or that there is none."""

    relay: str
    outcome: str
    code: str
    said: str
    tls: str


def send_test(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Where the mail goes.", show_default=False)],
    issue: Annotated[
        str, typer.Option("--issue", metavar="ID", help="The issue whose first column is sent (else the newest).")
    ] = "",
    relay: Annotated[str, typer.Option("--relay", metavar="NAME", help="Only by this relay.")] = "",
    language: Annotated[str, typer.Option("--language", metavar="zh|en", help="The language of the frame.")] = "zh",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send one mail to one address by each relay now, and show what the server said. It is a digest of the newest
    issue, or of a bundled one where there is none, marked as a test. Its links change nothing."""
    from dispatch.channels.registry import CHANNELS
    from dispatch.errors import UsageError

    app = session(ctx).app
    to = app.address("email", address)
    missing = CHANNELS["email"].missing(app.settings)
    if missing:
        raise UsageError(f"email is off: {missing}")
    if language not in ("zh", "en"):
        raise UsageError(f"language {language!r}: allowed are zh, en")
    channel = app.channels()["email"]
    lanes = _lanes(channel, relay)
    name, digest = _chosen(app, issue, to, session(ctx).act())
    trials = asyncio.run(_send(app, channel, lanes, digest, to, language))
    if as_json:
        emit_json({"to": to.address, "issue": name, "relays": [asdict(trial) for trial in trials]})
    else:
        table(
            ("relay", "outcome", "code", "the server said", "TLS"), [_row(trial) for trial in trials], empty="no relay"
        )
        say(f"test to {to.address}, issue {name}: messages sent: {sum(trial.outcome == 'sent' for trial in trials)}")
    if any(trial.outcome != "sent" for trial in trials):
        raise typer.Exit(1)


def _row(trial: Trial) -> tuple[str, ...]:
    return (trial.relay, trial.outcome, trial.code, trial.said, trial.tls)


def _lanes(channel: Channel, relay: str) -> list[Lane]:
    from dispatch.errors import UsageError

    lanes = channel.lanes(channel.name)
    found = [lane for lane in lanes if relay in ("", _relay(lane))]
    if not found:
        raise UsageError(f"no relay {relay!r}; there are {', '.join(map(_relay, lanes))}")
    return found


def _relay(lane: Lane) -> str:
    return lane.name.partition(":")[2]


def _chosen(app: App, issue: str, to: Address, act: Act) -> tuple[str, Digest]:
    """The name of the issue and its first digest; that a test is sent is put on record."""
    from dispatch import archive
    from dispatch.errors import Failure
    from dispatch.preview import sample_digests
    from subscribers import audit, directory

    with app.database() as db:
        newest = archive.rows(db)[:1]
        issue_id = archive.find(db, issue) if issue else newest[0]["id"] if newest else None
        holder = directory.holder_of(db, to)
        detail = {"channel": "email", **({"endpoint": holder.endpoint_id} if holder else {})}
        stored = archive.load(db, issue_id) if issue_id is not None else None
        with db.transaction():
            audit.record(db, act, "tested", "issue", stored.key if stored else SAMPLE, detail)
        if stored is None:
            return SAMPLE, sample_digests(app)[0]
        digests = archive.digest_ids(db, stored.id)
        if not digests:
            raise Failure(f"issue {stored.name} has no digests")
        return stored.name, archive.digest(db, digests[0], app.english(stored.issue.bulletin))


async def _send(
    app: App, channel: Channel, lanes: Sequence[Lane], digest: Digest, to: Address, language: str
) -> list[Trial]:
    from dispatch.digests.compose import section
    from dispatch.model import Content
    from dispatch.preview import nobodys_envelope

    rendered = channel.render(Content("test", language, "full", (section(digest, digest.whole),)))
    envelope = nobodys_envelope(app, "email", language, f"bulletin:{digest.bulletin}")
    trials = []
    try:
        for lane in lanes:
            own = _addressed(app, envelope, to)
            async with channel.open(lane) as connection:
                outcome = await connection.send(own, rendered, 0)
                trials.append(_trial(lane, connection, outcome))
    finally:
        await channel.close()
    return trials


def _addressed(app: App, envelope: Envelope, to: Address) -> Envelope:
    """With a Message-ID of its own: who gets the test by two relays is to see both."""
    domain = app.settings.email.from_address.rpartition("@")[2]
    return replace(envelope, address=to.address, provider_id=f"test.{secrets.token_hex(12)}@{domain}")


def _trial(lane: Lane, connection: Connection, outcome: Outcome) -> Trial:
    from dispatch.model import Sent

    kind = type(outcome).__name__.lower()
    said = outcome.detail if isinstance(outcome, Sent) else outcome.reason
    return Trial(_relay(lane), kind, outcome.code, said, str(getattr(connection, "tls", "")))
