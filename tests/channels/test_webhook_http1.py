"""Reading answers: however they are cut into pieces, and whatever is wrong with them."""

from __future__ import annotations

import random

import pytest

from dispatch.channels.webhook.http1 import MAX_READ, Answer, AnswerProtocolError, AnswerReader

OK = b"HTTP/1.1 200 OK\r\n"


def read(*pieces: bytes, end: bool = False) -> tuple[Answer | None, bool, AnswerReader]:
    """What came of it, and whether it had an end."""
    reader = AnswerReader()
    over = False
    for piece in pieces:
        assert not over, "more was read than there is"
        over = reader.feed(piece)
    if end and not over:
        over = reader.end()
    return reader.answer(), over, reader


@pytest.mark.parametrize(
    ("said", "body", "reusable"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
        (OK + b"Content-Length: 5\r\n\r\nhello", b"hello", True),
        (OK + b"Content-Length: 0\r\n\r\n", b"", True),
        (OK + b"Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello", b"hello", True),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n, world...\r\n0\r\nX: y\r\n\r\n",
         b"hello, world...", True),
        (OK + b"Connection: Close\r\nContent-Length: 5\r\n\r\nhello", b"hello", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", b"hello", True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", b"", True),
        # Which length counts can be read in two ways: the connection is not used again (RFC 9112, 6.3).
        (OK + b"Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok", False),
    ],
)  # fmt: skip
def test_an_answer_is_the_same_in_any_pieces(said: bytes, body: bytes, reusable: bool) -> None:
    """Whole, byte by byte, and cut anywhere."""
    cuts = [[said], [said[at : at + 1] for at in range(len(said))]]
    cuts += [[said[:at], said[at:]] for at in range(1, len(said))]
    for pieces in cuts:
        answer, over, reader = read(*pieces)
        assert answer is not None
        assert (over, answer.whole, answer.body, reader.reusable) == (True, True, body, reusable), pieces


@pytest.mark.parametrize("head", [OK, b"HTTP/1.0 200 OK\r\n", OK + b"Transfer-Encoding: gzip\r\n"])
def test_a_body_without_a_length_ends_with_the_connection(head: bytes) -> None:
    answer, over, reader = read(head + b"\r\nhel", b"lo", end=True)
    assert (over, answer and answer.body, reader.reusable) == (True, b"hello", False)


@pytest.mark.parametrize("more", [b"Content-Length: 9\r\n\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"])
def test_a_body_that_breaks_off_is_not_whole(more: bytes) -> None:
    answer, over, reader = read(OK + more, end=True)
    assert answer is not None
    assert (over, answer.whole, answer.body, reader.reusable) == (False, False, b"half", False)


def test_what_comes_behind_an_answer_spoils_the_connection() -> None:
    answer, over, reader = read(OK + b"Content-Length: 2\r\n\r\nok" + b"HTTP/1.1 410 Gone\r\n\r\n")
    assert (over, answer and answer.status, reader.reusable) == (True, 200, False)


def test_no_more_is_read_than_said() -> None:
    reader = AnswerReader()
    assert not reader.feed(OK + b"\r\n")
    fed = 0
    while not reader.feed(b"x" * 1000):
        fed += 1000
        assert fed < MAX_READ
    answer = reader.answer()
    assert answer is not None
    assert (answer.whole, reader.reusable) == (False, False)
    assert MAX_READ - 1000 < len(answer.body) <= MAX_READ


def test_headers_of_one_name_are_one_and_folded_lines_too() -> None:
    answer, _, _ = read(OK + b"Via: a\r\nX-Long: one\r\n\ttwo\r\nvia:b\r\nContent-Length: 0\r\n\r\n")
    assert answer is not None
    assert dict(answer.headers) == {"via": "a, b", "x-long": "one two", "content-length": "0"}


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-x\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 000 OK\r\n\r\n",
        b"HTTP/1.1 200 O\nK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 9,
        OK + b"no colon\r\n\r\n",
        OK + b"two words: x\r\n\r\n",
        OK + b" folded: first\r\n\r\n",
        OK + b": empty\r\n\r\n",
        OK + b"a: b\x00c\r\n\r\n",
        OK + b"a: b\nc: d\r\n\r\n",
        OK + b"Content-Length: 1, 2\r\n\r\n",
        OK + b"Content-Length: +1\r\n\r\n",
        OK + b"Content-Length: 0x1\r\n\r\n",
        OK + b"Content-Length: \xb2\r\n\r\n",
        OK + b"Content-Length:\r\n\r\n",
        OK + b"Content-Length: " + b"9" * 19 + b"\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"F" * 16 + b"\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nokXX",
        OK + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"x" * 300,
        OK + b"a: " + b"x" * 40_000,
    ],
)
def test_what_is_no_answer_is_refused_in_words_of_ours(said: bytes) -> None:
    with pytest.raises(AnswerProtocolError) as refused:
        read(said)
    assert "x" * 9 not in str(refused.value)


def test_noise_ends_in_an_answer_or_is_refused() -> None:
    """Bytes of an answer, changed at random: no other exception, and never more than may be kept."""
    chance = random.Random(20220315)
    whole = OK + b"Transfer-Encoding: chunked\r\nVia: a\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n"
    for _ in range(20_000):
        noisy = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            noisy[chance.randrange(len(noisy))] = chance.choice(b"\r\n\x00 :;0129aFx\xff")
        reader = AnswerReader()
        try:
            if not reader.feed(bytes(noisy)):
                reader.end()
        except AnswerProtocolError:
            continue
        answer = reader.answer()
        assert answer is not None
        assert len(answer.body) <= len(whole)
