"""The contents list: where it stands, its columns and its titles.

No mark says where the list ends and the text begins. But what the list announces comes again: the first heading of
the text is a line that the list has already.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dispatch.intake.folding import LONGEST_HEADING, bracketed, fold, heading_key, is_running
from dispatch.intake.line import Line
from dispatch.intake.masthead import is_contents_label
from dispatch.intake.names import ColumnNames, nearest

_MOST_LINES = 600
_MOST_BODY_LINES = 3_000
_MOST_PREFACES = 5  # passages of text before the list, such as a note of the editors
_LONGEST_COLUMN = 12  # characters, of a name that only its place shows to be a column's
_LEADER = re.compile(r"(?:\s*[.…·．⋯_—-]{3,}\s*|\s+|\s*[/／(（]\s*)[Pp]?\d{1,3}\s*[)）]?$|\s*[.…·．⋯_]{3,}$")
_AUTHOR_AND_PAGE = re.compile(r"(?<=\S)\s*[.…·．⋯_]{2,}\s*[^\s.…·．⋯_][^.…·．⋯_]{0,20}$")
_AUTHOR = re.compile(r"(?<=\S)\s*[.…·．⋯_]{3,}\s*[^\s.…·．⋯_][^.…·．⋯_]{0,20}$")  # behind a title and its leader


@dataclass(frozen=True, slots=True)
class Entry:
    """A title of the list. `number` is its line in the source, `place` how warnings name that."""

    text: str
    number: int
    place: str = ""

    @property
    def key(self) -> str:
        return heading_key(self.text)


@dataclass(frozen=True, slots=True)
class Section:
    """A column of the list with its titles; the name is "" for titles that no column precedes."""

    name: str
    number: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """The list, and where in the lines it was found to begin and end. Without sections there is none."""

    sections: tuple[Section, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    number: int
    bracketed: bool
    hinted: bool
    place: str


def find_contents(lines: Sequence[Line], names: ColumnNames) -> Contents:
    """The contents list in the lines after a masthead."""
    labels = (index for index, line in enumerate(lines[:_MOST_LINES]) if is_contents_label(line.text))
    label = next(labels, None)
    for start, prose in _stretches(lines, 0 if label is None else label + 1):
        end = _body_start(lines, start, prose, names)
        if end is not None:
            end = _without_first_column(lines, start, end, names)
            return Contents(_sections(lines[start:end], lines[end:], names), start, end)
    return Contents((), 0, 0 if label is None else label + 1)


def _stretches(lines: Sequence[Line], first: int) -> Iterator[tuple[int, int]]:
    """The stretches without running text near the top, each as its start and its end."""
    start = first
    for _ in range(_MOST_PREFACES):
        while start < len(lines) and is_running(lines[start]):
            start += 1
        end = start
        while end < len(lines) and end - start < _MOST_LINES and not is_running(lines[end]):
            end += 1
        if end - start >= 2:
            yield start, end
        start = end
        if start >= len(lines):
            return


def _body_start(lines: Sequence[Line], start: int, prose: int, names: ColumnNames) -> int | None:
    """The first line before `prose` that repeats one before it; not if its own repetition is still to come."""
    later = Counter(fold(line.text) for line in lines[start:] if len(line.text) <= LONGEST_HEADING)
    keys: list[str] = []
    texts: list[str] = []
    for index in range(start, prose):
        text = lines[index].text
        if not text:
            continue
        key, folded = heading_key(text), fold(text)
        later[folded] -= 1
        if _repeats(text, key, keys, texts, names, later[folded] > 0):
            return index
        for piece in _pieces(lines[index]):
            keys.append(heading_key(piece.text))
            texts.append(piece.text)
    return None


def _without_first_column(lines: Sequence[Line], start: int, end: int, names: ColumnNames) -> int:
    """The end of a list that has titles only: the name of the first column stands between it and its first title.

    It shows as a name that ends the list, that does not come again, and that other entries are not like.
    """
    last = next((index for index in range(end - 1, start, -1) if not lines[index].rule), start)
    line = lines[last]
    others = [entry for entry in lines[start:last] if not entry.rule]
    pair = bracketed(line.text)
    if not others or (pair and pair[1]) or len(line.text) > _LONGEST_COLUMN:
        return end
    if heading_key(line.text) in {heading_key(entry.text) for entry in lines[end:] if len(entry.text) <= 40}:
        return end
    marked = pair or names.find(line.text) or line.hinted
    return last if marked or not any(entry.hinted or bracketed(entry.text) for entry in others) else end


def _repeats(
    text: str, key: str, keys: Sequence[str], texts: Sequence[str], names: ColumnNames, comes_again: bool
) -> bool:
    if key in keys:
        return True
    if known := names.find(text):
        return any(names.find(other) == known for other in texts)
    return not comes_again and nearest(key, keys) is not None


def _pieces(line: Line) -> list[_Piece]:
    """A line of the list: a title, a column, or a column with its first title behind it."""
    if line.rule:
        return []
    text = _LEADER.sub("", line.text) or line.text
    if author := (_AUTHOR if text == line.text else _AUTHOR_AND_PAGE).search(text):
        text = text[: author.start()]
    pair = bracketed(text)
    if pair is None:
        return [_Piece(text, line.number, False, line.hinted, line.place)]
    found = [_Piece(pair[0], line.number, True, line.hinted, line.place)]
    return [*found, _Piece(pair[1], line.number, False, False, line.place)] if pair[1] else found


def _sections(lines: Sequence[Line], body: Sequence[Line], names: ColumnNames) -> tuple[Section, ...]:
    pieces = [piece for line in lines for piece in _pieces(line)]
    columns = _column_indexes(pieces, body, names)
    found: list[Section] = []
    for index, piece in enumerate(pieces):
        if index in columns:
            found.append(Section(piece.text, piece.number, ()))
        else:
            entry = Entry(piece.text, piece.number, piece.place)
            last = found.pop() if found else Section("", piece.number, ())
            found.append(Section(last.name, last.number, (*last.entries, entry)))
    return tuple(found)


def _column_indexes(pieces: Sequence[_Piece], body: Sequence[Line], names: ColumnNames) -> set[int]:
    """Which entries are columns: by brackets and known names, else by marks, else as the text has them."""
    known = {index for index, piece in enumerate(pieces) if piece.bracketed or names.find(piece.text)}
    if known:
        return known
    hinted = {index for index, piece in enumerate(pieces) if piece.hinted}
    if hinted and len(hinted) < len(pieces):
        return hinted
    return _columns_by_text(pieces, body)


def _columns_by_text(pieces: Sequence[_Piece], body: Sequence[Line]) -> set[int]:
    """The entries that the text follows up with another entry: a column's name has a title below it, not text."""
    content = [line for line in body if not line.rule][:_MOST_BODY_LINES]
    matched = _matched(
        pieces, [heading_key(line.text) if len(line.text) <= LONGEST_HEADING else "" for line in content]
    )
    return {
        here
        for here, following in pairwise(matched)
        if here is not None and following is not None and following != here
    }


def _matched(pieces: Sequence[_Piece], lines: Sequence[str]) -> list[int | None]:
    """For each line of the text the entry that it is, if any: equal ones first, then the likest."""
    keys = {heading_key(piece.text): index for index, piece in enumerate(pieces)}
    found = [keys.get(line) for line in lines]
    free = [at for at, line in enumerate(lines) if line and found[at] is None]
    texts = [lines[at] for at in free]
    for key in keys.keys() - set(lines):
        if near := nearest(key, texts):
            found[free[near[0]]] = keys[key]
    return found
