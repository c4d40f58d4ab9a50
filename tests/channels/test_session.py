"""What goes over the wire of an SMTP session, command by command, and what becomes of a server's odd answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from dispatch.channels.email.session import Route, Session
from dispatch.model import Outcome, Rejected, Retry, Sent
from dispatch.settings import Relay

A, B, C = (Route("news@x.test", f"{name}@x.test") for name in "abc")
BODY = [b"Subject: x\r\n\r\n", b"hello\r\n"]

Answers = Callable[["Talk", str], "str | None"]
"""What to say to a command line, or to a message ("."): replies without the last line end; None cuts the connection."""


@dataclass
class Talk:
    """One connection: the lines that came in each read, the messages, and where it stands."""

    reads: list[bytes] = field(default_factory=list)
    messages: list[tuple[str, bytes]] = field(default_factory=list)
    recipient: str = ""
    in_message: bool = False


def usual(talk: Talk, line: str) -> str:
    if line == ".":
        return "250 2.0.0 taken"
    return {"EHLO": "250-x\r\n250 PIPELINING", "DATA": "354 go on", "QUIT": "221 bye"}.get(line[:4], "250 ok")


@dataclass
class Server:
    """A mail server that says what a test wants."""

    answers: Answers
    talks: list[Talk] = field(default_factory=list)
    heard: asyncio.Condition = field(default_factory=asyncio.Condition)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.append(asyncio.create_task(self.guarded(reader, writer)))

    async def guarded(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await self.serve(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = Talk()
        self.talks.append(talk)
        writer.write(b"220 x\r\n")
        rest, message = b"", b""
        while data := await reader.read(65536):
            talk.reads.append(data)
            rest += data
            while b"\r\n" in rest:
                line, _, rest = rest.partition(b"\r\n")
                if talk.in_message and line != b".":
                    message += line + b"\r\n"
                    continue
                word = line.decode()
                if talk.in_message:
                    talk.messages.append((talk.recipient, message))
                    message, talk.in_message = b"", False
                elif word.startswith("RCPT"):
                    talk.recipient = word.partition("<")[2].rstrip(">")
                said = self.answers(talk, word)
                if said is None:
                    writer.transport.abort()
                    return
                talk.in_message = said.splitlines()[-1].startswith("354")
                writer.write(said.encode() + b"\r\n")
            async with self.heard:
                self.heard.notify_all()

    async def reached(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(10), self.heard:
            await self.heard.wait_for(done)

    @property
    def delivered(self) -> list[str]:
        return [recipient for talk in self.talks for recipient, _ in talk.messages]


@asynccontextmanager
async def serving(answers: Answers = usual, **changes: object) -> AsyncIterator[tuple[Server, Session]]:
    server = Server(answers)
    listening = await asyncio.start_server(server.accept, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    relay = Relay.model_validate({"host": "127.0.0.1", "port": port, "security": "none", "timeout": 5} | changes)
    session = Session(relay)
    try:
        yield server, session
    finally:
        await session.close()
        listening.close()
        await listening.wait_closed()
        await asyncio.gather(*server.tasks)


async def test_a_message_and_the_next_envelope_are_one_write() -> None:
    async with serving() as (server, session):
        assert isinstance(await session.deliver(A, BODY, B), Sent)
        [talk] = server.talks
        await server.reached(lambda: talk.in_message)
        assert talk.recipient == "b@x.test", "announced"
        assert server.delivered == ["a@x.test"], "and nothing of its message"
        assert isinstance(await session.deliver(B, BODY, C), Sent)
        assert isinstance(await session.deliver(C, BODY), Sent)
        assert server.delivered == ["a@x.test", "b@x.test", "c@x.test"]
        groups = b"".join(talk.reads).split(b"QUIT")[0].count(b"MAIL FROM")
        assert groups == 3
        after_hello = [read for read in talk.reads if not read.startswith(b"EHLO")]
        assert len(after_hello) == 1 + 3, "one for the first envelope, then one a message"


async def test_what_was_announced_is_not_sent_to_somebody_else() -> None:
    async with serving() as (server, session):
        assert isinstance(await session.deliver(A, BODY, B), Sent)
        assert isinstance(await session.deliver(C, BODY), Sent)
        assert len(server.talks) == 2, "an announcement cannot be taken back: the session ends"
        assert server.delivered == ["a@x.test", "c@x.test"]


async def test_the_last_message_of_a_session_announces_nobody() -> None:
    async with serving(messages_per_connection=2) as (server, session):
        for route, following in ((A, B), (B, C), (C, None)):
            assert isinstance(await session.deliver(route, BODY, following), Sent)
        assert [[recipient for recipient, _ in talk.messages] for talk in server.talks] == [
            ["a@x.test", "b@x.test"],
            ["c@x.test"],
        ]


async def test_a_session_is_replaced_when_it_is_old() -> None:
    async with serving(connection_seconds=0.000001) as (server, session):
        for route, following in ((A, B), (B, None)):
            assert isinstance(await session.deliver(route, BODY, following), Sent)
        assert len(server.talks) == 2


@pytest.mark.parametrize("data", ["354 go on", "503 no recipient", "554 no valid recipients"])
async def test_a_recipient_refused_in_a_group_takes_nobody_along(data: str) -> None:
    """RFC 2920 3.1: where DATA was taken all the same, the message is empty and has no recipient."""

    def answers(talk: Talk, line: str) -> str:
        if "<b@" in line and line.startswith("RCPT"):
            return "550 5.1.1 no such user"
        if talk.recipient == "b@x.test" and line == "DATA":
            return data
        if talk.recipient == "b@x.test" and line == ".":
            return "554 5.5.1 no valid recipients"
        return usual(talk, line)

    async with serving(answers) as (server, session):
        assert isinstance(await session.deliver(A, BODY, B), Sent)
        assert isinstance(await session.deliver(B, BODY, C), Rejected)
        assert isinstance(await session.deliver(C, BODY), Sent)
        [talk] = server.talks
        assert [(to, message) for to, message in talk.messages if message] == [
            ("a@x.test", b"".join(BODY)),
            ("c@x.test", b"".join(BODY)),
        ]
        assert b"RSET\r\nMAIL FROM" in b"".join(talk.reads)


async def test_a_session_that_has_had_enough_is_replaced() -> None:
    """421 to the next envelope, as servers say that count messages."""

    def answers(talk: Talk, line: str) -> str | None:
        return "421 too many messages" if line.startswith("MAIL") and talk.messages else usual(talk, line)

    async with serving(answers) as (server, session):
        for route, following in ((A, B), (B, C), (C, None)):
            assert isinstance(await session.deliver(route, BODY, following), Sent)
        assert server.delivered == ["a@x.test", "b@x.test", "c@x.test"]
        assert len(server.talks) == 3


@pytest.mark.parametrize("cut", ["MAIL", "RCPT", "DATA"])
async def test_a_cut_between_messages_loses_none(cut: str) -> None:
    def answers(talk: Talk, line: str) -> str | None:
        return None if line.startswith(cut) and talk.messages and len(server.talks) == 1 else usual(talk, line)

    async with serving(answers) as (server, session):
        assert isinstance(await session.deliver(A, BODY, B), Sent)
        outcome = await session.deliver(B, BODY)
        if not isinstance(outcome, Sent):  # it may be this one that the server hangs up on
            assert isinstance(outcome, Retry)
            assert outcome.counted
            assert isinstance(await session.deliver(B, BODY), Sent)
        assert server.delivered == ["a@x.test", "b@x.test"]


ODD = {
    "an answer too many": ("RCPT", "250 ok\r\n250 ok"),
    "consent to DATA that is none": ("DATA", "250 ok"),
    "a prompt at the wrong place": ("MAIL", "354 go on"),
    "a second answer to the message": (".", "250 taken\r\n250 taken"),
    "no code": ("RCPT", "hello"),
    "no end": ("RCPT", "250-ok\r\n" * 300 + "250 ok"),
    "a wrong code in a long answer": ("RCPT", "250-ok\r\nnonsense\r\n250 ok"),
}


@pytest.mark.parametrize("odd", ODD)
async def test_answers_out_of_step_give_nobody_anothers_message(odd: str) -> None:
    """After an answer that cannot be, nothing more is said on that connection: what the server takes for a message
    might be commands, and an acceptance might be another's."""
    stage, said = ODD[odd]

    def answers(talk: Talk, line: str) -> str | None:
        first = len(server.talks) == 1 and not talk.messages[1:]
        return said if first and line.startswith(stage) else usual(talk, line)

    async with serving(answers) as (server, session):
        outcomes: dict[str, list[Outcome]] = {}
        for route, following in ((A, B), (B, C), (C, None)):
            told = outcomes.setdefault(route.recipient, [])
            told.append(await session.deliver(route, [f"To: {route.recipient}\r\n\r\n".encode()], following))
            if not isinstance(told[-1], Sent):
                told.append(await session.deliver(route, [f"To: {route.recipient}\r\n\r\n".encode()]))
        for talk in server.talks:
            for recipient, message in talk.messages:
                assert message in (b"", f"To: {recipient}\r\n\r\n".encode())
        assert all(isinstance(told[-1], Sent) for told in outcomes.values())
        taken = [recipient for talk in server.talks for recipient, message in talk.messages if message]
        assert set(taken) == set(outcomes)


async def test_a_word_of_parting_while_nothing_is_asked_is_no_answer() -> None:
    async with serving() as (server, session):
        assert isinstance(await session.deliver(A, BODY), Sent)

        def parting(talk: Talk, line: str) -> str | None:
            return "421 idle" if len(server.talks) == 1 else usual(talk, line)

        server.answers = parting
        assert isinstance(await session.deliver(B, BODY), Sent)
        assert server.delivered == ["a@x.test", "b@x.test"]
