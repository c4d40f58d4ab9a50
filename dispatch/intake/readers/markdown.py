"""Markdown: lines without their markup, and what the markup hints at.

Bulletins come as Markdown made by converters, which CommonMark would misread in ways that matter here: closing `**`
between a Chinese bracket and a letter is literal to it, `1.` starts a list that loses its number, and a line over
`---` becomes a heading. So this reads line by line, leniently, and keeps every word. HTML is dropped, never kept.
"""

from __future__ import annotations

import html
import re

from dispatch.intake.line import Line, indent_of
from dispatch.intake.readers.decoding import clean
from dispatch.intake.readers.emphasis import begins_bold, without_emphasis
from dispatch.intake.readers.tags import without_html

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t\u3000]+|(?=[^\x00-\x7f]))(.*)")
_CLOSING_MARKS = re.compile(r"(?:^|[ \t])#+[ \t]*$")
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
_QUOTE = re.compile(r"\A {0,3}(?:>[ \t]?)+")
_BULLET = re.compile(r"\A[ \t]*[-*+][ \t]+(?=\S)")
_FENCE = re.compile(r" {0,3}(?:`{3,}[^`]*|~{3,}.*)")
_TABLE_SIGNS = frozenset("|:- \t")
_REFERENCE = re.compile(r" {0,3}\[[^\[\]]{1,200}\]:[ \t]*(?:<|#|/|[a-z]{3,6}:).*")
_FRONT_MATTER = re.compile(
    r"\A(?:[ \t]*\n){0,9}---[ \t]*\n(?:[A-Za-z_][\w-]{0,40}:.{0,500}\n|[ \t].{0,500}\n){0,60}---[ \t]*\n"
)

_IMAGE = re.compile(r"!\[[^\[\]\n]*\]\([^()\n]*\)")
_LINK = re.compile(r"\[([^\[\]\n]*)\]\([^()\n]*\)")
_REFERENCED = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_ESCAPED = re.compile("\ue000([0-9a-f]{2})\ue001")


def lines(text: str) -> tuple[Line, ...]:
    """The lines of a Markdown text that has been cleaned: no private-use characters in it."""
    return _Reading().read(without_html(_without_front_matter(text)))


def _rules_a_table(raw: str) -> bool:
    """Whether a line is the one under a table's head: |---|:-:|"""
    return "|" in raw and "-" in raw and _TABLE_SIGNS.issuperset(raw)


class _Reading:
    """The state of one pass over a document."""

    def __init__(self) -> None:
        self._found: list[Line] = []
        self._gap = False

    def read(self, text: str) -> tuple[Line, ...]:
        for number, raw in enumerate(text.split("\n"), 1):
            self._line(_QUOTE.sub("", raw, count=1), number)
        return tuple(self._found)

    def _line(self, raw: str, number: int) -> None:
        if not raw.strip():
            self._gap = True
        elif (mark := _UNDERLINE.fullmatch(raw)) and self._underlines(mark[1]):
            self._raise_last(1 if mark[1].startswith("=") else 2)
        elif _RULE.fullmatch(raw):
            self._add(Line("", number, rule=True, gap=self._gap))
        elif not (_FENCE.fullmatch(raw) or _rules_a_table(raw) or _REFERENCE.fullmatch(raw)):
            self._text(raw, number)

    def _text(self, raw: str, number: int) -> None:
        level = 0
        if heading := _HEADING.fullmatch(raw):
            level, raw = len(heading[1]), _CLOSING_MARKS.sub("", heading[2])
        raw = _BULLET.sub("", raw, count=1)
        indent = 0 if level else indent_of(raw)
        bold = begins_bold(raw)
        for part in _cells(raw).split("\x00"):
            if content := _inline(part):
                self._add(Line(content, number, level=level, bold=bold, gap=self._gap, indent=indent))

    def _underlines(self, mark: str) -> bool:
        """Whether a row of = or - makes the line above it a heading. A row of - under a credit is a rule."""
        if self._gap or not self._found or self._found[-1].rule:
            return False
        last = self._found[-1]
        return mark.startswith("=") or (last.gap and len(last.text) <= 60 and last.text[-1] not in "。.!！;；)）")

    def _raise_last(self, level: int) -> None:
        last = self._found[-1]
        self._found[-1] = Line(last.text, last.number, level=level, bold=last.bold, gap=last.gap)

    def _add(self, line: Line) -> None:
        self._found.append(line)
        self._gap = False


def _inline(raw: str) -> str:
    """The text of a line: emphasis, links, images, code marks, escapes and character references resolved."""
    text = raw
    if "\\" in text:  # an escaped mark must survive the steps below: it waits as its code between two marks of ours
        text = _ESCAPE.sub(lambda match: f"\ue000{ord(match[1]):02x}\ue001", text.rstrip("\\"))
    if "[" in text:
        text = _LINK.sub(r"\1", _IMAGE.sub("", text))
    text = without_emphasis(text)
    if "&" in text:
        text = _REFERENCED.sub(lambda match: clean(html.unescape(match[0])), text)
    text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return " ".join(text.split())


def _cells(raw: str) -> str:
    """A table's row as its cells, separated by blanks."""
    row = raw.strip()
    return row.strip("|").replace("|", " ") if row.startswith("|") and row.endswith("|") and len(row) > 1 else raw


def _without_front_matter(text: str) -> str:
    found = _FRONT_MATTER.match(text)
    return "\n" * found[0].count("\n") + text[found.end() :] if found else text
