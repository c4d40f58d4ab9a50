"""Forms that are no text, told by the first bytes of a file, whatever its name says."""

from __future__ import annotations

import re

_AS_DOCX = "open it and save it as .docx or as a PDF"
_LOCKED = "this Word document has a password (or another lock of Office); open it, save it without one"
_DOC = f"this is a Word document of the old kind (.doc) or another old file of Office, which is not read; {_AS_DOCX}"
_XLS = "this is an Excel workbook of the old kind (.xls), which is not read; save the issue as .docx or as a PDF"
_PPT = "this is a PowerPoint presentation of the old kind (.ppt); save the issue as .docx or as a PDF"
_RTF = "this is an RTF document; open it and save it as plain text (UTF-8)"
_IMAGE = "this is an image; have its text recognised (OCR) and save that as Markdown or plain text (UTF-8)"


def _compound(stream: str) -> re.Pattern[bytes]:
    """A file of Office before 2007 (OLE2, MS-CFB), or any that is locked, with a stream of that name in it."""
    name = re.escape(stream.encode("utf-16-le"))
    return re.compile(rb"\xd0\xcf\x11\xe0.*?" + name, re.DOTALL)


_SIGNATURES = (
    (_compound("EncryptedPackage"), _LOCKED),
    (_compound("WordDocument"), _DOC),  # before the others: a workbook may be embedded in it
    (_compound("Workbook"), _XLS),
    (_compound("PowerPoint Document"), _PPT),
    (_compound(""), _DOC),
    (re.compile(rb"\{\\rtf\d"), _RTF),
    (re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8[79]a|RIFF.{4}WEBP|II\*\x00|MM\x00\*|BM.{4}\x00{4}", re.DOTALL), _IMAGE),
)
_READ: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    # Any ZIP: its reader looks in, and says what it is if it is no Word document.
    ("pdf", re.compile(rb"(?:\xef\xbb\xbf)?\s{0,20}%PDF-?")),
    ("docx", re.compile(rb"PK(?:\x03\x04|\x05\x06|\x07\x08)")),
)


def advice_for(data: bytes) -> str:
    """What a file is and what to do with it; "" for what may be text."""
    return next((advice for signature, advice in _SIGNATURES if signature.match(data)), "")


def form_of(data: bytes) -> str:
    """The form of a file of bytes that a reader of ours reads, by its first bytes: "" for any other."""
    return next((form for form, signature in _READ if signature.match(data)), "")
