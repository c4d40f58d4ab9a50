"""Bodies that are put together from what readers share are those that are filled in full."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from dispatch.channels.webhook.filling import Filling
from dispatch.channels.webhook.payload import MAX_BYTES, RenderedWebhook
from dispatch.model import Envelope, Reason
from dispatch.testing.samples import sample_content, sample_envelope
from tests.channels.test_webhook import channel_of


@pytest.fixture(scope="module")
def rendered() -> RenderedWebhook:
    return channel_of().render(sample_content())


def reader(number: int, *labels: str) -> Envelope:
    reasons = tuple(
        Reason(f"park:{label}", label, f"https://b.example/u/{number}.{place}") for place, label in enumerate(labels)
    )
    own = f"https://b.example/leave/{number * 7919}"
    return replace(
        sample_envelope(f"https://r.example/{number}", channel="webhook", name=f"reader{number}"),
        reasons=reasons,
        unsubscribe_url=own,
        preferences_url=f"https://b.example/p/{number}",
        endpoint_id=number,
        message_id=number,
    )


@dataclass
class Counted:
    """Counts how often a body is filled in full."""

    of: RenderedWebhook
    times: int = 0

    def fill(self, envelope: Envelope) -> bytes:
        self.times += 1
        return self.of.fill(envelope)


def test_each_reader_gets_the_body_that_is_theirs(rendered: RenderedWebhook) -> None:
    filling = Filling(MAX_BYTES)
    for number in range(30):
        labels = ("南昌高新区", 'a "quoted" `park`', "苏州工业园区")[: 1 + number % 3]
        envelope = reader(number, *labels)
        if number % 4 == 3:
            envelope = replace(
                envelope, unsubscribe_url="", unsubscribe_mailto=f"mailto:leave@b.example?subject={number}"
            )
        assert filling.fill(rendered, envelope) == rendered.fill(envelope), number


def test_what_is_shared_is_made_once(rendered: RenderedWebhook) -> None:
    counted = Counted(rendered)
    filling = Filling(MAX_BYTES)
    for number in range(100):
        filling.fill(counted, reader(number, "南昌高新区"))
    assert counted.times <= 4


@pytest.mark.parametrize("link", ['https://b.example/"', "https://b.example/a\\b", "https://b.example/高新区", "a b"])
def test_links_that_are_written_otherwise_are_filled_in_full(rendered: RenderedWebhook, link: str) -> None:
    filling = Filling(MAX_BYTES)
    for number in range(4):
        envelope = replace(reader(number, "南昌高新区"), preferences_url=link)
        assert filling.fill(rendered, envelope) == rendered.fill(envelope)


def test_a_body_with_more_of_a_reader_in_it_is_nobody_elses() -> None:
    """A template of an installation may show a name: it goes to the one who has it."""

    class Named:
        def fill(self, envelope: Envelope) -> bytes:
            return f"{envelope.name} {envelope.unsubscribe_url}".encode()

    filling, named = Filling(MAX_BYTES), Named()
    for number in range(5):
        assert filling.fill(named, reader(number)) == named.fill(reader(number))


def test_long_links_cost_reasons_as_they_do_in_full(rendered: RenderedWebhook) -> None:
    """Of a body that would be too long something is left out."""
    filling = Filling(MAX_BYTES)
    labels = [f"第{place}高新区" for place in range(60)]
    for number in range(4):
        envelope = reader(number, *labels)
        long = replace(
            envelope,
            reasons=tuple(replace(reason, unfollow_url=reason.unfollow_url + "x" * 300) for reason in envelope.reasons),
        )
        for one in (envelope, long):
            body = filling.fill(rendered, one)
            assert body == rendered.fill(one)
            assert len(body) <= MAX_BYTES
