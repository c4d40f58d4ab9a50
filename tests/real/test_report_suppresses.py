"""A message that a real Postfix takes and cannot deliver: its report, read from the Maildir, ends the address."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatch.bounces.desk import Count, Desk, Done
from dispatch.bounces.maildir import Maildir
from dispatch.bounces.source import look
from dispatch.delivery.bounces import Limits
from dispatch.delivery.store import Store
from subscribers.tokens import Signer
from subscribers.verp import ReturnPaths
from tests.real.postfix import Postfix
from tests.real.reports import bounced
from tests.real.sending import SENDER, Sending

UNKNOWN, KNOWN = "unknown@here.test", "reader@here.test"
BOUNCES = "bounces@bulletin.test"


@pytest.fixture
def sending(postfix: Postfix, tmp_path: Path) -> Iterator[Sending]:
    made = Sending(tmp_path, host=postfix.host, port=postfix.port("late"))
    made.readers(UNKNOWN, KNOWN)
    yield made
    made.close()


async def read_reports(sending: Sending, postfix: Postfix) -> Count:
    """One look at the Maildir."""
    desk, clock = sending.desk, sending.desk.clock
    reader = Desk(Signer.load(desk.db, clock.now()), ReturnPaths.load(desk.db, BOUNCES), Limits())
    async with Store(desk.connect) as store:
        return await look(Maildir(postfix.maildir, "seen", ""), reader, store, clock, asyncio.Event())


def return_path(sending: Sending, address: str) -> str:
    row = sending.desk.db.one(
        "SELECT m.id, m.endpoint_id FROM messages m JOIN endpoints e ON e.id = m.endpoint_id"
        " WHERE e.address = :address",
        {"address": address},
    )
    assert row is not None
    return ReturnPaths.load(sending.desk.db, BOUNCES).make(row["id"], row["endpoint_id"])


async def test_a_real_report_suppresses_whom_it_is_about_and_nobody_else(sending: Sending, postfix: Postfix) -> None:
    assert (await sending.send()).sent == 2  # Postfix takes both, and finds out later
    await asyncio.to_thread(postfix.wait_for, "status=bounced")
    await asyncio.to_thread(postfix.wait_for, "from=<>.*queue active")
    await asyncio.to_thread(postfix.wait_for, ": removed", 3)
    assert (await read_reports(sending, postfix))[Done.SUPPRESSED] == 1
    assert sending.endpoint_state(UNKNOWN) == "suppressed"
    assert sending.endpoint_state(KNOWN) == "active"
    assert (await read_reports(sending, postfix))[Done.SUPPRESSED] == 0  # it has been put away


async def test_a_return_path_alone_tells_whom_a_report_is_about(sending: Sending, postfix: Postfix) -> None:
    await sending.send()
    bare = b"From: news@bulletin.test\r\nSubject: a\r\n\r\nhello\r\n"
    await asyncio.to_thread(bounced, postfix, return_path(sending, KNOWN), "unknown2@here.test", bare)
    await read_reports(sending, postfix)
    assert sending.endpoint_state(KNOWN) == "suppressed"


async def test_a_report_without_a_signature_of_ours_suppresses_nobody(sending: Sending, postfix: Postfix) -> None:
    """A stranger can make Postfix report to us whatever he likes, with our address in it."""
    forged = f"From: {SENDER}\r\nTo: {KNOWN}\r\nMessage-ID: <1.x@bulletin.test>\r\nSubject: a\r\n\r\nhello\r\n".encode()
    path = f"bounces+{'0' * 44}@bulletin.test"
    await asyncio.to_thread(bounced, postfix, path, UNKNOWN, forged)
    await read_reports(sending, postfix)
    assert {sending.endpoint_state(UNKNOWN), sending.endpoint_state(KNOWN)} == {"active"}
