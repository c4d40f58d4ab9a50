"""Bytes to text: the encodings that circulate."""

from __future__ import annotations

import codecs
import re

from dispatch.errors import IntakeError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)

# The commonest characters of Chinese prose, and how the traditional script writes those it writes otherwise: a text
# decoded in the wrong encoding has next to none of them.
_COMMON = frozenset(
    "的一是在不了有和中大为上个国我以要时来用们到作地于出会发行年区高新科技业展创"
    "為個國時來們於會發區業創學與這開關對過經實現動產進後長體點機電"
)
_LEAST_COMMON = 0.05
_SAMPLE = 20_000

_LEAST_UTF16 = 16  # characters, to tell UTF-16 from other bytes with zeros among them

_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x7f\ufffe\uffff]")


def decode(data: bytes, name: str) -> str:
    """The text of a file in UTF-8, UTF-16, GB18030 or Big5 with the characters of Hong Kong.

    Raises IntakeError, which calls the file `name` and says where decoding failed.
    """
    if data.startswith(_UTF32):
        raise IntakeError(f"{name}: the encoding is UTF-32; save the file as UTF-8")
    if data.startswith(_UTF16):
        return _utf16(data, name)
    if b"\x00" in data:
        if (text := _bare_utf16(data)) is not None:
            return text
        raise IntakeError(
            f"{name}: binary data (a NUL at byte {data.index(0)}), not text; save the issue as UTF-8 text"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = _chinese(data)
        if text is None:
            line = data.count(b"\n", 0, error.start) + 1
            raise IntakeError(
                f"{name}: the encoding is broken at byte {error.start} (line {line}): neither UTF-8 nor GB18030 nor "
                "Big5; save the file as UTF-8"
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


def _bare_utf16(data: bytes) -> str | None:
    """UTF-16 without a byte order mark, in the order of bytes that gives the likelier text."""
    if len(data) % 2 or len(data) < 2 * _LEAST_UTF16:
        return None
    texts = [text for codec in ("utf-16-le", "utf-16-be") if (text := _decoded(data, codec)) is not None]
    return max((text for text in texts if _is_text(text)), key=likeness, default=None)


def _is_text(text: str) -> bool:
    return _CONTROLS.search(text) is None and (text.isascii() or likeness(text) > 0)


def _chinese(data: bytes) -> str | None:
    """Whichever of the Chinese encodings gives the likelier text: each accepts much of what the others write."""
    texts = [text for codec in ("gb18030", "big5hkscs") if (text := _decoded(data, codec)) is not None]
    best = max(texts, key=likeness, default=None)
    return best if best is not None and likeness(best) else None


def _decoded(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None


def likeness(text: str) -> float:
    """How much a text looks like Chinese prose: the share of its commonest characters, 0 where it cannot be any."""
    others = [char for char in text[:_SAMPLE] if char > "\x7f"]
    hanzi = [char for char in others if "\u4e00" <= char <= "\u9fff"]
    if not hanzi or len(hanzi) * 2 < len(others):
        return 0.0
    share = sum(char in _COMMON for char in hanzi) / len(hanzi)
    return share if share >= _LEAST_COMMON else 0.0
