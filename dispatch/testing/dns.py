"""A real DNS server on the loopback interface (RFC 1035, over UDP) that answers as it is told.

    async with DnsServer() as server:
        server.add("firma.cn", "MX", "10 aspmx.l.google.com.", ttl=60)
        server.fail("broken.cn", "SERVFAIL")
        server.mute("silent.cn")
        answer = await server.resolver().resolve("firma.cn", "MX")
        assert server.questions == [("firma.cn", "MX")]

A name that it has no record of does not exist (NXDOMAIN); one that has records of other types alone gives none.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self, cast

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset


class DnsServer(asyncio.DatagramProtocol):
    """A name server on 127.0.0.1 and a free port, as an async context manager."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.questions: list[tuple[str, str]] = []
        self._records: dict[tuple[dns.name.Name, str], tuple[int, list[str]]] = {}
        self._failures: dict[dns.name.Name, str] = {}
        self._mute: set[dns.name.Name] = set()
        self._transport: asyncio.DatagramTransport | None = None
        self._port = 0
        self._asked = asyncio.Condition()
        self._tellers: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port; it stays known after the end, to ask where nobody answers any more."""
        return self._port

    def add(self, name: str, kind: str, *values: str, ttl: int = 300) -> None:
        """Answer questions for a name and a type (`MX`, `TXT`, …) with these values, as a zone file writes them."""
        self._records[dns.name.from_text(name), kind] = (ttl, list(values))

    def fail(self, name: str, rcode: str) -> None:
        """Answer every question for a name with an error: `SERVFAIL`, `REFUSED`, …"""
        self._failures[dns.name.from_text(name)] = rcode

    def mute(self, name: str) -> None:
        """Answer nothing to questions for a name."""
        self._mute.add(dns.name.from_text(name))

    def clear(self) -> None:
        """Forget all records and faults."""
        self._records.clear()
        self._failures.clear()
        self._mute.clear()

    def resolver(self, lifetime: float = 2.0) -> dns.asyncresolver.Resolver:
        """A resolver that asks this server alone, each question for at most so many seconds."""
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = [self.host]
        resolver.port = self.port
        resolver.lifetime = lifetime
        return resolver

    async def asked(self, count: int) -> None:
        """Returns when so many questions have come."""
        async with self._asked:
            await self._asked.wait_for(lambda: len(self.questions) >= count)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, self._port))
        self._transport = transport
        self._port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._transport is not None:
            self._transport.close()
        await asyncio.gather(*self._tellers)

    # What asyncio asks.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return
        reply = self._reply(query)
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply.to_wire(), addr)
        teller = asyncio.get_running_loop().create_task(self._tell())
        self._tellers.add(teller)
        teller.add_done_callback(self._tellers.discard)

    async def _tell(self) -> None:
        async with self._asked:
            self._asked.notify_all()

    def _reply(self, query: dns.message.Message) -> dns.message.Message | None:
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        self.questions.append((question.name.to_text(omit_final_dot=True), kind))
        if question.name in self._mute:
            return None
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA | dns.flags.RA
        if question.name in self._failures:
            reply.set_rcode(dns.rcode.from_text(self._failures[question.name]))
        elif (question.name, kind) in self._records:
            ttl, values = self._records[question.name, kind]
            reply.answer.append(dns.rrset.from_text_list(question.name, ttl, dns.rdataclass.IN, kind, values))
        elif not any(name == question.name for name, _ in self._records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply
