"""Reports that a real Postfix writes when it finds nobody at an address that it had taken (RFC 3464)."""

from __future__ import annotations

import smtplib

from tests.real.postfix import Postfix


def bounced(postfix: Postfix, return_path: str, recipient: str, message: bytes) -> bytes:
    """The report on a message, as it arrives at its return path, which is at SENDER_DOMAIN."""
    before = len(postfix.raw_mails(return_path))
    with smtplib.SMTP(postfix.host, postfix.port("late"), timeout=30) as relay:
        relay.sendmail(return_path, [recipient], message)
    postfix.wait_for(rf"to=<{return_path.replace('+', '.')}>.*status=sent", before + 1)
    return postfix.raw_mails(return_path)[-1]
