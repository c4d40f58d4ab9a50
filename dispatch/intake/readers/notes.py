"""Footnotes, put where they are to be read: below the paragraph that refers to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dispatch.intake.folding import ends_sentence
from dispatch.intake.line import Line

_FARTHEST = 6  # lines below the reference within which its paragraph, cut by the ends of pages, comes to an end


def placed(lines: Sequence[Line], notes: Mapping[str, Sequence[Line]], references: Mapping[str, int]) -> list[Line]:
    """The lines with each note behind the paragraph of the line whose index `references` has for its name; a note that
    nothing refers to comes last."""
    behind: dict[int, list[Line]] = {}
    for name, note in notes.items():
        at = _end_of_paragraph(lines, references[name]) if name in references else len(lines) - 1
        behind.setdefault(at, []).extend(note)
    found = list(behind.get(-1, ()))
    for at, line in enumerate(lines):
        found.append(line)
        found.extend(behind.get(at, ()))
    return found


def _end_of_paragraph(lines: Sequence[Line], start: int) -> int:
    for at in range(start, min(start + _FARTHEST, len(lines))):
        if ends_sentence(lines[at].text):
            return at
    return start
