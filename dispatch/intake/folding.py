"""How texts are compared and what a line looks like: width, punctuation and spacing set aside."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from dispatch.intake.line import Line, LineKind

LONGEST_HEADING = 80  # characters; what is longer is text
_PROSE_LENGTH = 45

_CLOSERS = "”’」』】》〉）)]\"' "
_SENTENCE_END = "。！？!?…｡"
_RUNS_ON = tuple(".．;；:：,，、")
_COMMAS = re.compile(r"[,，、;；]")
_FULL_STOP = re.compile(r"[。｡]|[^\x00-\x7f]\.(?=[^\x00-\x7f])")
_NUMERAL = "[〇零一二三四五六七八九十百]"
_ENUMERATED = re.compile(
    rf"{_NUMERAL}{{1,4}}[、.．,，]|[(（](?:{_NUMERAL}{{1,4}}|\d{{1,2}})[)）]|第{_NUMERAL}{{1,3}}[章节编条]|"
    r"\d{1,2}(?:[、．)）]|\.(?!\d))|[①-⑳]|[一二三四五六七八九十]是"
)
_BULLET_HEAD = re.compile(r"[★☆●○◆◇■□▲△◎※▪•·]+\s*")
_ENUMERATION_HEAD = re.compile(rf"\A(?:{_NUMERAL}{{1,3}}|\d{{1,2}})[、.．]\s*|\A[★☆●○◆◇■□▲△◎※▪•·\-—]+\s*")


def plain(text: str) -> str:
    """Full-width letters, digits and signs as half-width ones (NFKC), blanks removed."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def fold(text: str) -> str:
    """What is left to compare: letters and digits, in one width and case."""
    normal = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in normal if char.isalnum())


def ends_sentence(text: str) -> bool:
    """Whether a text ends as a sentence does, behind any closing quotation marks and brackets."""
    bare = text.rstrip(_CLOSERS)
    if bare.endswith((".", "．")):
        return True
    return bare[-1:] in _SENTENCE_END if bare else False


def is_prose(text: str) -> bool:
    """Whether a line is running text rather than a heading, a name or an entry of a list."""
    if len(text) >= LONGEST_HEADING or _FULL_STOP.search(text):
        return True
    if text.endswith(_RUNS_ON):
        return True
    return len(text) >= _PROSE_LENGTH and len(_COMMAS.findall(text)) >= 2


def is_running(line: Line) -> bool:
    """Whether a line is text by its kind or its words: a table and a footnote are no title, column or credit."""
    return line.kind in (LineKind.TABLE, LineKind.NOTE) or is_prose(line.text)


def is_enumerated(text: str) -> bool:
    """一、… （二）… 3. … ④…: a part of a text rather than a title."""
    return _ENUMERATED.match(text) is not None


def enumeration_form(text: str) -> str:
    """The number at the head of a part of a text, one sign for all numbers: 二、 -> 一、, 12. -> 1.; "" for none."""
    found = _ENUMERATED.match(text)
    return "" if found is None else re.sub(r"\d+", "1", re.sub(f"{_NUMERAL}+", "一", plain(found[0])))


def without_enumeration(text: str) -> str:
    """A heading without its number or bullet."""
    return _ENUMERATION_HEAD.sub("", text, count=1)


def without_bullet(text: str) -> str:
    """A heading without the sign of a list before it."""
    found = _BULLET_HEAD.match(text)
    return text[found.end() :] or text if found else text


_BRACKETS = {"【": "】", "〖": "〗", "［": "］", "[": "]", "〔": "〕", "「": "」", "『": "』"}


def bracketed(text: str) -> tuple[str, str] | None:
    """【name】rest as (name, rest); None without such a head."""
    closing = _BRACKETS.get(text[:1])
    if closing is None:
        return None
    name, found, rest = text[1:].partition(closing)
    name = name.strip()
    return (name, rest.strip()) if found and 0 < len(name) <= 30 else None


def heading_key(text: str) -> str:
    """The fold of a heading without brackets around it and without a number before it."""
    if (pair := bracketed(text)) and not pair[1]:
        text = pair[0]
    return fold(without_enumeration(text)) or fold(text)


_LONGEST_ITEM = 80
_COUNT = re.compile(r"(?P<open>[(（]?)(?P<number>\d{1,2})(?P<close>[、．)）]|\.(?!\d))\s*\S")


def numbered_items(lines: Sequence[Line]) -> set[int]:
    """The indexes of lines of text that count, 1. … 2. … right below each other: the items of a list.

    Headings count too, but text stands between them; and so do paragraphs, which are longer.
    """
    counts = [_count(line) for line in lines]
    found: set[int] = set()
    for index, (above, below) in enumerate(pairwise(counts)):
        if above and below and above[0] == below[0] and below[1] == above[1] + 1:
            found |= {index, index + 1}
    return found


def _count(line: Line) -> tuple[str, int] | None:
    """The form and the number of a line that may be an item of a list."""
    text = line.text
    if line.kind is not LineKind.TEXT or line.hinted or len(text) > _LONGEST_ITEM or _FULL_STOP.search(text[:-1]):
        return None
    found = _COUNT.match(text)
    return (found["open"] + found["close"], int(found["number"])) if found else None
