"""A browser's single file of a page (MHTML, RFC 2557): the page in it, without its pictures.

Parts are found by splitting at boundaries, which takes time in proportion to the file; the standard library's parser
is used for the fields of headers alone.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from email.message import Message
from email.parser import BytesHeaderParser

from dispatch.errors import IntakeError

_HEAD = re.compile(rb"\A\s{0,20}[A-Za-z][A-Za-z0-9-]{0,40}:[^\r\n]{0,998}\r?\n")
_MULTIPART = re.compile(rb"^(?:MIME-Version|Content-Type)\s*:", re.IGNORECASE | re.MULTILINE)
_LONGEST_HEAD = 64_000
_DEEPEST = 3
_MOST_PARTS = 5_000


def is_mhtml(data: bytes) -> bool:
    """Whether bytes begin as a message does, rather than as a page."""
    return _HEAD.match(data) is not None and _MULTIPART.search(data[:_LONGEST_HEAD]) is not None


def page_of(data: bytes, name: str) -> tuple[bytes, str]:
    """The first page in a single file, and the encoding that its header names ("" for none). Raises IntakeError."""
    found = _page(data, _DEEPEST)
    if found is None:
        raise IntakeError(f"{name}: there is no page in this single file (MHTML); save the page as HTML")
    return found


def _page(data: bytes, depth: int) -> tuple[bytes, str] | None:
    header, body = _divided(data)
    kind = header.get_content_type()
    if kind in {"text/html", "application/xhtml+xml"}:
        return _decoded(header, body), header.get_content_charset("")
    boundary = header.get_boundary("") if kind.startswith("multipart/") else ""
    if not boundary or not depth:
        return None
    parts = body.split(b"--" + boundary.encode("ascii", "replace"), _MOST_PARTS)[1:]
    return next((found for part in parts if (found := _page(part.lstrip(b"\r\n"), depth - 1))), None)


def _divided(data: bytes) -> tuple[Message, bytes]:
    empty = re.search(rb"\r?\n\r?\n", data[:_LONGEST_HEAD])
    at = empty.end() if empty else len(data)
    return BytesHeaderParser().parsebytes(data[: min(at, _LONGEST_HEAD)]), data[at:]


def _decoded(header: Message, body: bytes) -> bytes:
    way = str(header.get("Content-Transfer-Encoding", "")).strip().lower()
    if way == "quoted-printable":
        return quopri.decodestring(body)
    if way == "base64":
        try:
            return base64.b64decode(body)
        except binascii.Error:
            return base64.b64decode(body + b"==", validate=False) if len(body) % 4 else b""
    return body
