"""A DNS server over UDP on 127.0.0.1, which knows the records that it is given."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import dns.asyncresolver
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

_TTL = 60


class DnsServer(asyncio.DatagramProtocol):
    """Answers from what `add` gave it, as an async context manager; a name without any record does not exist.

    `silent`: it hears and does not answer; `ignored`: nor these questions. `failing`: it answers SERVFAIL. `asked` has
    the questions. A question is a name and a kind, such as ("bulletin.example", "TXT").
    """

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.silent = False
        self.failing = False
        self.ignored: set[tuple[str, str]] = set()
        self.asked: list[tuple[str, str]] = []
        self._records: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], list[str]] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._port = 0

    @property
    def port(self) -> int:
        return self._port

    def add(self, name: str, kind: str, *values: str) -> None:
        """Records of a name, each as a zone file writes it: `"v=spf1 -all"` with its quotation marks, `10 mail.x.`"""
        key = (dns.name.from_text(name), dns.rdatatype.from_text(kind))
        self._records.setdefault(key, []).extend(values)

    def remove(self, name: str, kind: str) -> None:
        """Forget the records of this kind that a name has."""
        self._records.pop((dns.name.from_text(name), dns.rdatatype.from_text(kind)), None)

    def resolver(self) -> dns.asyncresolver.Resolver:
        """A resolver that asks this server and no other."""
        made = dns.asyncresolver.Resolver(configure=False)
        made.nameservers = [self.host]
        made.port = self.port
        return made

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, (self.host, 0))
        self._port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        question = dns.message.from_wire(data)
        asked = question.question[0]
        said = (asked.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(asked.rdtype))
        self.asked.append(said)
        if not self.silent and said not in self.ignored and self._transport is not None:
            self._transport.sendto(self._answer(question).to_wire(), addr)

    def _answer(self, question: dns.message.Message) -> dns.message.Message:
        asked = question.question[0]
        answer = dns.message.make_response(question, recursion_available=True)
        values = self._records.get((asked.name, asked.rdtype))
        if self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif values:
            answer.answer.append(dns.rrset.from_text(asked.name, _TTL, dns.rdataclass.IN, asked.rdtype, *values))
        elif not any(name == asked.name for name, _ in self._records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer
