"""One test event to one endpoint of a webhook or a robot, now and beside the queue, and what follows from it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from dispatch import archive
from dispatch.app import App
from dispatch.channels.registry import CHANNELS
from dispatch.delivery import health
from dispatch.delivery.channel import Channel, Lane
from dispatch.digests.compose import section
from dispatch.errors import UsageError
from dispatch.model import Content, Digest, Envelope, Outcome, Sent
from dispatch.preview import nobodys_envelope, sample_digests
from subscribers import directory
from subscribers.audit import Act
from subscribers.database import Database
from subscribers.model import HOOKS, PAUSED_BY_ADMINISTRATOR, PAUSED_BY_READER, Endpoint, EndpointState

PROVED = "the receiver took a test event"
"""The basis on which an endpoint is written to of which nobody has said another."""

_BY_PEOPLE = (PAUSED_BY_READER, PAUSED_BY_ADMINISTRATOR)
_TODO = {
    "address": "correct the address: dispatch subscribers move, or open its network for webhooks of your own",
    "secret": "give it a secret that it knows: dispatch webhooks rotate",
    "dns": "look whether the name in the address is right, and known to this machine",
    "refused": "look whether the receiver runs, and listens at this port",
    "tls": "look at the receiver's certificate: the name, the time, the chain",
    "timeout": "look whether a firewall stands between; the receiver has to answer before it does its work",
    "connection": "look at the receiver's log, and at proxies before it",
    "400": "look at the receiver's log: it did not understand the event",
    "401": "the receiver has to check with the endpoint's secret: dispatch subscribers show --secrets",
    "403": "the receiver has to check with the endpoint's secret: dispatch subscribers show --secrets",
    "404": "look whether the path of the address is right",
    "405": "the receiver has to take POST at this address",
    "410": "the receiver wants nothing more: remove the endpoint, or mend the receiver and reactivate it",
    "413": "the receiver has to take bodies of 20 KB",
    "429": "the receiver wants less just now: try later",
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the test: `sent`, `retry` or `rejected`; the receiver's code and words, or the fault; how long it
    took (ms), and what to do ("" where nothing is)."""

    outcome: str
    code: str
    said: str
    ms: int
    todo: str = ""

    @property
    def sent(self) -> bool:
        return self.outcome == "sent"


def refuse_off(app: App, channel: str) -> None:
    """Raises UsageError where a channel has no tests, or is off."""
    if channel not in HOOKS:
        others = " (dispatch email test)" if channel == "email" else ""
        raise UsageError(f"an endpoint of {channel} is no webhook{others}: only webhooks and robots are tested so")
    if missing := CHANNELS[channel].missing(app.settings):
        raise UsageError(f"{channel} is off: {missing}")


def newest_digest(app: App, db: Database) -> Digest | None:
    """The first digest of the newest issue; None in an empty archive."""
    for row in archive.rows(db):
        if digests := archive.digest_ids(db, row["id"]):
            return archive.digest(db, digests[0], app.english(row["bulletin"]))
    return None


async def test(app: App, digest: Digest | None, endpoints: Sequence[Endpoint]) -> list[Trial]:
    """Send each endpoint one test event, which is a digest marked as a test (without one, of the bundled issue). Its
    links change nothing. Raises RenderError."""
    shown = digest or sample_digests(app)[0]
    channels = app.channels()
    try:
        return [await _test(app, channels[endpoint.address.channel], shown, endpoint) for endpoint in endpoints]
    finally:
        for channel in channels.values():
            await channel.close()


async def _test(app: App, channel: Channel, digest: Digest, endpoint: Endpoint) -> Trial:
    preferences, to = endpoint.preferences, endpoint.address
    form = "titles" if to.shared else preferences.format  # a group is not to read a whole digest for a test
    rendered = channel.render(Content("test", preferences.language, form, (section(digest, digest.whole),)))
    own = _envelope(app, digest, endpoint)
    lane = _lane(channel, to.queue)
    started = time.monotonic()
    async with channel.open(lane) as connection:
        for part in range(rendered.parts):
            outcome = await connection.send(own, rendered, part)
            if not isinstance(outcome, Sent):
                break
    return _trial(outcome, round((time.monotonic() - started) * 1000), urlsplit(to.address).netloc)


def _lane(channel: Channel, queue: str) -> Lane:
    lanes = channel.lanes(queue)
    if not lanes:
        raise UsageError(f"nothing takes messages from the queue {queue}: add the endpoint anew")
    return lanes[0]


def _envelope(app: App, digest: Digest, endpoint: Endpoint) -> Envelope:
    to = endpoint.address
    nobodys = nobodys_envelope(app, to.channel, endpoint.preferences.language, f"bulletin:{digest.bulletin}")
    own = f"msg_test_{secrets.token_hex(12)}"
    return replace(nobodys, address=to.address, secret=to.secret, provider_id=own, endpoint_id=endpoint.id)


def _trial(outcome: Outcome, ms: int, host: str) -> Trial:
    kind = type(outcome).__name__.lower()
    if isinstance(outcome, Sent):
        return Trial(kind, outcome.code, outcome.detail, ms)
    return Trial(kind, outcome.code, outcome.reason, ms, _todo(outcome.code, host))


def _todo(code: str, host: str) -> str:
    if known := _TODO.get(code):
        return known
    if len(code) == 3 and code.startswith("3"):
        return "give the address that it leads to: dispatch subscribers move"
    if len(code) == 3 and code.startswith("5"):
        return f"look at the log of {host}"
    return ""


def settle(db: Database, endpoint: Endpoint, trial: Trial, act: Act) -> None:
    """What follows from a test: one that arrived makes a pending endpoint active, and one that was paused because it
    failed; of a pending one the words of a failure are kept. Called inside a transaction. Raises Conflict where nothing
    may go to the address."""
    if not trial.sent:
        if endpoint.state is EndpointState.PENDING and endpoint.reason != trial.said:
            directory.set_state(db, endpoint.id, EndpointState.PENDING, trial.said, act)
        return
    health.tested(db, endpoint.id, act.at)
    if endpoint.state is EndpointState.PENDING:
        directory.confirm(db, endpoint.id, endpoint.consent or PROVED, act, stated=not endpoint.consent)
    elif endpoint.state is EndpointState.PAUSED and endpoint.reason not in _BY_PEOPLE:
        directory.resume(db, endpoint, act)
