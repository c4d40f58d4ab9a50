"""Styles (ISO/IEC 29500-1, 17.7): what a paragraph or a run looks like after all that it inherits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from dispatch.intake.readers.docx.xml import (
    Element,
    child,
    children,
    name_of,
    number_of,
    switch,
    value_of,
    within,
)
from dispatch.intake.readers.scripts import Script

_LONGEST_CHAIN = 20  # of styles that are based on one another; a ring of them ends there
_DEFAULT_SIZE = 20  # half points
_NO_BORDER = frozenset({"", "nil", "none"})
_HEADING = re.compile(r"(?:heading|标题)\s*([1-9])", re.IGNORECASE)
_TITLE = re.compile(r"title|标题|文档标题", re.IGNORECASE)
_CONTENTS = re.compile(r"(?:toc|目录|contents)\s*\d", re.IGNORECASE)
_EDGES = ("w:top", "w:bottom")
_SCRIPTS = {"superscript": Script.RAISED, "subscript": Script.LOWERED}
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Style:
    """A style as it stands in the file; its element holds what it says of paragraphs, runs and tables."""

    id: str
    name: str
    based_on: str
    element: Element

    def properties(self, kind: str) -> Element | None:
        """Its properties of a kind: `w:pPr`, `w:rPr`, `w:tblPr`."""
        return child(self.element, kind)


@dataclass(frozen=True, slots=True)
class Look:
    """How a run looks. `size` is in half points."""

    bold: bool
    italic: bool
    hidden: bool
    size: int
    script: Script = Script.NONE


class Styles:
    """The styles of a document, asked by id. Unknown ids inherit the defaults, as in Word."""

    def __init__(self, root: Element | None = None) -> None:
        self._styles: dict[str, Style] = {}
        self._defaults: dict[str, str] = {}
        self._chains: dict[str, tuple[Style, ...]] = {}
        self._toggles: dict[tuple[str, str], bool] = {}
        self._sizes: dict[tuple[str, str], int] = {}
        for element in children(root, "w:style"):
            self._add(element)
        self._base = child(child(child(root, "w:docDefaults"), "w:rPrDefault"), "w:rPr")

    def _add(self, element: Element) -> None:
        key = value_of(element, "w:styleId")
        name = value_of(child(element, "w:name")) or key
        self._styles[key] = Style(key, name, value_of(child(element, "w:basedOn")), element)
        if value_of(element, "w:default", "0").lower() in ("1", "true", "on"):
            self._defaults.setdefault(value_of(element, "w:type"), key)

    def of_paragraph(self, properties: Element | None) -> str:
        """The id of the style that a paragraph's properties name, else of the default."""
        return value_of(child(properties, "w:pStyle")) or self._defaults.get("paragraph", "")

    def of_table(self, properties: Element | None) -> str:
        """The id of the style that a table's properties name, else of the default."""
        return value_of(child(properties, "w:tblStyle")) or self._defaults.get("table", "")

    def name(self, style: str) -> str:
        """What a style is called, `heading 1`; "" for one that is not there."""
        found = self._styles.get(style)
        return found.name if found else ""

    def chain(self, style: str) -> tuple[Style, ...]:
        """A style and those it is based on, the nearest first."""
        if style not in self._chains:
            self._chains[style] = tuple(self._climb(style))
        return self._chains[style]

    def _climb(self, style: str) -> Iterator[Style]:
        for _ in range(_LONGEST_CHAIN):
            found = self._styles.get(style)
            if found is None:
                return
            yield found
            style = found.based_on

    def _first(self, style: str, kind: str, ask: Callable[[Element], _T | None]) -> _T | None:
        for found in self.chain(style):
            properties = found.properties(kind)
            if properties is not None and (answer := ask(properties)) is not None:
                return answer
        return None

    # Paragraphs

    def level(self, style: str, properties: Element | None) -> int:
        """The level of a heading, 1 to 6; 0 for text. What the paragraph says of itself goes before its style, and
        an outline level before a style's name."""
        own = child(properties, "w:outlineLvl")
        if own is None:
            own = self._first(style, "w:pPr", lambda found: child(found, "w:outlineLvl"))
        if own is not None:
            outline = number_of(own, default=9)
            return min(outline + 1, 6) if 0 <= outline < 9 else 0
        for found in self.chain(style):
            if heading := _HEADING.fullmatch(found.name):
                return min(int(heading[1]), 6)
            if _TITLE.fullmatch(found.name):
                return 1
        return 0

    def is_title(self, style: str) -> bool:
        """Whether the style is that of a document's title, as against a heading."""
        return any(_TITLE.fullmatch(found.name) for found in self.chain(style))

    def is_contents(self, style: str) -> bool:
        """Whether the style is that of a contents list's entries."""
        return any(_CONTENTS.fullmatch(found.name) for found in self.chain(style))

    def numbering(self, style: str) -> tuple[str, int]:
        """The numbering that a style brings along: its id and level; "" for none."""
        found = self._first(style, "w:pPr", lambda properties: child(properties, "w:numPr"))
        return value_of(child(found, "w:numId")), number_of(child(found, "w:ilvl"))

    def ruled(self, style: str, properties: Element | None) -> bool:
        """Whether a line is drawn over or under a paragraph."""
        own = child(properties, "w:pBdr")
        borders = own if own is not None else self._first(style, "w:pPr", lambda found: child(found, "w:pBdr"))
        return any(value_of(child(borders, edge)) not in _NO_BORDER for edge in _EDGES)

    # Runs

    def look(self, paragraph: str, properties: Element | None) -> Look:
        """How a run looks that stands in a paragraph of a style; `properties` are its own (w:rPr)."""
        character = value_of(child(properties, "w:rStyle"))
        return Look(
            bold=self._toggle("w:b", paragraph, character, properties),
            italic=self._toggle("w:i", paragraph, character, properties),
            hidden=self._toggle("w:vanish", paragraph, character, properties)
            or self._toggle("w:webHidden", paragraph, character, properties),
            size=self._size(paragraph, character, properties),
            script=self._script(character, properties),
        )

    def _script(self, character: str, properties: Element | None) -> Script:
        """Whether a run is raised or lowered, by itself or by its character style."""
        own = child(properties, "w:vertAlign")
        if own is None and character:
            own = self._first(character, "w:rPr", lambda found: child(found, "w:vertAlign"))
        return _SCRIPTS.get(value_of(own), Script.NONE)

    def bold_by_style(self, paragraph: str) -> bool:
        """Whether a paragraph's style makes all of it bold."""
        return self._toggle("w:b", paragraph, "", None)

    def _toggle(self, name: str, paragraph: str, character: str, properties: Element | None) -> bool:
        """Properties that two styles set cancel each other out (17.7.3)."""
        own = switch(properties, name)
        if own is not None:
            return own
        return (self._set(name, paragraph) != self._set(name, character)) or bool(switch(self._base, name))

    def _set(self, name: str, style: str) -> bool:
        key = (name, style)
        if key not in self._toggles:  # asked for each run: a document has many runs and few styles
            self._toggles[key] = bool(self._first(style, "w:rPr", lambda found: switch(found, name)))
        return self._toggles[key]

    def _size(self, paragraph: str, character: str, properties: Element | None) -> int:
        own = child(properties, "w:sz")
        if own is not None:
            return number_of(own, default=_DEFAULT_SIZE)
        key = (paragraph, character)
        if key not in self._sizes:
            self._sizes[key] = self._size_by_style(*key)
        return self._sizes[key]

    def _size_by_style(self, paragraph: str, character: str) -> int:
        for style in (character, paragraph):
            found = self._first(style, "w:rPr", lambda properties: child(properties, "w:sz"))
            if found is not None:
                return number_of(found, default=_DEFAULT_SIZE)
        return number_of(child(self._base, "w:sz"), default=_DEFAULT_SIZE)

    # Tables

    def bordered(self, style: str) -> bool:
        """Whether a table's style draws lines in it."""
        return any(has_borders(found.element) for found in self.chain(style))


def has_borders(element: Element) -> bool:
    """Whether any border of a table or its cells is drawn within an element of properties."""
    return any(
        value_of(edge) not in _NO_BORDER
        for kind in ("w:tblBorders", "w:tcBorders")
        for borders in within(element, kind)
        for edge in borders
        if name_of(edge) != "w:tl2br"
    )
