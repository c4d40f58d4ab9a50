"""The program of a process that signs: batches come in by standard input, signatures go out by standard output.

It is run by its path and takes `dkim` from the file beside it, so that nothing else of this program is loaded: a
process of about 30 MB. It ends when its input does, thus also when the process that started it is killed.

A frame is a list of byte strings: how many, the length of each (all 32 bits, network order), then the strings.
"""

from __future__ import annotations

import importlib.util
import signal
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from dispatch.channels.email.dkim import Signer

READY = b"ready"
"""The only string of the first frame that the process sends: it has the keys."""

REFUSED = b"!"
"""What an answer begins with that is no signature but the reason why there is none."""


def frame(strings: Sequence[bytes]) -> bytes:
    """The strings as one frame."""
    return struct.pack(f"!{len(strings) + 1}I", len(strings), *map(len, strings)) + b"".join(strings)


def unframe(data: bytes | bytearray) -> tuple[list[bytes], int] | None:
    """The strings of the first frame in `data`, and how many bytes it has; None where it is not there as a whole."""
    if len(data) < 4:
        return None
    (count,) = struct.unpack_from("!I", data)
    at = 4 + 4 * count
    if len(data) < at:
        return None
    lengths = struct.unpack_from(f"!{count}I", data, 4)
    if len(data) < at + sum(lengths):
        return None
    strings = []
    for length in lengths:
        strings.append(bytes(data[at : at + length]))
        at += length
    return strings, at


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Answer frames until `source` ends. The first has the keys, three strings each (`SigningKey.pack`); every other
    one header, body hash, header, body hash …, and is answered by the signatures."""
    keys = _read(source)
    if keys is None:
        return
    signer = _signer(keys)
    _write(target, [READY])
    while (asked := _read(source)) is not None:
        _write(target, [_signed(signer, head, hashed) for head, hashed in zip(asked[::2], asked[1::2], strict=True)])


def _signed(signer: Signer, head: bytes, hashed: bytes) -> bytes:
    try:
        return signer.sign(head, hashed)
    except ValueError as error:  # this message is at fault, and the others of the batch are not
        return REFUSED + str(error).encode()


def _signer(packed: Sequence[bytes]) -> Signer:
    spec = importlib.util.spec_from_file_location("dkim_signatures", Path(__file__).with_name("dkim.py"))
    assert spec
    assert spec.loader
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    keys = [module.SigningKey.unpack(*packed[at : at + 3]) for at in range(0, len(packed), 3)]
    signer: Signer = module.Signer(keys)
    return signer


def _read(source: BinaryIO) -> list[bytes] | None:
    """The next frame; None at the end."""
    first = source.read(4)
    if len(first) < 4:
        return None
    (count,) = struct.unpack("!I", first)
    lengths = struct.unpack(f"!{count}I", source.read(4 * count))
    return [source.read(length) for length in lengths]


def _write(target: BinaryIO, strings: Sequence[bytes]) -> None:
    target.write(frame(strings))
    target.flush()


def _main() -> None:
    # Who stops the whole group means the first process, which may have messages in flight that want a signature.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with suppress(BrokenPipeError, struct.error):  # it is gone, or was killed in the middle of a frame
        serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    _main()
