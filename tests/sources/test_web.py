"""Documents behind web addresses, served by servers that mean ill."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dispatch.errors import IntakeError
from dispatch.guarded_http import NameNotResolved, system_resolve
from dispatch.sources.source import Known, Trouble
from dispatch.sources.web import Fetched, Web, suffix_of
from tests.sources.site import Dialled, FakeClock, Page, Silent, Site, asking

PUBLIC = "93.184.215.14"


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


async def fetched(
    port: int, path: str, known: Known | None = None, host: str = "127.0.0.1", web: Web | None = None
) -> Fetched:
    url = f"http://{host}:{port}{path}"
    async with (web or asking(FakeClock(), seconds=5, max_bytes=1000)).visit(url) as visit:
        document = await visit.get(url, known)
    assert document is not None
    return document


@pytest.mark.parametrize(
    "header", [b'ETag: "\xe7\x81\xab"', b'ETag: "a\tb"', b'Last-Modified: "\xff"', b"ETag: " + b"x" * 5000]
)
async def test_validators_that_cannot_be_sent_back_are_dropped(header: bytes) -> None:
    async with serving({"/x.md": found(header)}) as port:
        document = await fetched(port, "/x.md")
        assert (document.etag, document.modified) == ("", "")
        assert (await fetched(port, "/x.md")).data == b"issue"


async def test_validators_of_old_that_cannot_be_sent_are_left_out() -> None:
    asked: list[bytes] = []
    async with serving({"/x.md": found(b'ETag: "good"')}, asked) as port:
        document = await fetched(port, "/x.md", Known(etag="火炬", modified="a\r\nb"))
        assert document.etag == '"good"'
        await fetched(port, "/x.md", Known(etag=document.etag))
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
            suffix_of(await fetched(port, "/x?key=secret"), f"http://127.0.0.1:{port}/x?key=secret")
    said = str(caught.value)
    assert said.startswith(f"http://127.0.0.1:{port}/x: ")
    assert "secret" not in said
    assert said.isprintable()
    assert len(said) < 500


class Names:
    """A resolver to which `public.test` is of the public internet."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    async def __call__(self, host: str, port: int) -> list[str]:
        if host != "public.test":
            return await system_resolve(host, port)
        return [self.answers.pop(0) if self.answers else PUBLIC]


def public(*answers: str) -> Web:
    return asking(FakeClock(), resolve=Names(*answers), network=Dialled())


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "0x7f000001", "0"]
)
async def test_a_public_address_leads_to_no_private_one(host: str) -> None:
    asked: list[bytes] = []
    async with serving({"/x.md": moved(f"http://{host}:1/secret.md")}, asked) as port:
        with pytest.raises(IntakeError, match="private network"):
            await fetched(port, "/x.md", host="public.test", web=public())
    assert len(asked) == 1


async def test_a_name_that_turns_private_while_it_is_asked_is_not_connected_to() -> None:
    asked: list[bytes] = []
    async with serving({"/x.md": found()}, asked) as port:
        with pytest.raises(IntakeError, match="private network"):
            await fetched(port, "/x.md", host="public.test", web=public(PUBLIC, "127.0.0.1"))
    assert asked == []


async def test_redirects_within_a_host_and_to_public_ones_are_followed() -> None:
    answers = {"/a": moved("/b.md"), "/b.md": found()}
    async with serving(answers) as port:
        document = await fetched(port, "/a", host="public.test", web=public())
        assert suffix_of(document, "http://public.test/a") == ".md"
        answers["/c"] = moved(f"http://public.test:{port}/b.md")
        assert (await fetched(port, "/c", web=public())).data == b"issue"


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://files.test/x.md", "gopher://x.test/"])
async def test_no_other_scheme_is_followed(to: str) -> None:
    async with serving({"/x.md": moved(to)}) as port:
        with pytest.raises(IntakeError, match="only http and https are followed"):
            await fetched(port, "/x.md")


async def test_an_address_of_our_own_network_may_lead_to_another() -> None:
    answers = {"/b.md": found()}
    async with serving(answers) as port:
        answers["/a"] = moved(f"http://localhost:{port}/b.md")
        assert (await fetched(port, "/a")).data == b"issue"


class Dns:
    """A resolver of one name, answer by answer; the last one stays. Addresses stand for themselves."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def __call__(self, host: str, port: int) -> list[str]:
        if host != "entry.test":
            return [host]
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def test_one_private_address_among_public_ones_opens_nothing() -> None:
    network = Dialled()
    answers = {"/b.md": found()}
    async with serving(answers) as port:
        answers["/a"] = moved(f"http://127.0.0.1:{port}/b.md")
        web = asking(FakeClock(), resolve=Dns(["10.9.9.9", PUBLIC]), network=network)
        with pytest.raises(IntakeError, match="private network"):
            await fetched(port, "/a", host="entry.test", web=web)
        async with web.visit("http://entry.test/a") as visit:
            for address in ("127.0.0.1", "10.9.9.9", "169.254.169.254"):
                with pytest.raises(IntakeError, match="private network"):
                    await visit.get(f"http://{address}:{port}/b.md")
        assert network.dialled == [PUBLIC]


async def test_a_private_entry_opens_its_own_addresses_and_no_others() -> None:
    network = Dialled()
    answers = {"/b.md": found()}
    async with serving(answers) as port:
        answers["/a"] = moved(f"http://entry.test:{port}/b.md")
        answers["/c"] = moved(f"http://10.9.9.9:{port}/b.md")
        answers["/e"] = moved(f"http://{PUBLIC}:{port}/b.md")
        web = asking(FakeClock(), resolve=Dns(["10.9.9.9"]), network=network)
        for path in ("/a", "/c", "/e"):
            assert (await fetched(port, path, host="entry.test", web=web)).data == b"issue"
        for to in ("10.9.9.8", "127.0.0.1"):
            answers["/d"] = moved(f"http://{to}:{port}/b.md")
            with pytest.raises(IntakeError, match="private network"):
                await fetched(port, "/d", host="entry.test", web=web)
    assert set(network.dialled) == {"10.9.9.9", PUBLIC}


async def test_a_private_name_that_turns_public_is_not_connected_to() -> None:
    network = Dialled()
    web = asking(FakeClock(), resolve=Dns(["10.9.9.9"], [PUBLIC]), network=network)
    async with serving({"/x.md": found()}) as port:
        with pytest.raises(Trouble, match="has no address"):
            await fetched(port, "/x.md", host="entry.test", web=web)
    assert network.dialled == []


async def test_an_entry_that_is_no_address_is_trouble() -> None:
    with pytest.raises(Trouble, match="is the address right"):
        await fetched(1, "/x.md", host="[")


async def test_a_name_without_an_address_is_trouble() -> None:
    async def nobody(host: str, port: int) -> list[str]:
        raise NameNotResolved("the name x cannot be resolved")

    with pytest.raises(Trouble, match="cannot be resolved"):
        await fetched(1, "/x.md", host="x.test", web=asking(FakeClock(), resolve=nobody))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nshort", "breaks off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx", "more than 1000 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n800\r\n" + b"x" * 2048, "more than 1000 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx", "breaks off"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx", "not asked for"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 1\r\n\r\nx", "not asked for"),
    ],
)
async def test_a_server_that_lies_about_its_length_is_found_out(answer: bytes, words: str) -> None:
    async with serving({"/x.md": answer}) as port:
        with pytest.raises(IntakeError, match=words):
            await fetched(port, "/x.md")


async def test_what_unpacks_to_very_much_is_refused_before_it_does() -> None:
    packed = gzip.compress(b"0" * 50_000_000)
    async with serving({"/x.md": found(b"Content-Encoding: gzip", body=packed)}) as port:
        with pytest.raises(IntakeError, match="more than 1000 bytes"):
            await fetched(port, "/x.md")


async def test_a_packed_answer_is_unpacked_and_one_that_ends_too_early_is_none() -> None:
    packed = gzip.compress(b"issue")
    pages = {
        "/x.md": found(b"Content-Encoding: gzip", body=packed),
        "/y.md": found(b"Content-Encoding: gzip", body=packed[:-4]),
    }
    async with serving(pages) as port:
        assert (await fetched(port, "/x.md")).data == b"issue"
        with pytest.raises(Trouble, match="breaks off"):
            await fetched(port, "/y.md")


async def test_a_body_that_never_ends_is_given_up() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    async with server:
        with pytest.raises(IntakeError, match="more than 1000 bytes"):
            await fetched(server.sockets[0].getsockname()[1], "/x.md")


async def test_a_server_that_says_nothing_is_given_up_after_its_time() -> None:
    async with Silent() as site:
        with pytest.raises(Trouble, match=r"within 0\.1 seconds"):
            await fetched(site.port, "/x.md", web=asking(FakeClock(), seconds=0.1))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120), ("999999999", 86_400), ("Tue, 14 Nov 2023 22:23:20 GMT", 600), ("soon", 0), ("-5", 0), ("", 0)],
)
async def test_a_wish_to_be_left_alone_is_understood(value: str, seconds: float) -> None:
    async with Site({"/x.md": Page(status=503, headers={"Retry-After": value})}) as site:
        with pytest.raises(Trouble) as caught:
            await fetched(site.port, "/x.md")
    assert caught.value.retry_after == seconds


async def test_a_host_is_asked_at_its_pace_and_others_meanwhile() -> None:
    clock = FakeClock()
    web = asking(clock, pause=2)
    async with Site({"/x.md": Page(b"x"), "/y.md": Page(b"y")}) as one, Site({"/x.md": Page(b"x")}) as other:
        await fetched(one.port, "/x.md", web=web)
        await fetched(other.port, "/x.md", web=web)
        assert clock.slept == []
        await fetched(one.port, "/y.md", web=web)
        assert clock.slept == [2]
    assert one.agents == {"huoju-dispatch"}


@pytest.mark.parametrize(
    ("data", "kind", "name", "url", "suffix"),
    [
        (b"%PDF-1.7", "text/html", "", "/x.md", ".pdf"),
        (b"PK\x03\x04", "application/octet-stream", "", "/download?id=1", ".docx"),
        (b"<!DOCTYPE html><p>", "text/html", "", "/x.pdf", ".html"),
        (b"text", "application/octet-stream", "第5期.md", "/download", ".md"),
        (b"text", "application/octet-stream", "../../x.TXT", "/download", ".txt"),
        (b"text", "text/plain", "", "/x.md?key=1", ".md"),
        (b"text", "text/plain", "", "/x", ".txt"),
        (b"text", "application/xhtml+xml", "", "/x", ".html"),
    ],
)
def test_the_form_of_a_document(data: bytes, kind: str, name: str, url: str, suffix: str) -> None:
    assert suffix_of(Fetched(data, url, kind, file_name=name), url) == suffix


def test_a_document_of_no_form_that_is_read_is_refused() -> None:
    with pytest.raises(IntakeError, match="image/png is not read"):
        suffix_of(Fetched(b"x", "/x", "image/png"), "http://x.test/x?key=secret")


def test_the_public_address_of_these_tests_is_one() -> None:
    assert ipaddress.ip_address(PUBLIC).is_global
