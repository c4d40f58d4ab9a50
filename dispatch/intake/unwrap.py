"""Lines as their author meant them: paragraphs wrapped at a fixed width put together again."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from dispatch.intake.folding import ends_sentence
from dispatch.intake.line import Line, LineKind

_PART = re.compile(r"[一二三四五六七八九十]{1,3}、|[(（][一二三四五六七八九十]{1,3}[)）]|\d{1,2}[.．、](?!\d)")
_NARROWEST, _WIDEST = 40, 240  # columns of a fixed-width line; a Chinese character takes two
_SLACK = 3  # columns by which a full line may fall short, since punctuation must not begin a line
_WORD = 12  # columns by which a line falls short whose next word did not fit
_LEAST_LINES = 12


def unwrapped(lines: Sequence[Line]) -> list[Line]:
    """The lines with those joined that a fixed width had divided; unchanged where no such width shows."""
    widths = [0 if line.kind in (LineKind.TABLE, LineKind.NOTE) else line.indent + _width(line.text) for line in lines]
    full = _full_width(widths)
    if full is None:
        return list(lines)
    margin = min(line.indent for line in lines)
    found: list[Line] = []
    parts: list[Line] = []
    for index, line in enumerate(lines):
        if parts and line.indent == margin and _continues(lines[index - 1], line, widths[index - 1], full):
            parts.append(line)
            continue
        _flush(found, parts)
        found.append(line)
        parts = [line]
    _flush(found, parts)
    return found


def _flush(found: list[Line], parts: list[Line]) -> None:
    if len(parts) <= 1:
        return
    texts, marks = [parts[0].text], list(parts[0].marks)
    length = len(parts[0].text)
    for previous, line in pairwise(parts):
        text = _seam(previous.text, line.text) + line.text
        shift = length + len(text) - len(line.text)
        marks += [replace(mark, start=mark.start + shift, end=mark.end + shift) for mark in line.marks]
        texts.append(text)
        length += len(text)
    found[-1] = replace(found[-1], text="".join(texts), marks=tuple(marks))


def _continues(previous: Line, line: Line, width: int, full: int) -> bool:
    if line.kind is not LineKind.TEXT or previous.kind in (LineKind.TABLE, LineKind.NOTE):
        return False
    if line.gap or line.rule or previous.rule or line.hinted or previous.hinted or width < full - _WORD:
        return False
    if line.text[0] in "(（" and line.text[-1] in ")）":
        return False  # a credit
    return not (ends_sentence(previous.text) and _PART.match(line.text))


def _seam(left: str, right: str) -> str:
    return " " if left[-1].isascii() and left[-1].isalpha() and right[0].isascii() and right[0].isalpha() else ""


def _full_width(widths: Sequence[int]) -> int | None:
    """The width that most lines of a document are filled to, or None."""
    counts = Counter(width for width in widths if width >= _NARROWEST)
    total = sum(counts.values())
    if total < _LEAST_LINES or max(counts) > _WIDEST:
        return None
    best = max(counts, key=lambda width: sum(counts[width - back] for back in range(_SLACK + 1)))
    near = sum(counts[best - back] for back in range(_SLACK + 1))
    over = sum(count for width, count in counts.items() if width > best)
    return best if near * 2 >= total and over * 20 <= total else None


def _width(text: str) -> int:
    """Columns on a terminal; only short lines need to be measured exactly."""
    if len(text) > _WIDEST:
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in "WFA" else 1 for char in text)
