"""Return paths: whose they are, and that nobody else can make one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.errors import InvalidValue
from subscribers.verp import LENGTH, Origin, ReturnPaths

OLD, NEW = "k" * 43, "n" * 43
PATHS = ReturnPaths("bounces@bulletin.test", [OLD, NEW])


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**32 - 1))
def test_what_is_made_is_read_in_whatever_case_it_comes_back(message: int, endpoint: int) -> None:
    made = PATHS.make(message, endpoint)
    local, _, domain = made.partition("@")
    assert (len(local), domain, made) == (len("bounces+") + LENGTH, "bulletin.test", made.lower())
    for text in (made, made.upper(), f"Delivered-To: <{made}> (x)", f"rfc822;{made.title()}"):
        assert PATHS.find([text]) == Origin(message, endpoint)
    assert PATHS.is_one(made.upper())


@given(st.integers(0, LENGTH - 1), st.sampled_from("0123456789abcdef"))
def test_a_token_that_was_touched_is_nobodys(place: int, digit: str) -> None:
    token = PATHS.make(17, 3).partition("+")[2].partition("@")[0]
    touched = token[:place] + digit + token[place + 1 :]
    assert (PATHS.read(touched) is None) == (touched != token)


@given(st.text(max_size=60) | st.text("0123456789abcdef", min_size=LENGTH, max_size=LENGTH))
def test_nothing_else_is_one(text: str) -> None:
    assert PATHS.read(text) is None
    assert PATHS.find([text, f"bounces+{text}@bulletin.test"]) is None


def test_old_keys_verify_and_the_newest_signs() -> None:
    before = ReturnPaths("bounces@bulletin.test", [OLD])
    assert PATHS.find([before.make(1, 2)]) == Origin(1, 2)
    assert before.find([PATHS.make(1, 2)]) is None
    assert ReturnPaths("bounces@bulletin.test", ["other"]).find([PATHS.make(1, 2)]) is None


def test_another_domain_or_name_is_none_of_ours() -> None:
    made = PATHS.make(1, 2)
    assert not PATHS.is_one(made.replace("bulletin.test", "other.test"))
    assert not PATHS.is_one(made.replace("bounces+", "other+"))
    assert not PATHS.is_one("bounces@bulletin.test")


def test_a_name_that_leaves_no_room_is_refused() -> None:
    assert len(ReturnPaths("b" * 19 + "@x.test", [NEW]).make(1, 1).partition("@")[0]) == 64
    with pytest.raises(InvalidValue, match="19 characters"):
        ReturnPaths("b" * 20 + "@x.test", [NEW])
