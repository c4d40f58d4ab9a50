"""What a sheet would take in memory, found out from the text of its parts before it is opened.

A reader makes a cell of every place between the first and the last, whether there is text or not, and a copy of a
shared text for every cell that refers to it: a few kilobytes can become gigabytes. Nothing here may be counted too
low; what is written in an uncommon way is counted rather too high.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable

from subscribers.errors import BadFile

MOST_CELLS = 25_000_000  # between the first and the last cell of a sheet; also of shared texts
MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384  # of a sheet, as Excel has it
LONGEST_TEXT = 32_767  # characters of a cell, as Excel has it
MOST_TEXT = 1_000_000_000  # characters of all cells that refer to a shared text
_LONGEST_TAG = 1 << 16

_PREFIX = rb"(?:[^\s<>/:!?]+:)?"
_NAME = rb"[^\s<>=\"'/]+"
_OTHER = rb"\s+(?!r[\s=])" + _NAME + rb"\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*')"
_PLACED = rb"(?:" + _OTHER + rb")*+\s+r\s*=\s*[\"']([A-Za-z]*)([0-9]+)[\"']"
# A row or cell, and its reference where the tag is written in the common way. It never reaches beyond a < or >, so that
# nothing can hide what follows it.
_PLACE = re.compile(rb"<" + _PREFIX + rb"(row|c)(?=[\s/>])(?:" + _PLACED + rb")?")
_REFERENCE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]*)([0-9]+)["']""")
_VALUE = re.compile(
    rb"<" + _PREFIX + rb"v(?=[\s/>])((?:\s+" + _NAME + rb"\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'))*+\s*(?:/>|>[^<]*</))?"
)
_SHARED = re.compile(rb"<" + _PREFIX + rb"si(?=[\s/>])")
_TAG = re.compile(rb"<[A-Za-z/][^<>]*>")
_ENTITY = re.compile(rb"&#?[A-Za-z0-9]{1,8};")
_CONTINUED = bytes(range(0x80, 0xC0))  # of UTF-8: bytes that begin no character


class Guard:
    """Looks at all parts of a book: it says itself which of them are its sheets."""

    def __init__(self) -> None:
        self._lengths = array("I")  # of the shared texts
        self._references = array("I")  # to each of them
        self._unclear = 0  # references to nobody knows which

    def part(self) -> Part:
        return Part(self)

    def add_text(self, length: int) -> None:
        if len(self._lengths) >= MOST_CELLS:
            raise BadFile(f"the file has more than {MOST_CELLS:,} texts: cut it into several, or save it as CSV")
        self._lengths.append(length)

    def refer(self, values: Iterable[bytes]) -> None:
        """Note the values of cells: any number can be that of a shared text."""
        for value, count in Counter(values).items():
            text = value.partition(b">")[2].removesuffix(b"</").strip()
            if not value or b"&#" in text:
                self._unclear += count
            elif (digits := text.removeprefix(b"+")).isdigit() and len(digits) < 40:
                self._refer_to(int(digits), count)

    def _refer_to(self, number: int, count: int) -> None:
        if number < MOST_CELLS:
            missing = number + 1 - len(self._references)
            if missing > 0:
                self._references.frombytes(bytes(missing * self._references.itemsize))
            self._references[number] += count

    def refuse_too_much(self) -> None:
        """Called in the end. Raises BadFile for texts that would not fit into memory."""
        total = self._unclear * max(self._lengths, default=0)
        total += sum(length * count for length, count in zip(self._lengths, self._references, strict=False))
        if total > MOST_TEXT:
            raise BadFile(
                f"the cells of the file have {total:,} characters in all: cut it into several, or save it as CSV"
            )


class Part:
    """The text of one part, looked at piece by piece."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._tail = b""
        self._row = self._column = 0  # the farthest
        self._last = 0  # the column of the last cell of this row
        self._least = 0  # the column that any cell can stand behind
        self._text: int | None = None  # the length of the shared text that is read

    def look(self, piece: bytes) -> None:
        """Raises BadFile for a sheet that would not fit into memory."""
        text = self._tail + piece
        cut = text.rfind(b"<")
        if cut < 0 or b">" in text[cut:]:
            cut = len(text)
        elif len(text) - cut > _LONGEST_TAG:
            if text[cut + 1 : cut + 2].isalpha():
                raise BadFile(f"not a readable XLSX file: a tag has more than {_LONGEST_TAG:,} characters")
            cut = len(text)
        # A value counts as a whole: it is kept until the tag behind it is there.
        value = text.rfind(b"<", 0, cut)
        if value >= 0 and cut - value <= _LONGEST_TAG and _VALUE.match(text, value, cut):
            cut = value
        self._tail = text[cut:]
        self._read(text[:cut])

    def end(self) -> None:
        """There is no more of the part."""
        self._read(self._tail)
        self._tail = b""
        self._end_text()

    def _read(self, text: bytes) -> None:
        self._place(text)
        self._guard.refer(_VALUE.findall(text))
        self._measure(text)

    def _place(self, text: bytes) -> None:
        found = _PLACE.findall(text)
        if not found:
            return
        references = _REFERENCE.findall(text)
        clear = sum(1 for _, _, digits in found if digits)
        if len(references) > clear:  # some stand in tags that are written in an uncommon way: nobody knows where
            self._least = max(self._least, *(_number(letters) for letters, _ in references))
            self._row = max(self._row, *(_digits(digits) for _, digits in references))
        if clear < len(found):
            self._count(found)
        elif references:
            letters, digits = zip(*references, strict=True)
            self._last = self._column = max(self._column, *map(_number, set(letters)))
            self._row = max(self._row, *map(_digits, set(digits)))
        self._refuse_span()

    def _count(self, found: Iterable[tuple[bytes, bytes, bytes]]) -> None:
        """Rows and cells without a reference stand behind those before them."""
        for name, letters, digits in found:
            self._row = max(self._row, _digits(digits))
            if name == b"row":
                self._last = self._least
                self._row += not digits
            else:
                self._last = max(self._last, _number(letters)) if digits else max(self._last, self._least) + 1
                self._column = max(self._column, self._last)

    def _refuse_span(self) -> None:
        rows, columns = self._row, max(self._column, self._least)
        if rows > MOST_ROWS or columns > MOST_COLUMNS or max(rows, 1) * max(columns, 1) > MOST_CELLS:
            raise BadFile(
                f"the sheet reaches to row {rows:,} and column {columns:,}, most of it empty: copy the rows into a new"
                " sheet, or save it as CSV"
            )

    def _measure(self, text: bytes) -> None:
        """How long the shared texts are: the first piece is of the one before."""
        first, *others = _SHARED.split(text)
        self._go_on(first)
        for other in others:
            self._end_text()
            self._text = 0
            self._go_on(b"<si" + other)

    def _go_on(self, text: bytes) -> None:
        if self._text is None:
            return
        self._text += len(_ENTITY.sub(b"x", _TAG.sub(b"", text)).translate(None, _CONTINUED))
        if self._text > LONGEST_TEXT:
            raise BadFile(f"the file has a text of more than {LONGEST_TEXT:,} characters, which no cell can hold")

    def _end_text(self) -> None:
        if self._text is not None:
            self._guard.add_text(self._text)
        self._text = None


def _number(letters: bytes) -> int:
    """A -> 1, Z -> 26, AA -> 27."""
    number = 0
    for letter in letters.upper()[:8]:
        number = number * 26 + letter - 64
    return number


def _digits(digits: bytes) -> int:
    return int(digits[:20] or b"0")
