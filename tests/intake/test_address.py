"""Documents behind web addresses, served by servers that mean ill."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from dispatch.errors import IntakeError
from dispatch.intake import address
from dispatch.intake.address import Fetched

Answer = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(answers: dict[str, bytes], asked: list[bytes] | None = None) -> AsyncIterator[int]:
    """Raw answers by path: what a library would not send is what this is about."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if asked is not None:
            asked.append(head)
        path = head.split()[1].decode().partition("?")[0]
        writer.write(answers.get(path, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def found(*headers: bytes, body: bytes = b"issue") -> bytes:
    lines = (b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), b"Content-Type: text/plain", *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def moved(to: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


async def fetched(port: int, path: str, state: dict[str, str] | None = None, host: str = "127.0.0.1") -> Fetched:
    document = await address.fetch(f"http://{host}:{port}{path}", state or {}, seconds=5, max_bytes=1000)
    assert document is not None
    return document


@pytest.mark.parametrize(
    "header", [b'ETag: "\xe7\x81\xab"', b'ETag: "a\tb"', b'Last-Modified: "\xff"', b"ETag: " + b"x" * 5000]
)
async def test_validators_that_cannot_be_sent_back_are_dropped(header: bytes) -> None:
    async with serving({"/x.md": found(header)}) as port:
        document = await fetched(port, "/x.md")
        assert document.state == {}
        assert (await fetched(port, "/x.md", document.state)).data == b"issue"


async def test_validators_of_old_that_cannot_be_sent_are_left_out() -> None:
    asked: list[bytes] = []
    async with serving({"/x.md": found(b'ETag: "good"')}, asked) as port:
        document = await fetched(port, "/x.md", {"etag": "火炬", "last-modified": "a\r\nb"})
        assert document.state == {"etag": '"good"'}
        await fetched(port, "/x.md", document.state)
    assert b"If-" not in asked[0].title()
    assert b'"good"' in asked[1]


@pytest.mark.parametrize(
    "answer",
    [
        b"no HTTP\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nissue",
        b"HTTP/1.1 500 Oh\x1b[2J\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: a\x1b[2J/x\r\nContent-Length: 1\r\n\r\nx",
        moved("http://[/"),
        moved("ftp://x/"),
        moved("/x?key=secret"),
        moved("http://no-such-host.invalid/?key=secret"),
        moved("http://" + "a" * 300 + "/"),
        found(body=b"x" * 2000),
    ],
)
async def test_whatever_an_address_does_is_an_error_of_it_without_its_query(answer: bytes) -> None:
    async with serving({"/x": answer}) as port:
        with pytest.raises(IntakeError) as caught:
            await fetched(port, "/x?key=secret")
    said = str(caught.value)
    assert said.startswith(f"http://127.0.0.1:{port}/x: ")
    assert "secret" not in said
    assert said.isprintable()
    assert len(said) < 500


async def test_an_exception_that_nobody_foresaw_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(address, "_fetch", broken)
    with pytest.raises(IntakeError, match="ZeroDivisionError") as caught:
        await fetched(1, "/x.md")
    assert "secret" not in str(caught.value)


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> str:
    """A name that is of the public internet when it is checked, and connects to loopback all the same."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in ("public.test", b"public.test"):
            return real(host, port, *args, **kwargs)
        return real("93.184.215.14" if port is None else "127.0.0.1", port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return "public.test"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "0x7f000001", "0"]
)
async def test_a_public_address_leads_to_no_private_one(public: str, host: str) -> None:
    asked: list[bytes] = []
    async with serving({"/x.md": moved(f"http://{host}:1/secret.md")}, asked) as port:
        with pytest.raises(IntakeError, match="private network"):
            await fetched(port, "/x.md", host=public)
    assert len(asked) == 1


async def test_redirects_within_a_host_and_to_public_ones_are_followed(public: str) -> None:
    answers = {"/a": moved("/b.md"), "/b.md": found()}
    async with serving(answers) as port:
        assert (await fetched(port, "/a", host=public)).suffix == ".md"
        answers["/c"] = moved(f"http://{public}:{port}/b.md")
        assert (await fetched(port, "/c")).data == b"issue"


async def test_an_address_of_our_own_network_may_lead_to_another() -> None:
    answers = {"/b.md": found()}
    async with serving(answers) as port:
        answers["/a"] = moved(f"http://localhost:{port}/b.md")
        assert (await fetched(port, "/a")).data == b"issue"
