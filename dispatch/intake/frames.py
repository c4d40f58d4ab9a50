"""What the program and a process that reads for it say to each other: frames, a length (64 bits, network order) and
so many bytes.

The program begins with what the process needs to know, which answers by `READY`. Then each question is two frames, what
is asked and the file's bytes, and each answer one, an `Answer` of `dispatch.intake.answer`. All but the bytes are JSON.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

_HEAD = struct.Struct("!Q")
HEAD_BYTES = _HEAD.size
READY = b'"ready"'
MAX_ANSWER = 24_000_000
"""Bytes of an answer. It is several times that once it is read; five million characters of Chinese are below."""

OUT_OF_MEMORY = 86
"""The exit code of a process that has come to its limit of memory."""


def head(size: int) -> bytes:
    """What stands before a frame's bytes."""
    return _HEAD.pack(size)


def size_of(data: bytes | bytearray) -> int:
    """The bytes that follow a head."""
    return int(_HEAD.unpack_from(data)[0])


def encode(value: Mapping[str, Any]) -> bytes:
    """A value as JSON for a frame."""
    return json.dumps(value, ensure_ascii=False).encode()


def write(target: BinaryIO, data: bytes) -> None:
    """Write a frame."""
    target.write(head(len(data)))
    target.write(data)
    target.flush()


def read(source: BinaryIO) -> bytes | None:
    """The next frame; None at the end of the input."""
    start = source.read(HEAD_BYTES)
    if len(start) < HEAD_BYTES:
        return None
    size = size_of(start)
    data = source.read(size)
    return data if len(data) == size else None
