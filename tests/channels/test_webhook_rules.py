"""Signatures and waiting times, by the published examples and the forms that RFC 9110 allows."""

from __future__ import annotations

import base64
import datetime as dt
import ssl

import pytest

from dispatch.channels.webhook.outcome import LONGEST_WAIT, of_failure, retry_after
from dispatch.channels.webhook.signing import (
    OVERLAP_MS,
    BadSecret,
    current,
    new_secret,
    rotated,
    settled,
    signed_headers,
)
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


def signatures(secret: str, at_ms: int) -> list[str]:
    moment = dt.datetime.fromtimestamp(at_ms / 1000, tz=dt.UTC)
    return signed_headers(secret, "msg_1", moment, b"{}")["webhook-signature"].split(" ")


def test_both_secrets_sign_for_exactly_a_day() -> None:
    """The new one first; the old one's signature is the one that it made before, until its time is over."""
    now = 1_654_041_600_000
    [before] = signatures(SECRET, now)
    both = rotated(SECRET, now)
    assert both.split()[1] == f"{SECRET}:{now + OVERLAP_MS}"
    assert current(both) == both.split()[0] != SECRET
    new, old = signatures(both, now)
    assert old == before != new
    assert signatures(both, now + OVERLAP_MS - 1) == [
        *signatures(current(both), now + OVERLAP_MS - 1),
        *signatures(SECRET, now + OVERLAP_MS - 1),
    ]
    assert signatures(both, now + OVERLAP_MS) == signatures(current(both), now + OVERLAP_MS)
    assert OVERLAP_MS == 86_400_000


def test_a_second_change_within_the_day_lengthens_no_secrets_time() -> None:
    first = rotated(SECRET, 0)
    second = rotated(first, 3_600_000)
    assert second.split()[1:] == [f"{current(first)}:{3_600_000 + OVERLAP_MS}", f"{SECRET}:{OVERLAP_MS}"]
    assert settled(second, OVERLAP_MS - 1) == second
    assert settled(second, OVERLAP_MS) == " ".join(second.split()[:2])
    assert settled(second, 2 * OVERLAP_MS) == current(second)
    third = rotated(second, OVERLAP_MS)
    assert SECRET not in third


def test_what_is_no_secret_is_replaced_by_one() -> None:
    for wrong in ("", "whsec_###", "whsec_c2hvcnQ=", "whsec_a:b"):
        assert " " not in rotated(wrong, 0)
        assert signatures(rotated(wrong, 0), 0)
        assert settled(wrong, 0) == wrong
    assert signatures(f"{SECRET} {SECRET}", 0) == signatures(SECRET, 0) * 2, "without an end both sign for good"


@pytest.mark.parametrize("size", [1, 23, 65, 128])
def test_a_secret_has_24_to_64_bytes(size: int) -> None:
    with pytest.raises(BadSecret, match="24 to 64 bytes"):
        signatures("whsec_" + base64.b64encode(bytes(size)).decode(), 0)


@pytest.mark.parametrize("size", [24, 32, 64])
def test_secrets_of_all_sizes_that_the_standard_has(size: int) -> None:
    assert len(signatures("whsec_" + base64.b64encode(bytes(size)).decode(), 0)) == 1


@pytest.mark.parametrize("wrong", [f"{SECRET}:1", "x:9999999999999", f"{SECRET}:soon", f"{SECRET}:", f"{SECRET}:-1"])
def test_no_signature_without_a_secret_that_counts(wrong: str) -> None:
    with pytest.raises(BadSecret) as refused:
        signatures(wrong, 1_654_041_600_000)
    assert SECRET not in str(refused.value)


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
