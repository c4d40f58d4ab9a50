"""What a place is from which mails come, and one look at it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from dispatch.bounces import report
from dispatch.bounces.desk import Count, Desk, Result
from dispatch.delivery.clock import Clock
from dispatch.delivery.store import Store
from dispatch.errors import DispatchError
from dispatch.logs import fields
from subscribers.errors import DatabaseError

log = logging.getLogger(__name__)

After = Literal["delete", "seen", "move"]
MOST_OF_A_LOOK = 1_000  # mails that are acted upon; the next look goes on


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail and how its source knows it."""

    key: str
    data: bytes = field(repr=False)


class Source(Protocol):
    """Where mails come from. All of it may block, and is called in threads, one call at a time."""

    name: str

    def open(self) -> None:
        """Begin a look. Raises Failure."""

    def next(self) -> Mail | None:
        """The next mail that nobody has looked at; None at the end. Raises Failure."""

    def finish(self, mail: Mail, understood: bool) -> None:
        """A mail was acted upon, and is put away as the settings say; or not understood, and is left alone."""

    def close(self) -> None:
        """End the look."""


async def look(source: Source, desk: Desk, store: Store, clock: Clock, stopping: asyncio.Event) -> Count:
    """Act upon what a source has; how many mails came to what. A source that fails is logged, and so is a store that
    does not take it: the mail stays, and comes again with the next look."""
    count = Count()
    try:
        await asyncio.to_thread(source.open)
        try:
            acted = 0  # what is left alone costs nothing but the reading, and must not keep the rest from its turn
            while not stopping.is_set() and acted < MOST_OF_A_LOOK:
                mail = await asyncio.to_thread(source.next)
                if mail is None:
                    break
                result = await handle(mail.data, (), source.name, desk, store, clock)
                count.add(result)
                await asyncio.to_thread(source.finish, mail, result.done.understood)
                acted += result.done.understood
                if not result.done.understood:
                    log.warning("left alone: %s", mail.key, extra=fields(source=source.name, why=str(result.done)))
        finally:
            await asyncio.to_thread(source.close)
    except (DispatchError, DatabaseError, OSError) as error:
        log.error("bounces by %s: %s", source.name, error)
    if count.total:
        log.info("mails about our mail, by %s: %s", source.name, count)
    return count


async def handle(data: bytes, recipients: Sequence[str], source: str, desk: Desk, store: Store, clock: Clock) -> Result:
    """Read one mail, beside the event loop, and act upon it. Raises DatabaseError."""
    try:
        found = await asyncio.to_thread(report.read, data, recipients)
    except Exception:
        # Nothing of the kind is known. One mail that it happens with must not keep the others from being read.
        log.exception("a mail cannot be read; please report it")
        found = report.Report(report.What.UNKNOWN)
    result = await store.call(desk.act, found, source, clock.now())
    tell(result, source)
    return result


def tell(result: Result, source: str) -> None:
    """A line of the log, without the address: that stands in the store."""
    endpoint = f"e{result.endpoint_id}" if result.endpoint_id else None
    log.info(
        "%s: %s",
        result.kind or result.what,
        result.done,
        extra=fields(endpoint=endpoint, message=result.message_id or None, status=result.status, source=source),
    )
