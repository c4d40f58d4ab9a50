"""What every channel must hold, as tests to inherit from (`dispatch.delivery.channel` is the protocol).

A test module gives a `harness` fixture and one class:

    @pytest.fixture
    async def harness() -> AsyncIterator[ChannelHarness]: ...

    class TestConformance(ChannelContract):
        pass

Each test opens connections, sends over the wire to the harness's receiver and looks at what arrived there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dispatch.delivery.channel import Channel, Connection, Rendered
from dispatch.model import Envelope, Outcome, Rejected, Retry, Sent
from dispatch.testing.samples import sample_content


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as the receiver got it: where, all its text decoded, and the id that the sender gave it
    (None for a channel whose protocol has no place for one)."""

    address: str
    text: str
    provider_id: str | None


class ChannelHarness(Protocol):
    """A channel with its loopback receiver, and ways to make that misbehave."""

    @property
    def channel(self) -> Channel: ...

    @property
    def queue(self) -> str:
        """The queue that the envelopes' messages wait in."""

    def envelope(self, name: str, provider_id: str) -> Envelope:
        """An envelope to an address of its own for each `name`, which its personal links carry."""

    def arrivals(self) -> Sequence[Arrival]:
        """What the receiver took in, in order."""

    def refuse_once(self) -> None:
        """Refuse the next message with the protocol's "try again later"."""

    def refuse_for_good(self) -> None:
        """Refuse every message as the protocol does for an address that is gone."""

    async def vanish(self) -> None:
        """Let nobody answer any more."""


async def send_all(connection: Connection, envelope: Envelope, rendered: Rendered) -> Outcome:
    """Send every part; the first outcome that is not Sent, or the last."""
    outcome: Outcome = Sent()
    for part in range(rendered.parts):
        outcome = await connection.send(envelope, rendered, part)
        if not isinstance(outcome, Sent):
            break
    return outcome


async def _send(harness: ChannelHarness, *envelopes: Envelope) -> list[Outcome]:
    """Render once and send to each envelope over one connection."""
    channel = harness.channel
    rendered = channel.render(sample_content())
    (lane, *_) = channel.lanes(harness.queue)
    async with channel.open(lane) as connection:
        return [await send_all(connection, envelope, rendered) for envelope in envelopes]


class ChannelContract:
    """The promises of a channel; inherit, and give the fixture `harness`."""

    def test_lanes_take_from_their_queue(self, harness: ChannelHarness) -> None:
        """Every lane of a queue says so, has a name of its own and at least one connection."""
        lanes = harness.channel.lanes(harness.queue)
        assert lanes, f"{harness.queue} has no lane"
        assert {lane.queue for lane in lanes} == {harness.queue}
        assert len({lane.name for lane in lanes}) == len(lanes)
        assert all(lane.connections >= 1 for lane in lanes)

    def test_retries_wait(self, harness: ChannelHarness) -> None:
        """There are delays to wait between attempts."""
        assert harness.channel.retry_delays
        assert all(delay > 0 for delay in harness.channel.retry_delays)

    async def test_accepted_is_sent(self, harness: ChannelHarness) -> None:
        """What the receiver accepts is Sent, and arrived once at its address."""
        envelope = harness.envelope("anna", "id-anna")
        (outcome,) = await _send(harness, envelope)
        assert isinstance(outcome, Sent), outcome
        assert {arrival.address for arrival in harness.arrivals()} == {envelope.address}

    async def test_a_temporary_refusal_is_retried_with_the_same_id(self, harness: ChannelHarness) -> None:
        """ "Later" is Retry, no outage; the second attempt arrives under the id of the first."""
        harness.refuse_once()
        envelope = harness.envelope("anna", "id-anna")
        refused, accepted = await _send(harness, envelope, envelope)
        assert isinstance(refused, Retry), refused
        assert refused.reason
        assert isinstance(accepted, Sent), accepted
        ids = {arrival.provider_id for arrival in harness.arrivals()}
        assert ids <= {None} or ids == {envelope.provider_id}, ids

    async def test_two_attempts_carry_one_id(self, harness: ChannelHarness) -> None:
        """A message that is sent again, as after a crash, is known by its id."""
        envelope = harness.envelope("anna", "id-anna")
        await _send(harness, envelope)
        once = len(harness.arrivals())
        await _send(harness, envelope)
        arrivals = harness.arrivals()
        assert len(arrivals) == 2 * once
        ids = {arrival.provider_id for arrival in arrivals}
        assert ids <= {None} or ids == {envelope.provider_id}, ids

    async def test_a_refusal_for_good_is_rejected(self, harness: ChannelHarness) -> None:
        """A dead address is Rejected, says why, and the endpoint leaves its active state."""
        harness.refuse_for_good()
        (outcome,) = await _send(harness, harness.envelope("anna", "id-anna"))
        assert isinstance(outcome, Rejected), outcome
        assert outcome.reason
        assert outcome.endpoint_state

    async def test_nobody_there_is_an_outage(self, harness: ChannelHarness) -> None:
        """Where nobody answers, the lane is at fault: Retry with `outage`, never an exception."""
        await harness.vanish()
        (outcome,) = await _send(harness, harness.envelope("anna", "id-anna"))
        assert isinstance(outcome, Retry), outcome
        assert outcome.outage

    async def test_a_connection_survives_a_refusal(self, harness: ChannelHarness) -> None:
        """One reader's refusal is not the next one's."""
        harness.refuse_once()
        first, second = await _send(harness, harness.envelope("anna", "id-anna"), harness.envelope("bo", "id-bo"))
        assert isinstance(first, Retry), first
        assert isinstance(second, Sent), second

    async def test_what_is_personal_stays_with_its_reader(self, harness: ChannelHarness) -> None:
        """One rendering serves many; each gets their own links and nobody else's."""
        names = ["anna", "bo", "chen"]
        envelopes = [harness.envelope(name, f"id-{name}") for name in names]
        outcomes = await _send(harness, *envelopes)
        assert all(isinstance(outcome, Sent) for outcome in outcomes), outcomes
        for name, envelope in zip(names, envelopes, strict=True):
            text = "\n".join(a.text for a in harness.arrivals() if a.address == envelope.address)
            others = [link for other in envelopes if other is not envelope for link in _links(other)]
            assert any(link in text for link in _links(envelope)), f"{name} got no link of their own:\n{text}"
            assert not [link for link in others if link in text], f"{name} got another's link"


def _links(envelope: Envelope) -> list[str]:
    reasons = [reason.unfollow_url for reason in envelope.reasons]
    return [link for link in (*reasons, envelope.unsubscribe_url, envelope.preferences_url) if link]
