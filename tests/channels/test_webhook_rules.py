"""Signatures and waiting times, by the published examples and the forms that RFC 9110 allows."""

from __future__ import annotations

import base64
import datetime as dt
import ssl

import pytest

from dispatch.channels.webhook.outcome import LONGEST_WAIT, of_failure, retry_after
from dispatch.channels.webhook.signing import new_secret, signed_headers
from dispatch.model import Retry

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = dt.datetime(2022, 6, 1, 8, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))


def test_signs_the_published_vector() -> None:
    """Standard Webhooks' own example, from an aware time of any zone."""
    moment = dt.datetime.fromtimestamp(1614265330, tz=dt.timezone(dt.timedelta(hours=8)))
    headers = signed_headers(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", moment, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_new_secrets_are_usable_and_differ() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert first.startswith("whsec_")
    assert len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) == 32


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 30 ", 30),
        ("Wed, 01 Jun 2022 00:01:30 GMT", 90),
        ("Wed, 01 Jun 2022 00:01:30 -0000", 90),
        ("Tue, 31 May 2022 00:00:00 GMT", 0),
        ("99999999999999999999", LONGEST_WAIT),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT),
        ("172800", 86_400),
        ("9" * 5000, LONGEST_WAIT),
        ("Wed, 99999999999999999999 Jun 2022 00:01:30 GMT", None),
        ("Wed, 01 Jun 2022 00:01:30 +99999999999999999999", None),
        ("Wed, 01 Jun 99999999999999999999 00:01:30 GMT", None),
        ("\x1b[2J" * 100, None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
    ],
)
def test_both_forms_of_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


def test_reasons_are_in_words_of_ours() -> None:
    told = "illegal status line: bytearray(b'\\x1b[2J secret')"
    for error in (ConnectionResetError(104, told), OSError(told), TimeoutError(told), ssl.SSLError(told)):
        outcome = of_failure(error)
        assert isinstance(outcome, Retry)
        assert "bytearray" not in outcome.reason
        assert "secret" not in outcome.reason
