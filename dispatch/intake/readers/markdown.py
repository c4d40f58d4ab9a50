"""Markdown: lines without their markup, and what the markup hints at.

Bulletins come as Markdown made by converters, which CommonMark would misread in ways that matter here: closing `**`
between a Chinese bracket and a letter is literal to it, `1.` starts a list that loses its number, and a line over
`---` becomes a heading. So this reads line by line, leniently, and keeps every word. HTML is dropped, never kept.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import replace

from dispatch.intake.cleaning import clean
from dispatch.intake.line import Line, LineKind, indent_of
from dispatch.intake.readers.emphasis import begins_bold, signed_emphasis
from dispatch.intake.readers.formulas import without_formulas
from dispatch.intake.readers.marking import (
    LINK_OFF,
    LOWERED_OFF,
    LOWERED_ON,
    RAISED_OFF,
    RAISED_ON,
    SIGNS,
    Addresses,
    resolved,
)
from dispatch.intake.readers.notes import placed
from dispatch.intake.readers.page_tables import page_table
from dispatch.intake.readers.pipe_tables import find_table
from dispatch.intake.readers.tables import Cell, grid, table_lines
from dispatch.intake.readers.tags import TABLE, table_number, without_comments, without_html, without_tables
from dispatch.model import Mark

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t\u3000]+|(?=[^\x00-\x7f]))(.*)")
_CLOSING_MARKS = re.compile(r"(?:^|[ \t])#+[ \t]*$")
_ATTRIBUTES = re.compile(r"[ \t]*\{(?:[ \t]*[#.][\w:.-]{1,100}|[ \t]*[\w-]{1,40}=\"[^\"{}]{0,200}\")+[ \t]*\}")
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
_QUOTE = re.compile(r"\A {0,3}(?:>[ \t]?)+")
_BULLET = re.compile(r"\A([ \t]*)[-*+][ \t]+(?:\[[ xX]\][ \t]+)?(?=\S)")
_NUMBERED = re.compile(r"\A([ \t]+)\d{1,3}[.)][ \t]+(?=\S)")
_INNER = 2  # columns by which a list inside another one stands further in
_FENCE = re.compile(r" {0,3}(?:`{3,}[^`]*|~{3,}.*)")
_DIV = re.compile(r" {0,3}:{3,}(?:[ \t]*(?:\{[^{}]*\}|[\w-]+))?[ \t]*:*[ \t]*")
_PAGE = re.compile(r"\{(\d{1,4})\}-{3,}[ \t]*")
_NOTE = re.compile(r"\A {0,3}\[\^([\w-]{1,40})\]:[ \t]*(.*)\Z")
_REFERENCE = re.compile(r" {0,3}\[([^\[\]]{1,200})\]:[ \t]*(?:<|#|/|[a-z]{3,6}:).*")
_SIGNS = re.compile(f"[{SIGNS}]")
_TARGET = re.compile(r"\]:[ \t]*<?([^\s<>]{1,2000})")
_FRONT_MATTER = re.compile(
    r"\A(?:[ \t]*\n){0,9}---[ \t]*\n(?:[A-Za-z_][\w-]{0,40}:.{0,500}\n|[ \t].{0,500}\n){0,60}---[ \t]*\n"
)

_ADDRESS = r"\((?:[^()\n]|\([^()\n]*\))*+\)"
_IMAGE = re.compile(rf"!\[[^\[\]\n]*\](?:{_ADDRESS}|\[[^\[\]\n]*\])(?:\{{[^{{}}\n]*\}})?")
_LINK = re.compile(rf"\[([^\[\]\n]*)\]({_ADDRESS})")
_LABELLED = re.compile(r"\[([^\[\]\n]{1,300})\]\[([^\[\]\n]{0,200})\]")
_SPAN = re.compile(r"\[([^\[\]\n]*)\]\{[ \t]*[.#][^{}\n]{0,200}\}")
# As pandoc writes them: 10^4^, H~2~O.
_RAISED = re.compile(r"(?<=[^\s\[^])\^([+\-−]?[A-Za-z\d.,/]{1,8})\^(?!\])")
_LOWERED = re.compile(r"(?<=[A-Za-z)])~([+\-−]?[A-Za-z\d.+\-]{1,8})~(?!~)")
_NOTE_SIGN = re.compile(r"\[\^([\w-]{1,40})\]")
_REFERENCED = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_ESCAPED = re.compile("\ue000([0-9a-f]{2})\ue001")
_SPLIT = re.compile("\x00")


def lines(text: str) -> tuple[Line, ...]:
    """The lines of a Markdown text that has been cleaned: no private-use characters in it."""
    source = without_comments(_without_front_matter(text.replace("\f", "\n")))
    source, tables = without_tables(source)
    addresses = Addresses()
    return _Reading(addresses, tables).read(without_html(source, addresses))


class _Reading:
    """The state of one pass over a document. `_indents` are those of the bullets of the list that is open."""

    def __init__(self, addresses: Addresses, tables: Sequence[str]) -> None:
        self._addresses = addresses
        self._tables = tables
        self._found: list[Line] = []
        self._notes: dict[str, list[Line]] = {}
        self._references: dict[str, int] = {}
        self._labels: dict[str, str] = {}
        self._gap = False
        self._page = 0
        self._note = ""
        self._indents: list[int] = []

    def read(self, text: str) -> tuple[Line, ...]:
        source = [_QUOTE.sub("", raw, count=1) for raw in text.split("\n")]
        self._labels = _labels(source)
        at = 0
        while at < len(source):
            if table := find_table(source, at):
                self._table(table.rows, at + 1)
                at += table.lines
            else:
                self._line(source[at], at + 1)
                at += 1
        return tuple(placed(self._found, self._notes, self._references))

    def _line(self, raw: str, number: int) -> None:
        if not raw.strip():
            self._gap = True
        elif (mark := _UNDERLINE.fullmatch(raw)) and self._underlines(mark[1]):
            self._raise_last(1 if mark[1].startswith("=") else 2)
        elif _RULE.fullmatch(raw):
            self._add(Line("", number, rule=True, gap=self._gap))
        elif page := _PAGE.fullmatch(raw):
            self._page, self._gap = int(page[1]) + 1, True
        elif note := _NOTE.match(raw):
            self._note = note[1]
            self._notes.setdefault(self._note, [])
            self._add_to_note(note[2], number)
        elif self._note and raw.startswith(("    ", "\t")):
            self._add_to_note(raw, number)
        elif not (_FENCE.fullmatch(raw) or _definition(raw) or _DIV.fullmatch(raw)):
            self._text(raw, number)

    def _text(self, raw: str, number: int) -> None:
        self._note = ""
        level = 0
        if heading := _HEADING.fullmatch(raw):
            level, raw = len(heading[1]), _ATTRIBUTES.sub("", _CLOSING_MARKS.sub("", heading[2]))
        kind, depth, raw = (LineKind.TEXT, 0, raw) if level else self._item(raw)
        indent = 0 if level else indent_of(raw)
        bold = begins_bold(raw)
        for part in _SPLIT.split(_cells(raw)):
            if part.startswith(TABLE):
                self._page_table(part, number)
                continue
            content, marks = self._inline(part)
            if content:
                line = Line(content, number, level, bold, self._gap, False, indent, kind, marks=marks, depth=depth)
                self._add(line)
                kind, depth = LineKind.TEXT, 0

    def _item(self, raw: str) -> tuple[LineKind, int, str]:
        """What a line is to the list that is open, its depth there, and the line without its bullet."""
        bullet = _BULLET.match(raw)
        begin = bullet or (_NUMBERED.match(raw) if self._indents else None)
        if begin is None:
            if self._gap and not raw.startswith((" ", "\t")):
                self._indents.clear()
            return LineKind.TEXT, 0, raw
        own = len(begin[1].expandtabs(4))
        while self._indents and self._indents[-1] > own - _INNER:
            self._indents.pop()
        self._indents.append(own)
        return LineKind.ITEM, len(self._indents) - 1, raw[bullet.end() :] if bullet else raw.lstrip()

    def _underlines(self, mark: str) -> bool:
        """Whether a row of = or - makes the line above it a heading. A row of - under a credit is a rule."""
        if self._gap or not self._found or self._found[-1].rule or self._found[-1].kind is not LineKind.TEXT:
            return False
        last = self._found[-1]
        return mark.startswith("=") or (last.gap and len(last.text) <= 60 and last.text[-1] not in "。.!！;；)）")

    def _raise_last(self, level: int) -> None:
        self._found[-1] = replace(self._found[-1], level=level, indent=0)

    def _add(self, line: Line) -> None:
        self._found.append(replace(line, page=self._page) if self._page else line)
        self._gap = False

    # Tables

    def _table(self, rows: Sequence[Sequence[str]], number: int) -> None:
        cells = grid([[Cell(self._inline(cell.replace("\x00", " "))[0]) for cell in row] for row in rows])
        for line in table_lines(cells, number, gap=self._gap):
            self._add(line)

    def _page_table(self, sign: str, number: int) -> None:
        for line in page_table(self._tables[table_number(sign[1])], number):
            self._add(replace(line, gap=True))
        self._gap = True

    # Footnotes

    def _add_to_note(self, raw: str, number: int) -> None:
        text, marks = self._inline(raw)
        if text or not self._notes[self._note]:
            self._notes[self._note].append(Line(text, number, gap=True, marks=marks, page=self._page))

    # Within a line

    def _inline(self, raw: str) -> tuple[str, tuple[Mark, ...]]:
        """The text of a line and its marks: emphasis, links, images, code, escapes, character references resolved."""
        text = without_formulas(raw)
        if "\\" in text:  # an escaped mark must survive the steps below: it waits as its code between two signs of ours
            text = _ESCAPE.sub(lambda match: f"\ue000{ord(match[1]):02x}\ue001", text.rstrip("\\"))
        if "[" in text:
            text = self._links(text)
        if "^" in text or "~" in text:
            text = _RAISED.sub(rf"{RAISED_ON}\1{RAISED_OFF}", text)
            text = _LOWERED.sub(rf"{LOWERED_ON}\1{LOWERED_OFF}", text)
        text = signed_emphasis(text)
        if "&" in text:
            text = _REFERENCED.sub(lambda match: clean(html.unescape(match[0])), text)
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
        return resolved(text, self._addresses)

    def _links(self, text: str) -> str:
        text = _LINK.sub(self._link, _IMAGE.sub("", text))
        if self._labels:
            text = _LABELLED.sub(self._labelled, text)
        return _NOTE_SIGN.sub(self._note_sign, _SPAN.sub(r"\1", text))

    def _link(self, match: re.Match[str]) -> str:
        target = match[2][1:-1].strip()
        href = target[1 : target.find(">")] if target.startswith("<") else target.partition(" ")[0]
        return self._linked(match[1], href)

    def _labelled(self, match: re.Match[str]) -> str:
        href = self._labels.get((match[2] or match[1]).casefold())
        return match[0] if href is None else self._linked(match[1], href)

    def _linked(self, text: str, href: str) -> str:
        # What was escaped before waits as its code; an address has no other signs of ours.
        plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), href)
        return f"{self._addresses.sign(html.unescape(plain))}{text}{LINK_OFF}"

    def _note_sign(self, match: re.Match[str]) -> str:
        self._references.setdefault(match[1], len(self._found))
        return f"[{match[1]}]"


def _labels(source: Sequence[str]) -> dict[str, str]:
    """The addresses that a document defines by name: [name]: http://…"""
    found: dict[str, str] = {}
    for raw in source:
        if definition := _definition(raw):
            found.setdefault(definition[0].casefold(), definition[1])
    return found


def _definition(raw: str) -> tuple[str, str] | None:
    """The name and the address of a line that only defines one."""
    if "]:" not in raw:
        return None
    plain = _SIGNS.sub("", raw)
    label, target = _REFERENCE.fullmatch(plain), _TARGET.search(plain)
    return (label[1], target[1] if target else "") if label else None


def _cells(raw: str) -> str:
    """A table's row as its cells, separated by blanks."""
    row = raw.strip()
    return row.strip("|").replace("|", " ") if row.startswith("|") and row.endswith("|") and len(row) > 1 else raw


def _without_front_matter(text: str) -> str:
    found = _FRONT_MATTER.match(text)
    return "\n" * found[0].count("\n") + text[found.end() :] if found else text
