"""What the log says of attempts."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from dispatch.delivery.attempt_log import AttemptLog
from dispatch.delivery.ledger import Attempt, Owed, Work
from dispatch.model import Rejected, Retry, Sent

WORDS = "550 no such user: reader@example.com token=s3cret"


def attempt(
    outcome: Sent | Retry | Rejected, *, started_at: int = 0, lane: str = "email:default", **more: Any
) -> Attempt:
    work = Work(
        message_id=40,
        epoch=1,
        kind="bundle",
        channel="email",
        queue="email",
        endpoint_id=7,
        address="reader@example.com",
        name="Reader",
        language="zh",
        format="full",
        owed=(Owed(12, 3, 1, ("all",)), Owed(13, 4, 1, ("all",))),
        attempts=1,
        parts_done=0,
        expires_at=1_000_000,
        secret="s3cret",
    )
    values = {"part": 0, "started_at": started_at, "duration_ms": 25, "final": True, "provider_id": "id", **more}
    return Attempt(work=work, outcome=outcome, lane=lane, **values)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    found: dict[str, Any] = record.__dict__["fields"]
    return found


@pytest.mark.parametrize(
    ("outcome", "more", "level", "name"),
    [
        (Sent(code="250"), {}, "DEBUG", "sent"),
        (Sent(), {"final": False}, "DEBUG", "sent"),
        (Retry(WORDS, code="451"), {"retry_at": 5}, "INFO", "retry"),
        (Retry(WORDS, code="451"), {"retry_at": 1_000_000}, "WARNING", "expired"),
        (Retry(WORDS, outage=True), {"retry_at": 5}, "INFO", "outage"),
        (Rejected(WORDS, code="550"), {}, "WARNING", "rejected"),
    ],
)
def test_an_attempt_is_one_record_with_its_ids_and_without_a_strangers_words(
    caplog: pytest.LogCaptureFixture, outcome: Sent | Retry | Rejected, more: dict[str, Any], level: str, name: str
) -> None:
    caplog.set_level(logging.DEBUG)
    AttemptLog({3: "534", 4: "534"}.__getitem__)(attempt(outcome, **more))
    [record] = caplog.records
    fields = fields_of(record)
    assert (record.levelname, fields["outcome"]) == (level, name)
    assert (fields["delivery"], fields["message"], fields["issue"]) == ([12, 13], 40, ["534"])
    assert (fields["lane"], fields["channel"], fields["attempt"]) == ("email:default", "email", 2)
    assert (fields["duration_ms"], fields.get("code", "")) == (25, outcome.code)
    said = record.getMessage() + repr(fields)
    assert "reader@" not in said
    assert "s3cret" not in said


def test_once_a_minute_a_lane_says_what_it_did(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log = AttemptLog()
    for second in range(130):
        log(attempt(Sent(), started_at=second * 1000))
    told = [fields_of(record) for record in caplog.records]
    assert [(entry["lane"], entry["sent"]) for entry in told] == [("email:default", 61), ("email:default", 61)]
    log(attempt(Sent(), lane="email:second"))
    log.close()
    told = [fields_of(record) for record in caplog.records[2:]]
    assert [(entry["lane"], entry["sent"], entry["busy_ms"]) for entry in told] == [
        ("email:default", 8, 200),
        ("email:second", 1, 25),
    ]
    caplog.clear()
    log.close()
    assert caplog.records == []
