"""Reading the answer to one request, as HTTP/1.1 (RFC 9112) and HTTP/1.0 have it, from a server that may mean ill.

Nothing here touches a network. At most MAX_READ bytes of an answer are looked at, all told: what became of a message
may stand far behind in it. A connection is good for another request only where the answer's end was certain and nothing
came after it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType

MAX_READ = 65_536
"""Bytes of an answer that are read, with its headers; a receiver that says more is cut off."""

MAX_KEPT = 2_048
"""Bytes of an answer's body that are stored, to tell a person."""

_MAX_HEAD = 32_768
_MAX_INTERIM = 8  # answers of 1xx before the one that counts
_MAX_LINE = 256  # bytes of the line before a chunk

_STATUS = re.compile(r"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: [^\x00\r\n]*)?")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BLANK = " \t"
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00\r\n]*)?")
_NO_BODY = (204, 304)


class AnswerProtocolError(Exception):
    """What came is no answer of HTTP/1; the words are ours and hold nothing of it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A receiver's answer: headers by lower-case name, and the beginning of the body. It is not `whole` where the body
    broke off, did not come in time, or was longer than MAX_READ."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    whole: bool = True


class _Reading(Enum):
    HEAD = auto()
    LENGTH = auto()  # a body of so many bytes
    TO_THE_END = auto()  # a body that ends with the connection
    CHUNK_LINE = auto()
    CHUNK = auto()
    CHUNK_END = auto()
    TRAILER = auto()
    DONE = auto()


class AnswerReader:
    """Takes an answer piece by piece. `begun` says whether anything has come at all, `reusable` whether the connection
    is good for another request."""

    __slots__ = ("_body", "_data", "_headers", "_interim", "_keeps", "_left", "_read", "_state", "_status", "reusable")

    def __init__(self) -> None:
        self._data = b""
        self._read = 0
        self._state = _Reading.HEAD
        self._interim = 0
        self._status = 0
        self._headers: Mapping[str, str] = MappingProxyType({})
        self._body = bytearray()
        self._left = 0
        self._keeps = False
        self.reusable = False

    @property
    def begun(self) -> bool:
        return self._read > 0

    def feed(self, data: bytes) -> bool:
        """Take what came; whether that is the end of the answer. Raises AnswerProtocolError."""
        room = MAX_READ - self._read
        self._read += len(data)
        self._data = self._data + data[:room] if self._data else data[:room]
        while self._state is not _Reading.DONE and self._step():
            pass
        if self._state is _Reading.DONE:
            self.reusable = self._keeps and not self._data and self._read <= MAX_READ
            return True
        if self._read < MAX_READ:
            return False
        if not self._status:
            raise AnswerProtocolError("its headers have no end")
        return True

    def end(self) -> bool:
        """The connection has ended; whether the answer has, too. Raises AnswerProtocolError where there is none."""
        if not self._status:
            raise AnswerProtocolError("no answer came" if not self.begun else "the answer broke off")
        if self._state is _Reading.TO_THE_END:
            self._state = _Reading.DONE
        return self._state is _Reading.DONE

    def answer(self) -> Answer | None:
        """What has come of it so far; None before its status."""
        if not self._status:
            return None
        return Answer(self._status, self._headers, bytes(self._body), whole=self._state is _Reading.DONE)

    def _step(self) -> bool:
        """Go on with what is there; whether there may be more to do."""
        match self._state:
            case _Reading.HEAD:
                return self._head()
            case _Reading.LENGTH | _Reading.CHUNK:
                return self._counted()
            case _Reading.TO_THE_END:
                self._keep(self._data)
                self._data = b""
                return False
            case _Reading.CHUNK_LINE:
                return self._chunk_line()
            case _Reading.CHUNK_END:
                return self._chunk_end()
            case _Reading.TRAILER:
                return self._trailer()
        return False

    def _head(self) -> bool:
        at = self._data.find(b"\r\n\r\n")
        if at < 0:
            # What speaks another protocol is known by its first bytes, and need not be waited for.
            if not self._data.startswith(b"HTTP/1."[: len(self._data)]) or len(self._data) > _MAX_HEAD:
                raise AnswerProtocolError("its answer is no HTTP")
            return False
        head, self._data = self._data[:at], self._data[at + 4 :]
        version, status, headers = _parsed(head)
        if status < 200:
            self._interim += 1
            if status == 101 or self._interim > _MAX_INTERIM:
                raise AnswerProtocolError("it goes on to what was not asked for")
            return True
        self._frame(version, status, headers)
        self._status, self._headers = status, MappingProxyType(headers)
        return True

    def _frame(self, version: int, status: int, headers: dict[str, str]) -> None:
        """How long the body is (RFC 9112, 6.3), and whether the connection lasts (9.3)."""
        options = {option.strip() for option in headers.get("connection", "").lower().split(",")}
        self._keeps = "close" not in options and (version == 1 or "keep-alive" in options)
        coding, length = headers.get("transfer-encoding"), headers.get("content-length")
        if status in _NO_BODY:
            self._state = _Reading.DONE
        elif coding is not None:
            self._keeps = self._keeps and length is None and version == 1
            chunked = coding.lower().rpartition(",")[2].strip() == "chunked"
            self._state = _Reading.CHUNK_LINE if chunked else _Reading.TO_THE_END
        elif length is not None:
            self._left = _length(length)
            self._state = _Reading.LENGTH if self._left else _Reading.DONE
        else:
            self._state = _Reading.TO_THE_END
        self._keeps = self._keeps and self._state is not _Reading.TO_THE_END

    def _counted(self) -> bool:
        piece, self._data = self._data[: self._left], self._data[self._left :]
        self._keep(piece)
        self._left -= len(piece)
        if self._left:
            return False
        self._state = _Reading.DONE if self._state is _Reading.LENGTH else _Reading.CHUNK_END
        return True

    def _chunk_line(self) -> bool:
        line = self._line()
        if line is None:
            return False
        found = _CHUNK.fullmatch(line)
        if not found:
            raise AnswerProtocolError("a chunk of its answer has no length")
        self._left = int(found[1], 16)
        self._state = _Reading.CHUNK if self._left else _Reading.TRAILER
        return True

    def _chunk_end(self) -> bool:
        if len(self._data) < 2:
            return False
        if self._data[:2] != b"\r\n":
            raise AnswerProtocolError("a chunk of its answer has no end")
        self._data = self._data[2:]
        self._state = _Reading.CHUNK_LINE
        return True

    def _trailer(self) -> bool:
        end = self._data.find(b"\r\n")
        if end < 0:
            return False
        self._data = self._data[end + 2 :]
        if not end:
            self._state = _Reading.DONE
        return True

    def _line(self) -> bytes | None:
        end = self._data.find(b"\r\n", 0, _MAX_LINE)
        if end < 0:
            if len(self._data) >= _MAX_LINE:
                raise AnswerProtocolError("a chunk of its answer has no length")
            return None
        line, self._data = self._data[:end], self._data[end + 2 :]
        return line

    def _keep(self, piece: bytes) -> None:
        self._body += piece


def _parsed(head: bytes) -> tuple[int, int, dict[str, str]]:
    """Minor version, status, and headers, those of one name joined by commas (RFC 9110, 5.3)."""
    first, *lines = head.decode("latin-1").split("\r\n")
    found = _STATUS.fullmatch(first)
    if not found:
        raise AnswerProtocolError("its answer is no HTTP")
    if head.count(b"\r") != len(lines) or head.count(b"\n") != len(lines) or b"\x00" in head:
        raise AnswerProtocolError("a header of its answer is none")
    headers: dict[str, str] = {}
    name = ""
    for line in lines:
        written, colon, value = line.partition(":")
        if colon and _NAME.fullmatch(written):
            name = written.lower()
            headers[name] = f"{headers[name]}, {value.strip(_BLANK)}" if name in headers else value.strip(_BLANK)
        elif name and line[:1] in _BLANK:  # a folded line (RFC 9112, 5.2)
            headers[name] = f"{headers[name]} {line.strip(_BLANK)}"
        else:
            raise AnswerProtocolError("a header of its answer is none")
    return int(found[1]), int(found[2]), headers


def _length(value: str) -> int:
    """Of a body; the same length said several times is one."""
    said = {one.strip() for one in value.split(",")}
    length = said.pop()
    if said or not (length.isascii() and length.isdigit()) or len(length) > 18:
        raise AnswerProtocolError("its answer has no length")
    return int(length)
