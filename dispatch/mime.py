"""MIME (RFC 2045 to 2049) as far as reports and attachments need it, read within bounds.

Not by `email.parser`: its time grows with the depth of nesting times the number of lines, and its recursion with the
depth, both of which a stranger chooses. Here a body is cut at its boundaries, five levels deep and sixty parts wide at
most, and what is beyond stays unread, of which the mail says so. Nothing raises, whatever the bytes.
"""

from __future__ import annotations

import binascii
import codecs
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.header import decode_header
from email.message import Message
from email.utils import collapse_rfc2231_value

MOST_BYTES = 2_000_000  # of a mail; what comes after is not looked at
_MOST_HEAD = 200_000
_MOST_FIELDS = 1_000
_MOST_VALUE = 4_000
_MOST_TEXT = 200_000
DEEPEST = 5
"""Levels of parts that are read."""
MOST_PARTS = 60
"""Parts of a mail that are read, itself among them."""
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:(.*)", re.DOTALL)
# Those that decode in linear time and to text: others decode bytes to bytes, unpack, or take the square of the length.
_CHARSETS = re.compile(
    r"utf[-_]?8|us-ascii|ascii|iso[-_]?8859[-_]\d{1,2}|latin[-_]?1|windows-\d{3,4}|cp\d{3,4}|gb2312|gbk|gb18030|big5"
    r"|big5-hkscs|hz-gb-2312|iso-2022-(?:jp|kr|cn)|shift[-_]jis|euc-(?:jp|kr)|koi8-[ru]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Part:
    """A mail, or a part of one: its fields in order with their names in lower case, its type (`text/plain` where it
    says none), and its body, or its parts. Of a mail, `is_cut` says whether parts of it are left out: those beyond the
    sixtieth, or in more than five levels."""

    fields: tuple[tuple[str, str], ...]
    kind: str = "text/plain"
    parameters: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    parts: tuple[Part, ...] = ()
    is_cut: bool = False

    def all(self, name: str) -> list[str]:
        """The values of a field, unfolded, as they stand."""
        return [value for found, value in self.fields if found == name]

    def get(self, name: str) -> str:
        """The first value of a field, or ""."""
        return next((value for found, value in self.fields if found == name), "")

    def words(self, name: str) -> str:
        """The first value of an unstructured field, with its encoded words decoded (RFC 2047)."""
        return decoded_words(self.get(name))

    @property
    def file_name(self) -> str:
        """What the sender calls an attachment, or ""."""
        return file_name(self.get("content-disposition")) or decoded_words(_parameter(self.get("content-type"), "name"))

    @property
    def text(self) -> str:
        """The body as text."""
        return _decoded(self.body[:_MOST_TEXT], self.parameters.get("charset", "utf-8"))

    def walk(self) -> Iterator[Part]:
        """This part and those in it, in order."""
        yield self
        for part in self.parts:
            yield from part.walk()


def read(data: bytes, most_bytes: int = MOST_BYTES) -> Part:
    """A mail from its bytes, of which the first two million count, or as many as are said."""
    data = data[:most_bytes].replace(b"\r\n", b"\n")
    if data.startswith((b"From ", b">From ")):  # the line that a pipe of an MTA, or an mbox, puts before it
        data = data.partition(b"\n")[2]
    budget = _Budget(MOST_PARTS)
    found = _part(data, DEEPEST, budget)
    return replace(found, is_cut=budget.is_spent)


def read_fields(data: bytes) -> tuple[tuple[str, str], ...]:
    """A block of header fields."""
    return _fields(data.replace(b"\r\n", b"\n"))


@dataclass(slots=True)
class _Budget:
    parts: int
    is_spent: bool = False
    """Whether there were more parts, or deeper ones."""


def _part(data: bytes, depth: int, budget: _Budget) -> Part:
    budget.parts -= 1
    head, body = _split(data)
    fields = _fields(head)
    kind, parameters = _content_type(next((value for name, value in fields if name == "content-type"), ""))
    has_parts = kind.startswith("multipart/") and bool(parameters.get("boundary"))
    if has_parts and depth > 0:
        parts = []
        for piece in _pieces(body, parameters["boundary"].encode("utf-8", "replace")):
            if budget.parts <= 0:
                budget.is_spent = True
                break
            parts.append(_part(piece, depth - 1, budget))
        return Part(fields, kind, parameters, b"", tuple(parts))
    budget.is_spent = budget.is_spent or has_parts
    encoding = next((value for name, value in fields if name == "content-transfer-encoding"), "")
    return Part(fields, kind, parameters, _transferred(body, encoding.strip().lower()))


def _split(data: bytes) -> tuple[bytes, bytes]:
    """Head and body, at the first empty line."""
    if data.startswith(b"\n"):
        return b"", data[1:]
    head, _, body = data.partition(b"\n\n")
    return head[:_MOST_HEAD], body


def _fields(head: bytes) -> tuple[tuple[str, str], ...]:
    unfolded: list[list[bytes]] = []
    for line in head.split(b"\n", _MOST_FIELDS * 5)[: _MOST_FIELDS * 5]:
        if line[:1] in (b" ", b"\t"):
            if unfolded:
                unfolded[-1].append(line)
        elif len(unfolded) < _MOST_FIELDS:
            unfolded.append([line])
    found = (_FIELD.match(b"".join(lines)[: 2 * _MOST_VALUE]) for lines in unfolded)
    return tuple((item[1].decode().lower(), _as_text(item[2])) for item in found if item)


def _as_text(value: bytes) -> str:
    return value.decode("utf-8", "replace").strip()[:_MOST_VALUE]


def _content_type(value: str) -> tuple[str, dict[str, str]]:
    """The type and those of its parameters that matter here."""
    carrier = Message()
    carrier["content-type"] = " ".join(value[:1_000].split())
    found = {}
    for name in ("boundary", "charset", "report-type"):
        parameter = carrier.get_param(name)
        text = parameter[2] if isinstance(parameter, tuple) else parameter
        if isinstance(text, str):
            found[name] = text.strip()
    return carrier.get_content_type(), found


def file_name(disposition: str) -> str:
    """The name of a file in a Content-Disposition field, or "" (RFC 2183 2.3, RFC 2231; and encoded words, as many
    programs write it)."""
    return decoded_words(_parameter(disposition, "filename"))


def _parameter(value: str, name: str) -> str:
    """A parameter of a structured field, or ""."""
    carrier = Message()
    carrier["content-type"] = " ".join(value[:_MOST_VALUE].split())
    try:
        return collapse_rfc2231_value(carrier.get_param(name, "")).strip()
    except (LookupError, ValueError, TypeError):  # an encoding that nobody knows
        return ""


def _pieces(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """What stands between lines of `--boundary`, to `--boundary--` or the end (RFC 2046 5.1.1)."""
    begin = -1  # where the piece at hand begins
    for found in re.finditer(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*$", body, re.MULTILINE):
        if begin >= 0:
            yield body[begin : max(begin, found.start() - 1)]
        if found[1]:
            return
        begin = found.end() + 1
    if begin >= 0:
        yield body[begin:]


def _transferred(body: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        try:
            return binascii.a2b_base64(body)
        except binascii.Error:
            return body
    return quopri.decodestring(body) if encoding == "quoted-printable" else body


def _decoded(data: bytes, charset: str) -> str:
    """Bytes as text. What names no charset that is known, or another than its own, is tried as UTF-8 and GB 18030."""
    if _CHARSETS.fullmatch(charset):
        try:
            return codecs.decode(data, charset)
        except (UnicodeError, LookupError):
            pass
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


def decoded_words(value: str) -> str:
    """A field's words (RFC 2047) on one line."""
    if "=?" not in value:
        return " ".join(value.split())
    try:
        pieces = decode_header(value[:_MOST_VALUE])
    except Exception:
        # The library raises errors of its own for base64 that is none, and for some more: the words stay as they are.
        return " ".join(value.split())
    texts = (
        _decoded(piece, charset or "ascii") if isinstance(piece, bytes) else str(piece) for piece, charset in pieces
    )
    return " ".join("".join(texts).split())
