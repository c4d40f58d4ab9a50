"""What a real Postfix reports of a message that it took and could not deliver."""

from __future__ import annotations

import email
import email.policy

from tests.real.postfix import Postfix
from tests.real.reports import bounced

RETURN_PATH = "bounces+0123456789abcdef@bulletin.test"
MESSAGE = (
    b"From: news@bulletin.test\r\nTo: unknown@here.test\r\nSubject: a\r\nMessage-ID: <1.a@bulletin.test>\r\n"
    b"List-Unsubscribe: <mailto:news@bulletin.test?subject=unsubscribe%20abc>\r\n\r\nhello\r\n"
)


def test_a_report_comes_back_to_the_return_path_and_tells_whom_and_why(postfix: Postfix) -> None:
    raw = bounced(postfix, RETURN_PATH, "unknown@here.test", MESSAGE)
    report = email.message_from_bytes(raw, policy=email.policy.default)
    assert report.get_content_type() == "multipart/report"
    assert (report["Return-Path"], report["Delivered-To"]) == ("<>", RETURN_PATH)
    [status] = [part for part in report.walk() if part.get_content_type() == "message/delivery-status"]
    fields = {name: str(value) for block in status.iter_parts() for name, value in block.items()}
    assert (fields["Action"], fields["Status"]) == ("failed", "5.1.1")
    assert fields["Final-Recipient"] == "rfc822; unknown@here.test"
    [returned] = [part for part in report.walk() if part.get_content_type() == "message/rfc822"]
    assert b"Message-ID: <1.a@bulletin.test>" in returned.as_bytes()


def test_each_report_arrives_at_its_own_return_path(postfix: Postfix) -> None:
    for number in range(3):
        bounced(postfix, f"bounces+{number}@bulletin.test", f"unknown{number}@here.test", MESSAGE)
    for number in range(3):
        [raw] = postfix.raw_mails(f"bounces+{number}@bulletin.test")
        assert f"unknown{number}@here.test".encode() in raw
