"""The text of an article as headings and paragraphs; paragraphs that a page end cut are whole again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from dispatch.intake.folding import ends_sentence, enumeration_form, is_enumerated, is_prose
from dispatch.intake.line import Line, LineKind
from dispatch.model import Block, BlockKind, Mark

_LONGEST_HEADING = 60
_LONGEST_PLAIN_HEADING = 25  # of one that only stands alone, without any mark
_LONGEST_REPEAT = 12
_EVIDENCE = 200_000  # characters of the article that are looked through for how a word is used
_MOST_LOOKS = 50
_PUNCTUATION = re.compile(r"[,，、;；:：。.!！?？…]")
_INNER_END = re.compile(r"[。;；]")
_INNER_ENUMERATION = re.compile(
    r"[,，;；:：。].{0,3}(?:[一二三四五六七八九十]是|[(（][一二三四五六七八九十]+[)）]|第[一二三四五六七八九十])"
)


def blocks(lines: Sequence[Line], *, hints: bool | None = None) -> tuple[Block, ...]:
    """The blocks of an article's lines, rules left out.

    `hints` says whether headings are marked in the document (found out from these lines by default): where they
    are, a short line without a mark is text.
    """
    content = [line for line in lines if not line.rule and line.text]
    marked = any(line.hinted for line in content) if hints is None else hints
    return _Assembly([line.text for line in content]).build(content, marked)


_WHOLE = {LineKind.TABLE: BlockKind.TABLE, LineKind.NOTE: BlockKind.NOTE}


class _Assembly:
    """One pass over an article's lines. `_open` holds the parts of the paragraph or item that is not finished yet,
    `_marks` their marks, counted from its head."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._looks = 0
        self._article: str | None = None
        self._found: list[Block] = []
        self._open: list[str] = []
        self._marks: list[Mark] = []
        self._begun: Line | None = None
        # Where parts of one form are running text, a short one of them is a cut paragraph rather than a heading.
        self._running = {enumeration_form(text) for text in texts if is_prose(text)}

    def build(self, lines: Sequence[Line], marked: bool) -> tuple[Block, ...]:
        for index, line in enumerate(lines):
            following = lines[index + 1] if index + 1 < len(lines) else None
            if kind := _WHOLE.get(line.kind):
                self._close()
                self._found.append(Block(kind, line.text, line.rows, line.marks))
            elif line.kind is not LineKind.ITEM and self._open and self._goes_on(line):
                self._join(line)
            elif line.kind is not LineKind.ITEM and self._is_heading(line, following, marked):
                self._close()
                self._found.append(Block(BlockKind.HEADING, line.text))
            else:
                self._close()
                self._open, self._marks, self._begun = [line.text], list(line.marks), line
        self._close()
        return tuple(self._found)

    def _close(self) -> None:
        if self._open and self._begun:
            item = self._begun.kind is LineKind.ITEM
            kind = BlockKind.ITEM if item else BlockKind.PARAGRAPH
            self._found.append(
                Block(kind, "".join(self._open), (), tuple(self._marks), self._begun.depth if item else 0)
            )
        self._open, self._marks = [], []

    def _goes_on(self, line: Line) -> bool:
        """Whether the open paragraph is cut and goes on in this line."""
        last = self._open[-1]
        if last[-1] in ".．" and last[-2:-1].isdigit() and line.text[0].isdigit():
            return True
        if ends_sentence(last) or last[-1] in ":：" or (line.hinted and not is_prose(line.text)):
            return False
        if last[-1] in ";；":
            return self._is_series(line.text)
        return not is_enumerated(line.text) or _cut_number(last, line.text)

    def _is_series(self, text: str) -> bool:
        """Whether a semicolon stands inside a paragraph, rather than at the end of an item of a list."""
        if is_enumerated(self._open[0]):
            return False
        before = "".join(self._open)[:-1]
        return (_INNER_ENUMERATION if is_enumerated(text) else _INNER_END).search(before) is not None

    def _is_heading(self, line: Line, following: Line | None, marked: bool) -> bool:
        text = line.text
        if len(text) > _LONGEST_HEADING or is_prose(text):
            return False
        if line.hinted:
            return True
        if form := enumeration_form(text):
            return not ends_sentence(text) and form not in self._running
        if marked or following is None or len(text) > _LONGEST_PLAIN_HEADING:
            return False
        if len(following.text) <= 2 * len(text):
            return False  # a heading stands over more text than that: these are two halves of a short paragraph
        return not _PUNCTUATION.search(text) and is_prose(following.text) and not _fragment(text)

    def _join(self, line: Line) -> None:
        last, text = self._open[-1], line.text
        repeat = self._repeat(last, text)
        if repeat:
            text = text[repeat:]
        elif _latin(last[-1]) and text and _latin(text[0]):
            text = " " + text
        begin = sum(map(len, self._open))
        shift = begin + len(text) - len(line.text)
        self._marks += [
            replace(mark, start=max(begin, mark.start + shift), end=mark.end + shift)
            for mark in line.marks
            if mark.end > repeat
        ]
        if text:
            self._open.append(text)

    def _repeat(self, left: str, right: str) -> int:
        """How many characters at the head of `right` stand at the end of `left` already, printed twice by the cut."""
        for size in range(min(_LONGEST_REPEAT, len(left), len(right)), 0, -1):
            if left.endswith(right[:size]) and any(map(_hanzi, right[:size])):
                return 0 if size == 1 and self._doubled(left, right) else size
        return 0

    def _doubled(self, left: str, right: str) -> bool:
        """Whether one character that ends `left` and begins `right` belongs there twice, as in 大学|学科.

        It does where the article doubles it elsewhere, or uses the word that ends `left` and the one that begins
        `right` independently of each other. 以区|区块链 does not: after 以区 there always comes 块.
        """
        if self._looks >= _MOST_LOOKS or len(left) < 2 or len(right) < 2:
            return False
        self._looks += 1
        if self._article is None:
            self._article = "\n".join(self._texts)[:_EVIDENCE]
        char, before, after = left[-1], left[-2], right[1]
        if char * 2 in self._article:
            return True
        ends = self._article.count(before + char) - self._article.count(before + char + after)
        begins = self._article.count(char + after) - self._article.count(before + char + after)
        return ends > 1 and begins > 1  # once each is this very place


def _fragment(text: str) -> bool:
    """A line that ends inside brackets or quotation marks is cut, not a heading."""
    return any(text.count(left) > text.count(right) for left, right in ("“”", "‘’", "（）", "()", "《》"))


def _cut_number(left: str, right: str) -> bool:
    return left[-1].isdigit() and right[0].isdigit()


def _latin(char: str) -> bool:
    return char.isascii() and char.isalpha()


def _hanzi(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff"
