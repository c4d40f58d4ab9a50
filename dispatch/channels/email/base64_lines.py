"""Base64 bodies (RFC 2045 6.8) that are encoded once and filled in many times.

Three bytes are four characters, so what is the same for all readers is encoded once for each of the three places in a
group of three bytes where it can begin. What differs is encoded with the byte or two that are left over before it, and
with as many of those behind it as make its length a multiple of three. Lines are at most 76 characters long; a line
ends early where a piece ends, which every decoder passes over.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Sequence
from functools import lru_cache
from struct import Struct

_LINE = 76  # characters, RFC 2045 6.8: 57 bytes
CRLF = b"\r\n"


def lines(data: bytes) -> bytes:
    """`data` in lines, each with its end; nothing for nothing."""
    if not data:
        return b""
    encoded = b2a_base64(data, newline=False)
    if len(encoded) <= _LINE:
        return encoded + CRLF
    whole = len(encoded) // _LINE
    found = [*_cut(whole).unpack_from(encoded), encoded[whole * _LINE :]]
    if found[-1]:
        found.append(b"")
    return CRLF.join(found)


@lru_cache(maxsize=1024)
def _cut(count: int) -> Struct:
    """Cuts so many lines off at once."""
    return Struct(f"{_LINE}s" * count)


class Constant:
    """Bytes that are the same for every reader, encoded for each place at which they have begun so far."""

    __slots__ = ("_encoded", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._encoded: list[tuple[bytes, bytes] | None] = [None, None, None]

    def __len__(self) -> int:
        return len(self.raw)

    def after(self, skipped: int) -> tuple[bytes, bytes]:
        """What follows the first `skipped` (0 to 2) bytes: encoded in whole groups of three, and what is left over."""
        found = self._encoded[skipped]
        if found is None:
            rest = self.raw[skipped:]
            whole = len(rest) - len(rest) % 3
            found = self._encoded[skipped] = (lines(rest[:whole]), rest[whole:])
        return found


def weave(constants: Sequence[Constant], values: Sequence[bytes]) -> list[bytes]:
    """The encoded pieces of `constants[0] values[0] constants[1] … constants[n]`; each constant between two values has
    at least two bytes."""
    encoded, left = constants[0].after(0)
    pieces = [encoded]
    last = len(values)
    for place, value in enumerate(values, start=1):
        constant = constants[place]
        raw = left + value
        short = -len(raw) % 3
        if place == last and len(constant) < short + 3:
            pieces.append(lines(raw + constant.raw))
            return pieces
        pieces.append(lines(raw + constant.raw[:short]))
        encoded, left = constant.after(short)
        pieces.append(encoded)
    if left:
        pieces.append(lines(left))
    return pieces
