"""Page furniture: numbers and running heads, which a page end leaves in the middle of the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from dispatch.intake.cuts import LONG
from dispatch.intake.folding import ends_sentence, fold, is_enumerated, is_prose
from dispatch.intake.line import Line, LineKind
from dispatch.intake.masthead import Masthead
from dispatch.intake.numbering import Pieces, pieces_of

_DASHES = r"[-—–－―─~～·•.|\s]*"
_PAGE = r"(?:第\s*)?\d{1,3}(?:\s*页)?(?:\s*[/／,，]?\s*共?\s*\d{1,3}\s*页|\s*[/／]\s*\d{1,3})?"
_PAGE_NUMBER = re.compile(rf"{_DASHES}{_PAGE}{_DASHES}")
_TOOL = (
    r"(?:(?:字体|字号)\s*[:：]?\s*[【\[(（]?\s*[大中小特默认加减号+\-AaTt\s|]*[】\])）]?|"
    r"(?:浏览|点击|访问|阅读|查看)(?:次数|数|量|人数)\s*[:：]?\s*\d*\s*次?|"
    r"[【\[]?\s*(?:打印|关闭|收藏|返回顶部|分享到?)(?:本页|此页|窗口|页面|文章)?\s*[:：]?\s*[】\]]?)"
)
_TOOLS = re.compile(rf"{_TOOL}(?:[\s|丨｜]*{_TOOL}){{0,5}}\s*")
_BARE = re.compile(r"[0-9]{1,3}")
_LEAST_PAGES = 2  # bare numbers that are those of pages
_LONGEST = 60
_LONGEST_HEAD = 30  # characters of a line that heads pages
_REPEATED = 3  # times at least
_SAYS_ISSUE = re.compile("[期号辑年]|[-./／．]")
_FOLDED_PAGE = r"(?:第?\d{1,3}页?(?:共?\d{1,3}页)?)?"


def without_page_numbers(lines: Sequence[Line]) -> list[Line]:
    """The lines but for those that are only the number of a page, or what a site offers for reading it (字体:大 中 小).

    A number with the signs of one (- 3 -, 第3页, 3/12) goes. A bare number goes where it stands at the edge of a page,
    or, in a source without pages, where the bare numbers rise through the document and stand inside sentences.
    """
    bare = _bare_page_numbers(lines)
    return _without(lines, lambda index, text: index in bare or _is_marked_number(text) or _is_tools(text))


def _is_marked_number(text: str) -> bool:
    return len(text) <= 16 and not text.isdigit() and _PAGE_NUMBER.fullmatch(text) is not None


def _is_tools(text: str) -> bool:
    return len(text) <= _LONGEST and _TOOLS.fullmatch("".join(text.split())) is not None


def _bare_page_numbers(lines: Sequence[Line]) -> set[int]:
    """The indexes of lines that are a number without any sign, and the number of a page."""
    content = [index for index, line in enumerate(lines) if not line.rule]
    places = [at for at, index in enumerate(content) if _BARE.fullmatch(lines[index].text)]
    paged = {at for at in places if lines[content[at]].page and _is_at_edge(lines, content, at)}
    rest = [at for at in places if not lines[content[at]].page]
    return {content[at] for at in {*paged, *_series(lines, content, rest)}}


def _is_at_edge(lines: Sequence[Line], content: Sequence[int], at: int) -> bool:
    """Whether a page begins or ends beside a line, or one line further: a running head may stand there."""
    page = lines[content[at]].page
    around = (at - 2, at - 1, at + 1, at + 2)
    return any(not 0 <= other < len(content) or lines[content[other]].page != page for other in around)


def _series(lines: Sequence[Line], content: Sequence[int], places: Sequence[int]) -> Sequence[int]:
    """The places of bare numbers in a source without pages, if they are those of its pages: several, none smaller
    than the one before, and two at least where a sentence is broken off, but not more below words such as 收入."""
    numbers = [int(lines[content[at]].text) for at in places]
    if len(numbers) < _LEAST_PAGES or any(one > other for one, other in pairwise(numbers)):
        return ()
    inside = sum(_breaks_off(lines, content, at) for at in places)
    entries = sum(_is_below_entry(lines, content, at) for at in places)
    return places if inside >= _LEAST_PAGES and entries <= inside else ()


def _breaks_off(lines: Sequence[Line], content: Sequence[int], at: int) -> bool:
    """Whether the text above a line breaks off there."""
    above = lines[content[at - 1]] if at else None
    if above is None or above.kind not in (LineKind.TEXT, LineKind.ITEM) or at == len(content) - 1:
        return False
    return len(above.text) >= LONG and not ends_sentence(above.text) and above.text[-1] not in ":：;；"


def _is_below_entry(lines: Sequence[Line], content: Sequence[int], at: int) -> bool:
    """Whether the line above is a few words that the number may belong to."""
    above = lines[content[at - 1]] if at else None
    return above is not None and len(above.text) < LONG and not above.hinted and not ends_sentence(above.text)


def without_running_heads(lines: Sequence[Line], masthead: Masthead) -> list[Line]:
    """The lines below a masthead but for those that only repeat it: its title, its number, its date."""
    heads = _RunningHeads(masthead)
    return _without(lines, lambda _, text: heads.has(text))


def without_repeated_heads(lines: Sequence[Line]) -> list[Line]:
    """The lines but for those that a page repeats at its top: the name of the column that goes on, a slogan.

    It shows as a short line that comes three times and stands at least once inside a sentence. Its first place, and
    those where a heading follows, may be the column's own beginning and stay.
    """
    content = [index for index, line in enumerate(lines) if not line.rule]
    places: dict[str, list[int]] = {}
    for at, index in enumerate(content):
        if len(lines[index].text) <= _LONGEST_HEAD and (key := _head_key(lines[index])):
            places.setdefault(key, []).append(at)
    gone: set[int] = set()
    for found in places.values():
        inside = {at for at in found if _inside_sentence(lines, content, at)}
        if len(found) >= _REPEATED and inside:
            gone |= {content[at] for at in found[1:] if at in inside or _before_text(lines, content, at)}
            gone |= {content[at] for at in found[:1] if at in inside}
    return [line for index, line in enumerate(lines) if index not in gone] if gone else list(lines)


def _head_key(line: Line) -> str:
    """What is compared of a line that may head pages: its letters, without the page's number; "" for another."""
    if (
        line.kind is not LineKind.TEXT
        or is_prose(line.text)
        or is_enumerated(line.text)
        or line.text.endswith((")", "）"))
    ):
        return ""
    return fold(line.text).strip("0123456789")


def _inside_sentence(lines: Sequence[Line], content: Sequence[int], at: int) -> bool:
    if not 0 < at < len(content) - 1:
        return False
    above = lines[content[at - 1]]
    cut = is_prose(above.text) and not ends_sentence(above.text) and above.text[-1] not in ":：;；"
    return cut and above.kind in (LineKind.TEXT, LineKind.ITEM)


def _before_text(lines: Sequence[Line], content: Sequence[int], at: int) -> bool:
    return at + 1 < len(content) and is_prose(lines[content[at + 1]].text)


def _without(lines: Sequence[Line], is_furniture: Callable[[int, str], bool]) -> list[Line]:
    """The lines that are none; what follows one stands apart from what was above it."""
    found: list[Line] = []
    gap = False
    for index, line in enumerate(lines):
        if not line.rule and line.kind in (LineKind.TEXT, LineKind.ITEM) and is_furniture(index, line.text):
            gap = True
            continue
        found.append(replace(line, gap=True) if gap and not line.gap else line)
        gap = False
    return found


class _RunningHeads:
    def __init__(self, masthead: Masthead) -> None:
        self._masthead = masthead
        names = {fold(masthead.title), fold(masthead.profile.name) if masthead.profile else ""} - {""}
        any_name = "|".join(map(re.escape, sorted(names)))
        self._page = re.compile(_FOLDED_PAGE)
        self._named = re.compile(f"{_FOLDED_PAGE}(?:{any_name}){_FOLDED_PAGE}") if names else None

    def has(self, text: str) -> bool:
        if len(text) > _LONGEST:
            return False
        if self._is_named(fold(text)):
            return True
        if _SAYS_ISSUE.search(text) is None:
            return False
        pieces = pieces_of(text)
        if not pieces.any:
            return False
        rest = fold(pieces.rest)
        return self._is_named(rest) or (self._page.fullmatch(rest) is not None and self._agrees(pieces))

    def _is_named(self, folded: str) -> bool:
        return self._named is not None and self._named.fullmatch(folded) is not None

    def _agrees(self, pieces: Pieces) -> bool:
        """Whether a line without the title gives this issue's number or date: another may head a part of a text."""
        own = self._masthead
        pairs = ((pieces.number, own.number), (pieces.total, own.total), (pieces.date, own.date))
        given = [(said, is_own) for said, is_own in pairs if said]
        return bool(given) and all(said == is_own for said, is_own in given)
