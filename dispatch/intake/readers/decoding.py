"""Bytes to clean text: the encodings that circulate, and the characters that no text needs."""

from __future__ import annotations

import codecs
import re

from dispatch.errors import IntakeError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)

# The commonest characters of Chinese prose: a text decoded in the wrong encoding has next to none of them.
_COMMON = frozenset("的一是在不了有和中大为上个国我以要时来用们到作地于出会发行年区高新科技业展创")
_LEAST_COMMON = 0.05
_SAMPLE = 20_000

_LINE_ENDS = re.compile(r"\r\n?|[\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_UNWANTED = re.compile(
    "["
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # control characters
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible, and those that reorder
    "\ud800-\udfff"
    "\ue000-\uf8ff\U000f0000-\U0010ffff"  # private use: our own marks are made of these
    "\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e0fff"
    "]+"
)
_SPACES = re.compile(r"[\t\xa0\u2000-\u200a\u202f\u205f]")


def decode(data: bytes, name: str) -> str:
    """The text of a file. Raises IntakeError, which calls the file `name` and says where decoding failed."""
    if data.startswith(_UTF32):
        raise IntakeError(f"{name}: the encoding is UTF-32; save the file as UTF-8")
    if data.startswith(_UTF16):
        return _utf16(data, name)
    if b"\x00" in data:
        raise IntakeError(
            f"{name}: binary data (a NUL at byte {data.index(0)}), not text; save the issue as UTF-8 text"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = _gb18030(data)
        if text is None:
            line = data.count(b"\n", 0, error.start) + 1
            raise IntakeError(
                f"{name}: the encoding is broken at byte {error.start} (line {line}): neither UTF-8 nor GB18030; "
                "save the file as UTF-8"
            ) from None
        return text


def _utf16(data: bytes, name: str) -> str:
    try:
        text = data.decode("utf-16")
    except UnicodeDecodeError as error:
        raise IntakeError(f"{name}: broken UTF-16 at byte {error.start}; save the file as UTF-8") from None
    if "\x00" in text:
        raise IntakeError(f"{name}: binary data, not text; save the issue as UTF-8 text")
    return text


def _gb18030(data: bytes) -> str | None:
    """GB18030 accepts nearly any bytes, so the text must look Chinese too."""
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return None
    return text if _looks_chinese(text) else None


def _looks_chinese(text: str) -> bool:
    others = [char for char in text[:_SAMPLE] if char > "\x7f"]
    hanzi = [char for char in others if "\u4e00" <= char <= "\u9fff"]
    if not hanzi or len(hanzi) * 2 < len(others):
        return False
    return sum(char in _COMMON for char in hanzi) >= _LEAST_COMMON * len(hanzi)


def clean(text: str) -> str:
    """Line ends as \\n, blanks of all sorts as a space (the ideographic one stays), what cannot be seen removed."""
    return _SPACES.sub(" ", _UNWANTED.sub("", _LINE_ENDS.sub("\n", text)))
