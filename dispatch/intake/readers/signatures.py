"""Forms that are no text, told by the first bytes of a file, whatever its name says."""

from __future__ import annotations

import re

_ZIP = (
    "this is a Word document (.docx) or another ZIP archive; open it and save it as plain text (UTF-8), "
    "or convert it to Markdown"
)
_DOC = "this is a Word document (.doc) or another file of Office; open it and save it as plain text (UTF-8)"
_RTF = "this is an RTF document; open it and save it as plain text (UTF-8)"
_IMAGE = "this is an image; have its text recognised (OCR) and save that as Markdown or plain text (UTF-8)"

_SIGNATURES = (
    (re.compile(rb"PK(?:\x03\x04|\x05\x06|\x07\x08)"), _ZIP),
    (re.compile(rb"\xd0\xcf\x11\xe0"), _DOC),
    (re.compile(rb"\{\\rtf\d"), _RTF),
    (re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8[79]a|RIFF.{4}WEBP|II\*\x00|MM\x00\*|BM.{4}\x00{4}", re.DOTALL), _IMAGE),
)
_READ: tuple[tuple[str, re.Pattern[bytes]], ...] = (("pdf", re.compile(rb"(?:\xef\xbb\xbf)?\s{0,20}%PDF-?")),)


def advice_for(data: bytes) -> str:
    """What a file is and what to do with it; "" for what may be text."""
    return next((advice for signature, advice in _SIGNATURES if signature.match(data)), "")


def form_of(data: bytes) -> str:
    """The form of a file of bytes that a reader of ours reads, by its first bytes: "" for any other."""
    return next((form for form, signature in _READ if signature.match(data)), "")
