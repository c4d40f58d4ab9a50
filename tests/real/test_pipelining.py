"""Transactions in one write where a real Postfix offers PIPELINING (RFC 2920)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.postfix import Postfix
from tests.real.proxy import proxy
from tests.real.sending import Sending

COUNT = 20


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Sending]:
    made = Sending(tmp_path, connections=1)
    made.readers(*(f"reader{number}@here.test" for number in range(COUNT)))
    yield made
    made.close()


async def test_a_message_costs_one_round_trip(sending: Sending, postfix: Postfix) -> None:
    """The envelope of a message goes out with the body of the one before, so that the talk changes direction about
    once a message, and not four times."""
    async with proxy(postfix.host, postfix.port()) as (port, talks):
        sending.relay |= {"host": "127.0.0.1", "port": port}
        assert (await sending.send()).sent == COUNT
    [talk] = talks
    assert any(b"250-PIPELINING" in data for who, data in talk.turns if who == "server")
    envelopes = [said for said in talk.said_by_client if re.search(rb"(?m)^MAIL FROM:", said)]
    assert all(re.search(rb"MAIL FROM:.*\r\nRCPT TO:.*\r\nDATA\r\n\Z", said) for said in envelopes)
    assert len(talk.said_by_client) <= COUNT * 2 + 4


async def test_a_refusal_within_a_group_harms_nobody_else(sending: Sending, postfix: Postfix) -> None:
    sending.readers("unknown@here.test")
    sending.relay |= {"host": postfix.host, "port": postfix.port()}
    summary = await sending.send()
    assert (summary.sent, summary.failed) == (COUNT, 1)
    postfix.wait_for("status=sent", COUNT)
    assert len({str(mail["To"]) for mail in postfix.all_mails()}) == COUNT
