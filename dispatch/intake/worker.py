"""The process that reads strangers' files: `python -m dispatch.intake.worker`, started by `dispatch.intake.sandbox`.

It has no settings, no database and no network, and what it may take of memory and time is limited. A file that makes
it hang or die has had no more than this process. It ends when its input does.
"""

from __future__ import annotations

import os

# Before the rest is loaded: nothing that comes with it can then take more than it may.
from dispatch.intake.confinement import confine, limit_memory, limit_time

if __name__ == "__main__":
    confine()

import errno
import json
import sys
import traceback
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from dispatch.catalog import load_catalog
from dispatch.errors import DispatchError
from dispatch.intake import frames
from dispatch.intake.answer import Answer, too_much
from dispatch.intake.lockdown import lock_down
from dispatch.intake.reading import Reader


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Answer questions until `source` ends."""
    start = _json(source)
    if start is None:
        return
    reader = Reader(load_catalog(override=Path(start["catalog"]) if start["catalog"] else None))
    limit_memory(start["memory_mb"])
    lock_down([Path(start["catalog"])] if start["catalog"] else [])
    frames.write(target, frames.READY)
    while (question := _json(source)) is not None:
        limit_time(start["seconds"])
        data = frames.read(source)
        if data is None:
            return
        frames.write(target, _answer(reader, question, data))
        del data  # before the next one comes


def _json(source: BinaryIO) -> Any:
    data = frames.read(source)
    return None if data is None else json.loads(data)


def _answer(reader: Reader, question: dict[str, str], data: bytes) -> bytes:
    name = question["name"]
    try:
        found = _read(reader, question, data)
        if found.excess:
            return _refusal(f"{name}: {too_much(found.excess)}")
        answer = frames.encode(found.json())
    except DispatchError as error:
        return _refusal(str(error))
    except MemoryError:
        _out_of_memory()
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            _out_of_memory()
        print(_place(error), file=sys.stderr, flush=True)  # noqa: T201 (the program's log takes it from there)
        return _refusal(f"{name}: cannot be read ({type(error).__name__}); please report it with the file")
    if len(answer) > frames.MAX_ANSWER:
        return _refusal(f"{name}: {too_much(f'over {frames.MAX_ANSWER // 1_000_000} MB of text')}")
    return answer


def _read(reader: Reader, question: dict[str, str], data: bytes) -> Answer:
    if question["what"] == "article":
        return Answer(article=reader.article(data, question["suffix"], question["name"]))
    return Answer(reading=reader.issue(data, question["suffix"], question["name"]))


def _refusal(words: str) -> bytes:
    return frames.encode(Answer(error=words).json())


def _place(error: Exception) -> str:
    """Where an error that nobody foresaw came up, without what the file says."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"


def _out_of_memory() -> NoReturn:
    os._exit(frames.OUT_OF_MEMORY)  # nothing more is made: there is no room for it


def _answers() -> BinaryIO:
    """Where answers go. What a library prints goes elsewhere, so that it cannot be taken for one."""
    own = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(own, "wb")


if __name__ == "__main__":
    try:
        serve(sys.stdin.buffer, _answers())
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(1)  # whoever asked is gone
    except MemoryError:
        _out_of_memory()
