"""Automatic numbers (ISO/IEC 29500-1, 17.9), which stand in no paragraph: counted as Word counts them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dispatch.intake.readers.docx.numerals import CHINESE, numeral
from dispatch.intake.readers.docx.xml import Element, child, children, number_of, switch, value_of

_LEVELS = 9
_LONGEST = 60  # characters of a number as it is shown
_PLACE = re.compile(r"%([1-9])")
_MOST_LINKS = 5  # from a list to the style that defines it, to the list that the style names


@dataclass(frozen=True, slots=True)
class Level:
    """How one level of a list is numbered. `restarts` is the level (from 1) after which it begins anew, -1 for any
    above it, 0 for none."""

    start: int
    form: str
    text: str
    suffix: str
    restarts: int
    plain_digits: bool

    @property
    def bullet(self) -> bool:
        return self.form == "bullet"


@dataclass(frozen=True, slots=True)
class Number:
    """What Word shows before a paragraph: a number, or a bullet (then `text` is ""). `depth` counts from 0;
    `parts` says that it numbers one of an article's parts (一、, 第二章) by its form."""

    text: str
    bullet: bool
    depth: int
    parts: bool
    list: str


class Numbering:
    """The lists of a document, counted on as its paragraphs come by."""

    def __init__(self, root: Element | None = None) -> None:
        self._abstract = {value_of(found, "w:abstractNumId"): found for found in children(root, "w:abstractNum")}
        self._nums = {value_of(found, "w:numId"): found for found in children(root, "w:num")}
        self._by_style = {
            value_of(child(found, "w:styleLink")): key
            for key, found in self._abstract.items()
            if child(found, "w:styleLink") is not None
        }
        self._levels: dict[tuple[str, int], Level | None] = {}
        self._counters: dict[str, list[int | None]] = {}
        self._begun: set[tuple[str, int]] = set()

    def level_of_style(self, list_: str, style: str) -> int | None:
        """The level of a list that is bound to a paragraph's style (w:pStyle)."""
        for level in children(self._abstract.get(self._abstract_of(list_)), "w:lvl"):
            if value_of(child(level, "w:pStyle")) == style:
                return number_of(level, "w:ilvl")
        return None

    def next(self, list_: str, depth: int) -> Number | None:
        """The number of the next paragraph of a list; None where the list is not there or shows nothing."""
        depth = min(max(depth, 0), _LEVELS - 1)
        level = self._level(list_, depth)
        if level is None:
            return None
        self._count(list_, depth, level)
        if level.bullet:
            return Number("", True, depth, False, list_)
        text = self._shown(list_, level)
        if not text.strip():
            return None
        return Number(text + _suffix(level, text), False, depth, level.form in CHINESE, list_)

    # Definitions

    def _abstract_of(self, list_: str) -> str:
        key = value_of(child(self._nums.get(list_), "w:abstractNumId"))
        for _ in range(_MOST_LINKS):
            link = child(self._abstract.get(key), "w:numStyleLink")
            if link is None or value_of(link) not in self._by_style:
                break
            key = self._by_style[value_of(link)]
        return key

    def _level(self, list_: str, depth: int) -> Level | None:
        key = (list_, depth)
        if key not in self._levels:
            self._levels[key] = self._read(list_, depth)
        return self._levels[key]

    def _read(self, list_: str, depth: int) -> Level | None:
        found = _at(self._abstract.get(self._abstract_of(list_)), "w:lvl", depth)
        override = _at(self._nums.get(list_), "w:lvlOverride", depth)
        replaced = child(override, "w:lvl")
        found = replaced if replaced is not None else found
        if found is None:
            return None
        start = child(override, "w:startOverride")
        return Level(
            start=number_of(start if start is not None else child(found, "w:start"), default=1),
            form=value_of(_form(found), default="decimal"),
            text=value_of(child(found, "w:lvlText"))[:_LONGEST],
            suffix=value_of(child(found, "w:suff"), default="tab"),
            restarts=number_of(child(found, "w:lvlRestart"), default=-1),
            plain_digits=bool(switch(found, "w:isLgl")),
        )

    # Counting

    def _count(self, list_: str, depth: int, level: Level) -> None:
        """Lists of one definition count on together, but one with a start of its own begins anew (17.9.27)."""
        counters = self._counters.setdefault(self._abstract_of(list_), [None] * _LEVELS)
        override = _at(self._nums.get(list_), "w:lvlOverride", depth)
        if child(override, "w:startOverride") is not None and (list_, depth) not in self._begun:
            counters[depth] = None
        self._begun.add((list_, depth))
        for above in range(depth):
            if counters[above] is None:
                upper = self._level(list_, above)
                counters[above] = upper.start if upper else 1
        current = counters[depth]
        counters[depth] = level.start if current is None else current + 1
        for below in range(depth + 1, _LEVELS):
            lower = self._level(list_, below)
            if lower is None or lower.restarts < 0 or depth + 1 <= lower.restarts:
                counters[below] = None

    def _shown(self, list_: str, level: Level) -> str:
        counters = self._counters[self._abstract_of(list_)]

        def value(match: re.Match[str]) -> str:
            index = int(match[1]) - 1
            counter, other = counters[index], self._level(list_, index)
            if counter is None or other is None or other.form == "none":
                return ""
            return numeral(counter, "decimal" if level.plain_digits else other.form)

        return "" if level.form == "none" and "%" in level.text else _PLACE.sub(value, level.text)


def _at(element: Element | None, name: str, depth: int) -> Element | None:
    return next((found for found in children(element, name) if number_of(found, "w:ilvl") == depth), None)


def _form(level: Element) -> Element | None:
    """The number format, which Word wraps for older readers where it is a new one (mc:AlternateContent)."""
    found = child(level, "w:numFmt")
    return found if found is not None else child(child(child(level, "mc:AlternateContent"), "mc:Fallback"), "w:numFmt")


def _suffix(level: Level, text: str) -> str:
    """What parts the number from the text: as one would type it, nothing behind a sign of full width (一、)."""
    if level.suffix == "nothing" or text[-1].isspace():
        return ""
    return " " if text[-1] <= "\xff" or "\u4e00" <= text[-1] <= "\u9fff" else ""
