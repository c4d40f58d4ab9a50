"""Tokens of links: only ours are read, and each says what it was made to say."""

from __future__ import annotations

import base64
import hmac
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.database import SCHEMA, Database
from subscribers.tokens import SQL, Expired, Leave, Purpose, Signer, ring, rotate

NOW = 1_653_955_200_000
SIGNER = Signer(["a key"])
TOKEN = SIGNER.leave(7, "park:南昌高新区")


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token(words: bytes, purpose: str) -> str:
    key = hmac.digest(b"a key", purpose.encode(), "sha256")
    return f"{base64url(words)}.{base64url(hmac.digest(key, base64url(words).encode(), 'sha256'))}"


@given(st.integers(1, 2**63 - 1), st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_a_token_says_what_it_was_made_to_say(endpoint_id: int, tag: str) -> None:
    assert SIGNER.read_leave(SIGNER.leave(endpoint_id, tag)) == Leave(endpoint_id, tag)


def test_a_token_fits_into_a_link_and_a_mail_subject_as_it_is() -> None:
    assert set(TOKEN) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_a_token_of_another_key_is_refused() -> None:
    assert Signer(["another key"]).read_leave(TOKEN) is None


def test_a_token_of_another_purpose_is_refused() -> None:
    assert SIGNER.read_leave(token(b"7:all", "confirm")) is None


def test_a_token_has_the_documented_format() -> None:
    """Written out once more: links that were sent must work for ever."""
    assert SIGNER.leave(7, "all") == token(b"7:all", "leave")
    assert SIGNER.leave(7) == token(b"7", "leave")
    assert Signer(["an older key", "a key"]).leave(7) == token(b"7", "leave")


@pytest.mark.parametrize("length", range(len(TOKEN)))
def test_a_truncated_token_is_refused(length: int) -> None:
    assert SIGNER.read_leave(TOKEN[:length]) is None


@pytest.mark.parametrize("place", range(len(TOKEN) - 1))  # the last character carries bits that say nothing
def test_a_token_with_a_changed_character_is_refused(place: int) -> None:
    other = "A" if TOKEN[place] != "A" else "B"
    assert SIGNER.read_leave(TOKEN[:place] + other + TOKEN[place + 1 :]) is None


def test_the_words_of_one_token_with_the_signature_of_another_are_refused() -> None:
    words, signature = SIGNER.leave(7).rsplit(".", 1)[0], SIGNER.leave(8).rsplit(".", 1)[1]
    assert SIGNER.read_leave(f"{words}.{signature}") is None


@pytest.mark.parametrize("text", ["", ".", "..", "7", "e7", "南昌", "\udc80", "\0", f"{TOKEN}.", "A" * 1_000_000])
def test_anything_else_is_refused(text: str) -> None:
    assert SIGNER.read_leave(text) is None


@given(st.text())
def test_no_text_makes_reading_fail(text: str) -> None:
    assert SIGNER.read_leave(text) is None


def test_links_of_an_older_key_still_work_and_the_newest_signs(db: Database) -> None:
    old = Signer.load(db, NOW).leave(7)
    with db.transaction():
        db.insert(SQL["add_key"], {"secret": "the next key", "now": NOW})
    both = Signer.load(db, NOW)
    assert both.read_leave(old) == Leave(7)
    assert Signer(["the next key"]).read_leave(both.leave(8)) == Leave(8)


def test_a_store_keeps_the_key_that_its_first_use_makes(db: Database) -> None:
    token = Signer.load(db, NOW).leave(7)
    assert Signer.load(db, NOW).read_leave(token) == Leave(7)
    assert len(db.all(SQL["keys"])) == 1


def test_two_stores_do_not_read_each_others_tokens(tmp_path: Path) -> None:
    signers = []
    for name in ("one", "two"):
        store = Database.open(f"sqlite:///{tmp_path / name}.db", [SCHEMA])
        signers.append(Signer.load(store, NOW))
        store.close()
    assert signers[1].read_leave(signers[0].leave(7)) is None


def test_several_that_use_a_store_first_share_one_key(database_url: str) -> None:
    together = threading.Barrier(4, timeout=60)

    def token(n: int) -> str:
        store = Database.open(database_url, [SCHEMA])
        together.wait()
        signer = Signer.load(store, NOW)
        store.close()
        return signer.leave(n)

    with ThreadPoolExecutor(4) as threads:
        tokens = list(threads.map(token, range(1, 5)))
    store = Database.open(database_url, [SCHEMA])
    assert [Signer.load(store, NOW).read_leave(text) for text in tokens] == [Leave(n) for n in range(1, 5)]
    store.close()


@pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose is not Purpose.LEAVE])
def test_a_token_is_good_for_its_purpose_alone_and_until_its_time(purpose: Purpose) -> None:
    made = SIGNER.token(purpose, 7, NOW + 5_000)
    assert SIGNER.read(purpose, made, NOW + 5_000) == 7
    with pytest.raises(Expired):
        SIGNER.read(purpose, made, NOW + 6_001)
    assert [SIGNER.read(other, made, NOW) for other in Purpose if other is not purpose] == [None] * (len(Purpose) - 1)
    assert SIGNER.read_leave(made) is None


def test_a_token_without_an_end_is_good_for_ever() -> None:
    assert SIGNER.read(Purpose.PREFERENCES, SIGNER.token(Purpose.PREFERENCES, 7), 2**62) == 7


def test_a_new_key_signs_and_the_others_still_verify(db: Database) -> None:
    old = Signer.load(db, NOW).token(Purpose.PREFERENCES, 7)
    with db.transaction():
        rotate(db, NOW + 1)
    signer = Signer.load(db, NOW)
    assert signer.read(Purpose.PREFERENCES, old, NOW) == 7
    assert signer.token(Purpose.PREFERENCES, 7) != old
    assert [(key.created_at, key.signs) for key in ring(db)] == [(NOW, False), (NOW + 1, True)]
