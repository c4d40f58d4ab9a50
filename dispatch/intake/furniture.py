"""Page furniture: numbers and running heads, which a page end leaves in the middle of the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from dispatch.intake.folding import ends_sentence, fold, is_enumerated, is_prose
from dispatch.intake.line import Line, LineKind
from dispatch.intake.masthead import Masthead
from dispatch.intake.numbering import Pieces, pieces_of

_DASHES = r"[-—–－―─~～·•.|\s]*"
_PAGE = r"(?:第\s*)?\d{1,3}(?:\s*页)?(?:\s*[/／,，]?\s*共?\s*\d{1,3}\s*页|\s*[/／]\s*\d{1,3})?"
_PAGE_NUMBER = re.compile(rf"{_DASHES}{_PAGE}{_DASHES}")
_LONGEST = 60
_LONGEST_HEAD = 30  # characters of a line that heads pages
_REPEATED = 3  # times at least
_SAYS_ISSUE = re.compile("[期号辑年]|[-./／．]")
_FOLDED_PAGE = r"(?:第?\d{1,3}页?(?:共?\d{1,3}页)?)?"


def without_page_numbers(lines: Sequence[Line]) -> list[Line]:
    """The lines but for those that are only the number of a page."""
    return _without(lines, lambda text: len(text) <= 16 and _PAGE_NUMBER.fullmatch(text) is not None)


def without_running_heads(lines: Sequence[Line], masthead: Masthead) -> list[Line]:
    """The lines below a masthead but for those that only repeat it: its title, its number, its date."""
    return _without(lines, _RunningHeads(masthead).has)


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
    if line.kind is not LineKind.TEXT or is_prose(line.text) or is_enumerated(line.text) or line.text[-1] in ")）":
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


def _without(lines: Sequence[Line], is_furniture: Callable[[str], bool]) -> list[Line]:
    """The lines that are none; what follows one stands apart from what was above it."""
    found: list[Line] = []
    gap = False
    for line in lines:
        if not line.rule and line.kind in (LineKind.TEXT, LineKind.ITEM) and is_furniture(line.text):
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
