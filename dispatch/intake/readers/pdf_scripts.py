"""What is raised or lowered in a line of a PDF: smaller characters above or below its base line."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from dispatch.intake.readers.pdf_glyph import Glyph
from dispatch.intake.readers.scripts import Script, scripted

_SMALLER = 0.86  # times the size of the line
_RAISED, _LOWERED = 0.15, 0.06  # sizes of the line from its base line at least
_FARTHEST = 0.6  # sizes of the line from its base line
_JOINED = 0.45  # sizes of the line between it and what is raised
_WIDEST = 0x2E80  # from here on characters are Chinese, and none is raised
_LONGEST = 12  # characters


def with_scripts(glyphs: Sequence[Glyph]) -> list[Glyph]:
    """The glyphs of a base line from the left, those that are raised or lowered as plain text."""
    if not glyphs or min(glyph.size for glyph in glyphs) > _SMALLER * max(glyph.size for glyph in glyphs):
        return list(glyphs)
    texts = scripted([(glyph.char, script) for glyph, script in zip(glyphs, _scripts(glyphs), strict=True)])
    return [
        glyph if glyph.char == text else glyph._replace(char=text)
        for glyph, text in zip(glyphs, texts, strict=True)
        if text
    ]


def _scripts(glyphs: Sequence[Glyph]) -> list[Script]:
    shown = [glyph for glyph in glyphs if not glyph.char.isspace()]
    largest = max((glyph.size for glyph in shown), default=0.0)
    ground = next((glyph for glyph in shown if glyph.size > _SMALLER * largest), None)
    found: list[Script] = []
    for glyph in glyphs:
        script = script_over(glyph, ground) if ground and not glyph.char.isspace() else Script.NONE
        if script is Script.NONE and not glyph.char.isspace():
            ground = glyph
        found.append(script)
    return found


def script_over(glyph: Glyph, ground: Glyph) -> Script:
    """What a glyph is to the line that another one stands on."""
    if glyph.size > _SMALLER * ground.size or ord(glyph.char[0]) >= _WIDEST:
        return Script.NONE
    above = (ground.base - glyph.base) / ground.size
    if _RAISED <= above <= _FARTHEST:
        return Script.RAISED
    return Script.LOWERED if _LOWERED <= -above <= _FARTHEST else Script.NONE


def put_in_lines(rows: Sequence[list[Glyph]]) -> list[list[Glyph]]:
    """The glyphs of rows, with what is raised or lowered in the row that it belongs to and not in one of its own."""
    found = [list(row) for row in rows]
    for at in range(len(found)):
        for other in (at + 1, at - 1):
            if 0 <= other < len(found) and found[at]:
                moved = _belonging(found[at], found[other])
                if moved:
                    found[other] += moved
                    gone = set(map(id, moved))
                    found[at] = [glyph for glyph in found[at] if id(glyph) not in gone]
    return [row for row in found if row]


def _belonging(row: Sequence[Glyph], line: Sequence[Glyph]) -> list[Glyph]:
    """The stretches of a row that stand close behind a larger character of a line."""
    large = max((glyph.size for glyph in line), default=0.0)
    if not any(glyph.size <= _SMALLER * large for glyph in row):
        return []
    grounds = sorted((glyph for glyph in line if not glyph.char.isspace()), key=lambda glyph: glyph.x1)
    ends = [glyph.x1 for glyph in grounds]
    found: list[Glyph] = []
    for stretch in _stretches(row):
        at = bisect_right(ends, stretch[0].x0 + _JOINED * large / 3) - 1
        if at < 0 or len(stretch) > _LONGEST:
            continue
        near = stretch[0].x0 - ends[at] < _JOINED * grounds[at].size
        if near and all(script_over(glyph, grounds[at]) is not Script.NONE for glyph in stretch):
            found += stretch
    return found


def _stretches(row: Sequence[Glyph]) -> Iterator[list[Glyph]]:
    """Glyphs that stand close to each other, from the left."""
    shown = sorted((glyph for glyph in row if not glyph.char.isspace()), key=lambda glyph: glyph.x0)
    start = 0
    for at, (before, after) in enumerate(pairwise(shown), 1):
        if after.x0 - before.x1 > _JOINED * max(before.size, after.size):
            yield shown[start:at]
            start = at
    if shown:
        yield shown[start:]
