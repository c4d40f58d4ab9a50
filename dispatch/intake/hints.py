"""Which hints of the markup mean anything: where text is marked as headings are, the marks tell nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dispatch.intake.folding import is_prose
from dispatch.intake.line import Line

_SHORTEST = 12  # characters of a line that is surely text
_MOST_MARKED = 5  # one line of text in five may carry a mark: a lead in bold, a slip of a converter


def telling(lines: Sequence[Line]) -> list[Line]:
    """The lines without the levels, and without the bold, that much of the running text has too."""
    prose = [line for line in lines if len(line.text) >= _SHORTEST and is_prose(line.text)]
    drop_levels = sum(line.level > 0 for line in prose) * _MOST_MARKED > len(prose)
    drop_bold = sum(line.bold for line in prose) * _MOST_MARKED > len(prose)
    if not (drop_levels or drop_bold):
        return list(lines)
    return [replace(line, level=0 if drop_levels else line.level, bold=line.bold and not drop_bold) for line in lines]
