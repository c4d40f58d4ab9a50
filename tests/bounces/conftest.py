"""A ledger with a message that was sent to a reader, and the desk that acts upon what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from dispatch.bounces import report
from dispatch.bounces.desk import Desk as ReportDesk
from dispatch.bounces.desk import Result
from dispatch.delivery import claims, settles
from dispatch.delivery.bounces import Limits
from dispatch.delivery.ledger import Attempt, Work
from dispatch.model import Outcome, Sent
from subscribers import directory
from subscribers.model import Endpoint
from subscribers.tokens import Signer
from subscribers.verp import ReturnPaths
from tests.bounces.mails import ORIGINAL
from tests.delivery.conftest import Desk, desk

__all__ = ["desk"]
DAY = 86_400_000
LIMITS = Limits(soft_limit=3, soft_days=30)
ACCEPTED = Sent(code="250")


@dataclass
class Office:
    """What a test does as the mail servers of the world. `endpoint` is Li's; each `issue` sends them a message."""

    desk: Desk
    endpoint: int
    signer: Signer
    paths: ReturnPaths
    reports: ReportDesk
    issues: int = 0

    def issue(self, outcome: Outcome = ACCEPTED) -> int:
        """Send Li a digest; the message's id."""
        self.issues += 1
        self.desk.issue({"一": ["a"]}, 500 + self.issues)
        self.desk.plan()
        [work] = [work for work in self.claimed() if work.endpoint_id == self.endpoint]
        now = self.desk.clock.now()
        made = Attempt(work, 0, outcome, now, 20, True, f"{work.message_id}.x@bulletin.test", "email:one", 2**60)
        settles.settle(self.desk.db, [made], now)
        return int(work.message_id)

    def claimed(self) -> list[Work]:
        return claims.claim(self.desk.db, "email", 100, "me", self.desk.clock.now(), 300_000)

    def written(self, text: str, message: int, **values: str) -> bytes:
        """A report on a message, as it comes over the wire."""
        filled = {
            "original": ORIGINAL,
            "to": self.paths.make(message, self.endpoint),
            "reader": "li@example.com",
            "message": str(message),
            "token": self.signer.leave(self.endpoint),
        }
        for name, value in {**filled, **values}.items():
            text = text.replace(f"{{{name}}}", value)
        for name, value in {**filled, **values}.items():  # those of the original
            text = text.replace(f"{{{name}}}", value)
        return text.replace("\n", "\r\n").encode()

    def come(self, data: bytes) -> Result:
        return self.reports.act(self.desk.db, report.read(data), "imap", self.desk.clock.now())

    @property
    def li(self) -> Endpoint:
        return directory.endpoint(self.desk.db, self.endpoint)

    @property
    def state(self) -> str:
        return self.li.state.value

    def count(self, table: str) -> int:
        return int(self.desk.db.value(f"SELECT COUNT(*) FROM {table}"))


@pytest.fixture
def office(desk: Desk) -> Office:
    endpoint = desk.reader("li@example.com", "topic:a")
    signer = Signer.load(desk.db, desk.clock.now())
    paths = ReturnPaths.load(desk.db, "bounces@bulletin.test")
    return Office(desk, endpoint, signer, paths, ReportDesk(signer, paths, LIMITS))
