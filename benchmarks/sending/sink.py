"""A mail server on loopback that takes all it is given and costs next to nothing, so that senders are what is measured.

    benchmarks/sending/sink.py [--delay SECONDS] [--tls]

It is a process of its own: the port comes as a line of JSON; each line on its standard input asks for a line of JSON
about what was taken since the last, and the end of the input ends it. Commands are read and answered as RFC 5321 has
them, in groups too (PIPELINING, RFC 2920); a body is searched for its end alone, over the borders of chunks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import queue
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
import zlib
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, cast

_END = b"\r\n.\r\n"
_LONGEST = 4096  # bytes of a command, more than RFC 5321 4.5.3.1 asks for
_SAMPLES = 3
_HEADERS = 2048  # bytes in which dots are many
_QUICKACK = getattr(socket, "TCP_QUICKACK", 0)  # Linux has it
_DOTS = 40  # beyond which a body is taken for one of plain text
_EXTENSIONS = (b"PIPELINING", b"SIZE 52428800", b"8BITMIME", b"SMTPUTF8")


def fingerprint(address: str) -> int:
    """What an accepted recipient adds to `recipients` of a report: the sum tells two lists of addresses apart."""
    return zlib.crc32(address.encode())


def end_of_body(data: bytes, at: int) -> int:
    """Where CRLF.CRLF begins in a chunk, or -1. Base64 has no dots, and one byte is found thirty times as fast as
    five: that is what makes a large body cheap."""
    found = data.find(_END, at, at + _HEADERS)
    if found >= 0:
        return found
    dot = at + _HEADERS - 5
    for _ in range(_DOTS):
        dot = data.find(b".", dot + 1)
        if dot < 0 or data[dot - 2 : dot + 3] == _END:
            return max(dot - 2, -1)
    return data.find(_END, dot - 1)


class Tally:
    """What was taken since the last report."""

    def __init__(self) -> None:
        self.open = 0
        self.begin()

    def begin(self) -> None:
        self.accepted = 0
        self.bytes = 0
        self.recipients = 0
        self.connections = 0
        self.most_open = self.open
        self.refused = 0
        self.samples: list[str] = []
        self.delays: list[float] = []
        self._cpu = time.process_time()

    def take(self, recipients: int, size: int) -> None:
        """One message is accepted."""
        self.accepted += 1
        self.recipients += recipients
        self.bytes += size

    def report(self) -> dict[str, Any]:
        """The numbers since the last report: `cpu` is seconds of this process, `delay` those a reply waited."""
        found = {
            "accepted": self.accepted,
            "bytes": self.bytes,
            "recipients": self.recipients,
            "connections": self.connections,
            "most_open": self.most_open,
            "refused": self.refused,
            "samples": self.samples,
            "delay": statistics.fmean(self.delays) if self.delays else 0.0,
            "cpu": time.process_time() - self._cpu,
        }
        self.begin()
        return found


class Delay:
    """Writes replies so many seconds after what they answer has come, in order. A thread waits for it: the event loop's
    timers go by whole milliseconds. How late replies have been is taken off, so that the mean is what was asked for."""

    def __init__(self, seconds: float, tally: Tally, loop: asyncio.AbstractEventLoop) -> None:
        self._seconds = seconds
        self._tally = tally
        self._loop = loop
        self._late = 0.0
        self._waiting: queue.SimpleQueue[tuple[float, asyncio.Transport, bytes]] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="delay", daemon=True).start()

    def write(self, transport: asyncio.Transport, reply: bytes) -> None:
        self._waiting.put((time.monotonic() + self._seconds, transport, reply))

    def _work(self) -> None:
        while True:
            due, transport, reply = self._waiting.get()
            time.sleep(max(due - self._late - time.monotonic(), 0))
            self._loop.call_soon_threadsafe(self._send, due, transport, reply)

    def _send(self, due: float, transport: asyncio.Transport, reply: bytes) -> None:
        late = time.monotonic() - due
        self._late = min(max(self._late + late / 50, 0), self._seconds / 2)
        self._tally.delays.append(self._seconds + late)
        _write(transport, reply)


def _write(transport: asyncio.Transport, reply: bytes) -> None:
    if not transport.is_closing():
        transport.write(reply)


class Session(asyncio.Protocol):
    """One client."""

    def __init__(self, tally: Tally, delay: Delay | None, tls: ssl.SSLContext | None) -> None:
        self._tally = tally
        self._delay = delay
        self._tls = tls
        self._secure = self._upgrading = False
        self._rest = b""  # of a command that has not come whole
        self._in_body = False
        self._tail = b""  # the last bytes of the body so far: its end may begin in them
        self._sender = False
        self._recipients = 0
        self._rcpt_sum = 0
        self._size = 0
        self._kept: list[bytes] | None = None
        self._replies: list[bytes] = []
        self._upgrade: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._socket = transport.get_extra_info("socket")
        self._tally.open += 1
        self._tally.connections += 1
        self._tally.most_open = max(self._tally.most_open, self._tally.open)
        self._answer(b"220 sink.test ESMTP\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        self._tally.open -= 1

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data, self._rest = self._rest + data, b""
        if self._upgrading:  # the first command under TLS is here before the transport that answers it
            self._rest = data
            return
        at = 0
        while at < len(data):
            found = self._body(data, at) if self._in_body else self._command(data, at)
            if found < 0:
                break
            at = found
        if self._replies:
            self._answer(b"".join(self._replies))
            self._replies.clear()

    def _answer(self, reply: bytes) -> None:
        if self._delay:
            self._delay.write(self._transport, reply)
        else:
            _write(self._transport, reply)

    def _body(self, data: bytes, at: int) -> int:
        """Where the body ends, or -1 where it goes on in the next chunk."""
        tail = self._tail
        across = (tail + data[at : at + 4]).find(_END)
        end = at + across + 5 - len(tail) if across >= 0 else end_of_body(data, at) + 5
        if across < 0 and end < 5:
            self._size += len(data) - at
            self._tail = (tail + data[max(at, len(data) - 4) :])[-4:]
            self._acknowledge()
            if self._kept is not None:
                self._kept.append(data[at:])
            return -1
        if self._kept is not None:
            self._keep(data[at:end])
        self._tally.take(self._rcpt_sum, self._size + end - at)
        self._replies.append(b"250 2.0.0 Ok: queued\r\n")
        self._reset()
        return end

    def _acknowledge(self) -> None:
        """Let no sender wait 40 ms that writes the end of a body for itself (Nagle's algorithm, RFC 896) for an
        acknowledgement that is put off (RFC 1122 4.2.3.2)."""
        if _QUICKACK and self._socket:
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def _keep(self, last: bytes) -> None:
        whole = b"".join([*(self._kept or ()), last])
        self._tally.samples.append(whole.removesuffix(b".\r\n").decode("latin-1"))

    def _reset(self) -> None:
        self._in_body = self._sender = False
        self._recipients = self._rcpt_sum = self._size = 0
        self._kept = None

    def _command(self, data: bytes, at: int) -> int:
        """Where the next command begins, or -1 where this one has not come whole."""
        end = data.find(b"\r\n", at)
        if end < 0:
            self._rest = data[at:]
            if len(self._rest) > _LONGEST:
                self._transport.abort()
            return -1
        line = data[at:end]
        reply = self._reply(line[:4].upper(), line)
        if reply[:1] in (b"4", b"5"):
            self._tally.refused += 1
        if reply:
            self._replies.append(reply)
        return end + 2

    def _reply(self, verb: bytes, line: bytes) -> bytes:
        if verb == b"MAIL":
            if self._sender:
                return b"503 5.5.1 Sender is given already\r\n"
            self._sender = True
            return b"250 2.1.0 Ok\r\n"
        if verb == b"RCPT":
            if not self._sender:
                return b"503 5.5.1 MAIL first\r\n"
            self._recipients += 1
            self._rcpt_sum += zlib.crc32(line[line.find(b"<") + 1 : line.find(b">")])
            return b"250 2.1.5 Ok\r\n"
        if verb == b"DATA":
            return self._data()
        return self._seldom(verb, line)

    def _data(self) -> bytes:
        if not self._recipients:
            return b"503 5.5.1 RCPT first\r\n"
        self._in_body, self._tail = True, b"\r\n"
        if len(self._tally.samples) < _SAMPLES:
            self._kept = []
        return b"354 Go on\r\n"

    def _seldom(self, verb: bytes, line: bytes) -> bytes:
        if verb == b"EHLO":
            offered = [*_EXTENSIONS, *([b"STARTTLS"] if self._tls and not self._secure else [])]
            return (
                b"".join(b"250-%s\r\n" % word for word in (b"sink.test", *offered[:-1])) + b"250 %s\r\n" % offered[-1]
            )
        if verb == b"HELO":
            return b"250 sink.test\r\n"
        if verb == b"RSET":
            self._reset()
            return b"250 2.0.0 Ok\r\n"
        if verb == b"NOOP":
            return b"250 2.0.0 Ok\r\n"
        if line.upper() == b"STARTTLS" and self._tls and not self._secure:
            self._upgrading = True
            self._transport.pause_reading()
            self._transport.write(b"220 2.0.0 Go on\r\n")
            self._upgrade = asyncio.get_running_loop().create_task(self._start_tls(self._tls))
            return b""
        if verb == b"QUIT":
            self._transport.write(b"221 2.0.0 Bye\r\n")
            self._transport.close()
            return b""
        return b"502 5.5.2 Unknown command\r\n"

    async def _start_tls(self, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):  # a client that does not go on
            secured = await loop.start_tls(self._transport, self, context, server_side=True)
            self._transport = cast("asyncio.Transport", secured)
            self._secure, self._upgrading = True, False
            self.data_received(b"")


async def _serve(delay: float, tls: ssl.SSLContext | None) -> None:
    loop = asyncio.get_running_loop()
    tally = Tally()
    delayed = Delay(delay, tally, loop) if delay else None
    over = asyncio.Event()

    def asked() -> None:
        if sys.stdin.readline():
            print(json.dumps(tally.report()), flush=True)
        else:
            over.set()

    server = await loop.create_server(lambda: Session(tally, delayed, tls), "127.0.0.1", 0, backlog=1024)
    loop.add_reader(sys.stdin.fileno(), asked)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await over.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds after which replies are given")
    parser.add_argument("--tls", action="store_true", help="offer STARTTLS, with the certificate of the tests")
    options = parser.parse_args()
    if options.tls:  # asyncio's own loop is the faster one under TLS
        sys.path.pop(0)  # not this folder
        sys.path.insert(0, str(Path(__file__).parents[2]))
        from dispatch.testing.certificate import server_tls

        asyncio.run(_serve(options.delay, server_tls()))
        return
    import uvloop

    uvloop.run(_serve(options.delay, None))


class Sink:
    """The process of a sink, from outside."""

    def __init__(self, *options: str) -> None:
        self._command = [sys.executable, __file__, *options]

    def __enter__(self) -> Sink:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self._line()["port"])
        return self

    def report(self) -> dict[str, Any]:
        """What it took since the last report; see `Tally`."""
        assert self._process.stdin
        self._process.stdin.write("report\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout
        return dict(json.loads(self._process.stdout.readline()))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


if __name__ == "__main__":
    main()
