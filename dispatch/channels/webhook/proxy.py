"""Ways out of a network by an HTTP proxy (RFC 9110, 9.3.6: CONNECT), where `[webhook] proxy` says so.

The proxy is asked for an address that the guard has seen, never for the name: what the proxy would make of a name,
nobody here could check. What is sent through the tunnel is as without a proxy, TLS with the receiver's own name
included.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_MOST = 8192  # bytes of an answer to CONNECT
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: [^\r\n]*)?\r\n")


class ProxyError(OSError):
    """The proxy did not connect us. `answered` says that it is there, and refused."""

    def __init__(self, reason: str, *, answered: bool = False) -> None:
        super().__init__(reason)
        self.answered = answered


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; `authorization` is what it wants of us (RFC 7617), or ""."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)

    @classmethod
    def of(cls, url: str) -> Proxy | None:
        """That of `http://[USER:PASSWORD@]HOST:PORT`, as the settings have checked it; None for ""."""
        if not url:
            return None
        parts = urlsplit(url)
        told = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()
        authorization = f"Basic {base64.b64encode(told).decode('ascii')}" if parts.username else ""
        return cls(parts.hostname or "", parts.port or 0, authorization)

    async def tunnel(self, address: str, port: int) -> socket.socket:
        """A connection to an address through the proxy, with nothing read or written in it. Raises ProxyError; whoever
        calls bounds the time."""
        sock = await self._connected()
        try:
            await self._ask(sock, f"[{address}]:{port}" if ":" in address else f"{address}:{port}")
        except BaseException:
            sock.close()
            raise
        return sock

    async def _connected(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ProxyError(f"the name of the proxy {self.host} cannot be resolved") from error
        failure: OSError | None = None
        for family, kind, protocol, _, place in found:
            sock = socket.socket(family, kind, protocol)
            sock.setblocking(False)
            try:
                await loop.sock_connect(sock, place)
            except OSError as error:
                sock.close()
                failure = error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise ProxyError(f"the proxy {self.host}:{self.port} cannot be reached") from failure

    async def _ask(self, sock: socket.socket, authority: str) -> None:
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
        if self.authorization:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(sock, "\r\n".join([*lines, "", ""]).encode("ascii"))
            said = b""
            while b"\r\n\r\n" not in said and len(said) < _MOST:
                piece = await loop.sock_recv(sock, _MOST)
                if not piece:
                    raise ProxyError(f"the proxy {self.host}:{self.port} hung up")
                said += piece
        except ConnectionError as error:
            raise ProxyError(f"the proxy {self.host}:{self.port} hung up") from error
        self._check(said)

    def _check(self, said: bytes) -> None:
        head = _STATUS.match(said)
        if head is None:
            raise ProxyError(f"what is at {self.host}:{self.port} is no HTTP proxy")
        status = int(head[1])
        if not 200 <= status < 300:
            raise ProxyError(f"the proxy {self.host}:{self.port} refused with {status}", answered=True)
        if not said.endswith(b"\r\n\r\n") or said.count(b"\r\n\r\n") > 1:
            raise ProxyError(f"the proxy {self.host}:{self.port} speaks in the receiver's place", answered=True)
