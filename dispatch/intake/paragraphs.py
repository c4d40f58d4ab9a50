"""The text of an article as headings and paragraphs; paragraphs that a page end cut are whole again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dispatch.intake.cuts import (
    Joint,
    evidently_cut,
    follows_quotation,
    is_caption,
    is_cut_number,
    is_unfinished,
    joint,
)
from dispatch.intake.folding import ends_sentence, enumeration_form, is_enumerated, is_prose, numbered_items
from dispatch.intake.line import Line, LineKind
from dispatch.model import Block, BlockKind, Mark

_LONGEST_HEADING = 60
_LONGEST_PLAIN_HEADING = 25  # of one that only stands alone, without any mark
_LONGEST_REPEAT = 12
_EVIDENCE = 200_000  # characters of the article that are looked through for how a word is used
_MOST_LOOKS = 50
_WORD = 3  # characters over a seam that are hardly together by chance
_MOST_MARKS = 500  # of a block
_SURELY_TEXT = 20  # characters of a text that is no heading, when it lacks an end
_TAIL = 24
_INSIDE = re.compile(r"[,，。;；]")
_PUNCTUATION = re.compile(r"[,，、;；:：。.!！?？…]")
_INNER_END = re.compile(r"[。;；]")
_INNER_ENUMERATION = re.compile(
    r"[,，;；:：。].{0,3}(?:[一二三四五六七八九十]是|[(（][一二三四五六七八九十]+[)）]|第[一二三四五六七八九十])"
)


@dataclass(frozen=True, slots=True)
class Mended:
    """The blocks of an article, and what was unsure: at which line, and a sentence on it."""

    blocks: tuple[Block, ...]
    doubts: tuple[tuple[Line, str], ...]


def blocks(lines: Sequence[Line], *, hints: bool | None = None) -> tuple[Block, ...]:
    """The blocks of an article's lines, like `mended`, without a word on what was unsure."""
    return mended(lines, hints=hints).blocks


def mended(lines: Sequence[Line], *, hints: bool | None = None, cut: bool | None = None) -> Mended:
    """The blocks of an article's lines, rules left out; what a page end cut is whole again.

    `hints` says whether headings are marked in the document: where they are, a short line without a mark is text.
    `cut` says whether its paragraphs are evidently cut: where they are not, a short one without an end is whole. Both
    are found out from these lines by default.
    """
    content = [line for line in lines if not line.rule and line.text]
    marked = any(line.hinted for line in content) if hints is None else hints
    evident = evidently_cut(content) if cut is None else cut
    assembly = _Assembly([line.text for line in content if line.kind not in _WHOLE], evident)
    return Mended(assembly.build(content, marked), tuple(assembly.doubts))


_WHOLE = {LineKind.TABLE: BlockKind.TABLE, LineKind.NOTE: BlockKind.NOTE}


class _Assembly:
    """One pass over an article's lines. `_open` holds the parts of the paragraph or item that is not finished yet,
    `_marks` their marks, counted from its head, `_held` what stands between two of its parts and is to follow it."""

    def __init__(self, texts: Sequence[str], evident: bool) -> None:
        self._texts = texts
        self._evident = evident
        self._looks = 0
        self._article: str | None = None
        self._found: list[Block] = []
        self._open: list[str] = []
        self._marks: list[Mark] = []
        self._begun: Line | None = None
        self._last: Line | None = None
        self._held: list[Block] = []
        self._length = 0  # of the open parts
        self._listed = False  # whether they are an item of a list
        self.doubts: list[tuple[Line, str]] = []
        # Where parts of one form are running text, a short one of them is a cut paragraph rather than a heading.
        self._running = {enumeration_form(text) for text in texts if is_prose(text)}

    def build(self, lines: Sequence[Line], marked: bool) -> tuple[Block, ...]:
        listed = numbered_items(lines)
        for index, line in enumerate(lines):
            following = lines[index + 1] if index + 1 < len(lines) else None
            if kind := _WHOLE.get(line.kind):
                self._put_whole(Block(kind, line.text, line.rows, line.marks), self._is_broken_by(line, following))
            elif following and self._open and is_caption(line.text) and self._is_cut():
                self._put_whole(Block(BlockKind.PARAGRAPH, line.text, (), line.marks), self._goes_on(following))
            elif line.kind is not LineKind.ITEM and self._open and self._goes_on(line):
                self._join(line)
                self._last = line
            elif line.kind is not LineKind.ITEM and index not in listed and self._is_heading(line, following, marked):
                self._close()
                self._found.append(Block(BlockKind.HEADING, line.text))
            else:
                self._close()
                self._open, self._marks, self._begun, self._last = [line.text], list(line.marks), line, line
                self._length = len(line.text)
                self._listed = line.kind is LineKind.ITEM or index in listed
        self._close()
        return tuple(self._found)

    def _close(self) -> None:
        if self._open and self._begun:
            kind = BlockKind.ITEM if self._listed else BlockKind.PARAGRAPH
            depth = self._begun.depth if self._listed else 0
            text = "".join(self._open)
            self._found.append(Block(kind, text, (), _within(self._marks, text), depth))
        self._open, self._marks = [], []
        self._found += self._held
        self._held = []

    # What stands between the two halves of a paragraph: a footnote at the end of a page, a table or picture over it

    def _put_whole(self, block: Block, inside: bool) -> None:
        """A block that is of one line: behind the open paragraph where it stands inside that."""
        if inside:
            self._held.append(_sound(block))
            return
        self._close()
        self._found.append(_sound(block))

    def _is_cut(self) -> bool:
        """Whether the open text is surely not at its end."""
        return bool(self._open) and self._length >= _SURELY_TEXT and not _ends(self._open[-1])

    def _is_broken_by(self, line: Line, following: Line | None) -> bool:
        if following is None or not self._is_cut() or self._last is None:
            return False
        if line.kind is LineKind.NOTE:
            return following.kind in _WHOLE or self._goes_on(following)
        return bool(
            following.page and self._last.page and following.page > self._last.page and self._goes_on(following)
        )

    def _goes_on(self, line: Line) -> bool:
        """Whether the open paragraph is cut and goes on in this line."""
        last = self._open[-1]
        if last[-1] in ".．" and last[-2:-1].isdigit() and line.text[0].isdigit():
            return True
        if line.kind in _WHOLE or ends_sentence(last) or last[-1] in ":：":
            return False
        if line.hinted and not is_prose(line.text):
            return self._is_fragment(line)
        if self._begun and self._begun.kind is LineKind.ITEM and not self._item_goes_on(line):
            return False
        if last[-1] in ";；":
            return self._is_series(line.text)
        if is_enumerated(line.text) and not is_cut_number(last, line.text):
            return False
        item = self._begun is not None and self._begun.kind is LineKind.ITEM
        return item or self._joint(line) not in (Joint.APART, Joint.SHORT)

    def _joint(self, line: Line) -> Joint:
        """What the open paragraph, which has no end, and this line are to each other."""
        last = self._open[-1]
        over_page = self._last is not None and line.page > self._last.page > 0
        found = joint(last, self._length, line, over_page=over_page, evident=self._evident)
        return Joint.UNSURE if found is Joint.SHORT and self._words_tell(last, line.text) else found

    def _words_tell(self, left: str, right: str) -> bool:
        """Whether a short paragraph is cut by what stands around the seam: a word that stands elsewhere in one piece,
        or characters printed on both sides; or because parts of its form are running text."""
        if enumeration_form(self._open[0]) in self._running - {""}:
            return True
        if self._looks >= _MOST_LOOKS or not all(map(_hanzi, left[-2:] + right[:2])):
            return False
        self._looks += 1
        if 1 < self._repeat(left, right) < len(left):
            return True
        evidence = self._evidence()
        return any(len(word) == _WORD and word in evidence for word in (left[-2:] + right[:1], left[-1:] + right[:2]))

    def _evidence(self) -> str:
        if self._article is None:
            self._article = "\n".join(self._texts)[:_EVIDENCE]
        return self._article

    def _is_fragment(self, line: Line) -> bool:
        """Whether a line that is marked as a heading is the rest of a sentence: one cut in its middle, at a page end
        where a converter took what it found for a heading."""
        if not self._is_cut() or is_enumerated(line.text) or self._open[-1][-1] in "”’」』）)":
            return False
        return _INSIDE.search(line.text) is not None or self._open[-1][-1] in ",，、" or is_unfinished(self._open[-1])

    def _item_goes_on(self, line: Line) -> bool:
        """Whether an item of a list, which often ends without a stop, is cut: text without a line between, or over a
        page end."""
        if self._last is None or not line.gap:
            return True
        if line.page and self._last.page:
            return line.page > self._last.page and self._is_cut()
        return self._is_cut() and self._open[-1][-1] in ",，、"

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
        return not _PUNCTUATION.search(text) and is_prose(following.text) and not is_unfinished(text)

    def _join(self, line: Line) -> None:
        last, text = self._open[-1], line.text
        repeat = self._repeat(last, text)
        if repeat:
            self.doubts.append((line, f"{text[:repeat]} stands on both sides of a cut, and is dropped once."))
            text = text[repeat:]
        else:
            self._tell_unsure(last, line)
            text = _seam(last, text) + text
        begin = self._length
        shift = begin + len(text) - len(line.text)
        self._marks += [
            replace(mark, start=max(begin, mark.start + shift), end=mark.end + shift)
            for mark in line.marks
            if mark.end > repeat
        ]
        if text:
            self._open.append(text)
            self._length += len(text)

    def _tell_unsure(self, last: str, line: Line) -> None:
        excerpt = f"…{last[-8:]} | {line.text[:8]}…"
        if line.hinted and not is_prose(line.text):
            self.doubts.append((line, f"a line marked as a heading is taken for the rest of a sentence: {excerpt}"))
        elif self._is_doubtful(last, line):
            self.doubts.append((line, f"two parts are joined that may be two paragraphs: {excerpt}"))

    def _is_doubtful(self, last: str, line: Line) -> bool:
        if self._begun and self._begun.kind is LineKind.ITEM:
            return False
        if last[-1] in "”’」』）)》" and _hanzi(line.text[0]) and not follows_quotation(line.text[0]):
            return True
        return last[-1] not in ".．;；" and not line.hinted and self._joint(line) is Joint.UNSURE

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
        article = self._evidence()
        char, before, after = left[-1], left[-2], right[1]
        if char * 2 in article:
            return True
        ends = article.count(before + char) - article.count(before + char + after)
        begins = article.count(char + after) - article.count(before + char + after)
        return ends > 1 and begins > 1  # once each is this very place


def _sound(block: Block) -> Block:
    return replace(block, marks=_within(block.marks, block.text))


def _within(marks: Sequence[Mark], text: str) -> tuple[Mark, ...]:
    """The marks within a text: what was taken off its end, such as a credit, may have had some. Of more than anybody
    writes, the first."""
    inside = (replace(mark, end=min(mark.end, len(text))) for mark in marks[:_MOST_MARKS] if mark.start < len(text))
    return tuple(mark for mark in inside if mark.start < mark.end)


def _ends(text: str) -> bool:
    return ends_sentence(text) or text[-1] in ":：;；"


def _latin(char: str) -> bool:
    return char.isascii() and char.isalpha()


def _seam(left: str, right: str) -> str:
    """The blank between two parts of a text in Latin letters; Chinese has none."""
    if not right:
        return ""
    if _latin(left[-1]) and _latin(right[0]):
        return " "
    tail = left[-_TAIL:]
    western = sum(map(_latin, tail)) * 2 > len(tail) and not any(map(_hanzi, tail))
    begins = (right[0].isascii() and right[0].isalnum()) or right[0] in "\"'(“‘"
    return " " if western and begins and left[-1] not in "-/([“‘" else ""


def _hanzi(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff"
