"""Footnotes, put where they are to be read: below the paragraph that refers to them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from dispatch.intake.folding import ends_sentence
from dispatch.intake.line import Line, LineKind
from dispatch.model import Mark

_SIGNED = re.compile(r"[\[(（［〔](?:[\w-]{1,40}|\*)[\])）］〕]")
_FARTHEST = 6  # lines below the reference within which its paragraph, cut by the ends of pages, comes to an end


def whole(name: str, parts: Sequence[Line]) -> list[Line]:
    """A note as one line, with its sign in brackets before it; none for a note without a word."""
    if not parts:
        return []
    head = "" if _SIGNED.match(parts[0].text) else f"[{name}] "
    position = len(head)
    marks: list[Mark] = []
    for part in parts:
        marks += [replace(mark, start=mark.start + position, end=mark.end + position) for mark in part.marks]
        position += len(part.text) + 1
    text = head + " ".join(part.text for part in parts)
    return [replace(parts[0], text=text.rstrip(), kind=LineKind.NOTE, marks=tuple(marks))]


def placed(lines: Sequence[Line], notes: Mapping[str, Sequence[Line]], references: Mapping[str, int]) -> list[Line]:
    """The lines with each note, given in its parts, behind the paragraph of the line whose index `references` has for
    its name; a note that nothing refers to comes last."""
    behind: dict[int, list[Line]] = {}
    for name, note in notes.items():
        at = _end_of_paragraph(lines, references[name]) if name in references else len(lines) - 1
        behind.setdefault(at, []).extend(whole(name, note))
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
