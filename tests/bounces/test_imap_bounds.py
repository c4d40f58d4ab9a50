"""An IMAP server that sends more than it was asked for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

import pytest

from dispatch.bounces.imap import Imap
from dispatch.errors import Failure
from dispatch.settings import BounceSettings

_ANSWERS = {
    b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n",
    b"SELECT": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n",
    b"SEARCH": b"* SEARCH 5\r\n",
    b"FETCH": b"* 1 FETCH (UID 5 BODY[]<0> {5}\r\nhello)\r\n",
}
Answer = bytes | Callable[[BinaryIO], None]


class Server:
    """Answers one client by the words of its commands."""

    def __init__(self, answers: dict[bytes, Answer]) -> None:
        self._answers: dict[bytes, Answer] = {**_ANSWERS, **answers}
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.port: int = self._socket.getsockname()[1]

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.join(60)
        self._socket.close()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection, connection.makefile("rwb", buffering=0) as raw, suppress(OSError):
            stream: BinaryIO = raw  # type: ignore[assignment]  # unbuffered, with all that is used here
            stream.write(b"* OK hi\r\n")
            while line := stream.readline():
                tag, *words = line.upper().split()
                for word in words:
                    _say(stream, self._answers.get(word, b""))
                stream.write(tag + b" OK done\r\n")


def _say(stream: BinaryIO, answer: Answer) -> None:
    if isinstance(answer, bytes):
        stream.write(answer)
    else:
        answer(stream)


def _long_mail(stream: BinaryIO) -> None:
    stream.write(b"* 1 FETCH (UID 5 BODY[]<0> {400000000}\r\n")
    for _ in range(400):
        stream.write(b"a" * 1_000_000)
    stream.write(b")\r\n")


def _many_mails(stream: BinaryIO) -> None:
    for number in range(400):
        stream.write(b"* %d FETCH (UID 5 BODY[]<0> {1000000}\r\n" % (number + 1) + b"a" * 1_000_000 + b")\r\n")


def _many_lines(stream: BinaryIO) -> None:
    for _ in range(200):
        stream.write(b"* X\r\n" * 1_000)


def _long_lines(stream: BinaryIO) -> None:
    for _ in range(400):
        stream.write(b"* OK " + b"x" * 900_000 + b"\r\n")


@contextmanager
def mailbox(answers: dict[bytes, Answer]) -> Iterator[Imap]:
    with Server(answers) as server:
        settings = BounceSettings.model_validate(
            {
                "imap_host": "127.0.0.1",
                "imap_port": server.port,
                "imap_security": "none",
                "imap_username": "u",
                "imap_password": "p",
                "timeout": 30,
            }
        )
        client = Imap(settings, most_bytes=100_000)
        try:
            yield client
        finally:
            client.close()


def test_a_mail_that_keeps_to_what_was_asked_for_is_read() -> None:
    whole = b"* 1 FETCH (UID 5 BODY[]<0> {100000}\r\n" + b"a" * 100_000 + b")\r\n"
    with mailbox({b"FETCH": whole}) as client:
        client.open()
        mail = client.next()
        assert mail is not None
        assert mail.data == b"a" * 100_000


@pytest.mark.parametrize("answer", [_long_mail, _many_mails, _many_lines, _long_lines])
def test_an_answer_that_is_longer_than_what_was_asked_for_is_not_read(answer: Answer) -> None:
    with mailbox({b"FETCH": answer}) as client:
        client.open()
        with pytest.raises(Failure, match="more than was asked for"):
            client.next()


@pytest.mark.parametrize("word", [b"SELECT", b"SEARCH", b"CAPABILITY"])
def test_each_command_is_bounded(word: bytes) -> None:
    with mailbox({word: _many_lines}) as client, pytest.raises(Failure, match="more than was asked for"):
        client.open()
