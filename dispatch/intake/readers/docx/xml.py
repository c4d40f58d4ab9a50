"""XML of a package, read within bounds: no DTD, no entities, nothing fetched, no deep nesting.

Both families of namespaces (Transitional and Strict) are read as one: an element is known by a short name such as
`w:p`, whichever its document uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

from lxml import etree

from dispatch.intake.readers.docx.package import Package

Element: TypeAlias = etree._Element

MAX_DEPTH = 120  # of elements; tables in text boxes in tables come to 50
MAX_ELEMENTS = 4_000_000
MAX_ELEMENTS_AT_ONCE = 500_000  # in one paragraph or table, which is held in memory as a whole

_NAMESPACES = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main": "w",
    "http://purl.oclc.org/ooxml/wordprocessingml/main": "w",
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships": "r",
    "http://purl.oclc.org/ooxml/officeDocument/relationships": "r",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": "m",
    "http://purl.oclc.org/ooxml/officeDocument/math": "m",
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc",
    "http://schemas.openxmlformats.org/package/2006/relationships": "rel",
    "urn:schemas-microsoft-com:vml": "v",
    "urn:schemas-microsoft-com:office:office": "o",
}
_ATTRIBUTES = {
    prefix: tuple(f"{{{uri}}}" for uri, short in _NAMESPACES.items() if short == prefix) for prefix in ("w", "r", "o")
}
_OFF = frozenset({"0", "false", "off", "none"})


@lru_cache(maxsize=4096)
def _short(tag: str) -> str:
    uri, _, local = tag[1:].rpartition("}")
    prefix = _NAMESPACES.get(uri, "")
    return f"{prefix}:{local}" if prefix else tag


def name_of(element: Element) -> str:
    """An element's short name, `w:p`; the whole name of what is of a namespace that is not read."""
    return _short(str(element.tag))


def value_of(element: Element | None, attribute: str = "w:val", default: str = "") -> str:
    """An attribute by its short name; one without a prefix is of no namespace."""
    if element is None:
        return default
    prefix, _, local = attribute.rpartition(":")
    for uri in _ATTRIBUTES.get(prefix, ("",)):
        value = element.get(uri + local)
        if value is not None:
            return str(value)
    return default


def number_of(element: Element | None, attribute: str = "w:val", default: int = 0) -> int:
    """An attribute that is a whole number of at most nine digits; what is none counts as `default`."""
    value = value_of(element, attribute).strip()
    digits = value.removeprefix("-")
    return int(value) if digits.isdecimal() and digits.isascii() and len(digits) <= 9 else default


def child(element: Element | None, name: str) -> Element | None:
    """The first child of that short name."""
    if element is None:
        return None
    return next((found for found in element if name_of(found) == name), None)


def children(element: Element | None, name: str) -> Iterator[Element]:
    """The children of that short name."""
    return iter(()) if element is None else (found for found in element if name_of(found) == name)


def switch(element: Element | None, name: str) -> bool | None:
    """A property that is on or off (ST_OnOff) among an element's children; None where it is not said."""
    found = child(element, name)
    return None if found is None else value_of(found, "w:val", "1").lower() not in _OFF


def within(element: Element, name: str) -> Iterator[Element]:
    """All elements of that short name within another, however deep."""
    return (found for found in element.iter(etree.Element) if name_of(found) == name)


def root(package: Package, part: str) -> Element:
    """A part as a whole, for those of modest size. Raises IntakeError as `entries` does."""
    found = None
    for element in _Feed(package, part).ends(0):
        found = element
    if found is None:
        raise package.damage(part, "there is no XML in it")
    return found


def entries(package: Package, part: str, depth: int) -> Iterator[Element]:
    """The elements that lie `depth` deep in a part (the outermost one is 0), one after the other; each is gone when
    the next one comes.

    Raises IntakeError: no XML, damaged, a DTD in it, too deep, too many elements.
    """
    for element in _Feed(package, part).ends(depth):
        yield element
        parent = element.getparent()
        element.clear()
        if parent is not None:
            parent.remove(element)


class _Feed:
    """One part on its way through the parser, counted."""

    def __init__(self, package: Package, part: str) -> None:
        self._package, self._part = package, part
        self._parser = etree.XMLPullParser(
            events=("start", "end"),
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        self._depth = self._all = self._held = 0

    def ends(self, depth: int) -> Iterator[Element]:
        """The elements `depth` deep, as they end."""
        try:
            for piece in self._package.pieces(self._part):
                self._parser.feed(piece)
                yield from self._events(depth)
            self._parser.close()
            yield from self._events(depth)
        except etree.XMLSyntaxError as error:
            if "epth" in str(error):
                raise self._too_deep() from error
            raise self._package.damage(self._part, f"its XML breaks off or is wrong at line {error.lineno}") from error

    def _events(self, depth: int) -> Iterator[Element]:
        for event, element in self._parser.read_events():
            if event == "start":
                self._start(element)
                continue
            self._depth -= 1
            if self._depth == depth:
                self._held = 0
                yield element

    def _start(self, element: Element) -> None:
        if not self._all and element.getroottree().docinfo.internalDTD is not None:
            raise self._package.refusal(
                f"{self._part} in it has a document type (DTD), by which files are made to read others; "
                "Word writes none: open it there and save it anew"
            )
        self._depth += 1
        self._all += 1
        self._held += 1
        if self._depth > MAX_DEPTH:
            raise self._too_deep()
        if self._all > MAX_ELEMENTS or self._held > MAX_ELEMENTS_AT_ONCE:
            raise self._package.refusal(
                f"{self._part} in it has more paragraphs, cells and runs than an issue has; divide the document, or "
                "save it as plain text"
            )

    def _too_deep(self) -> Exception:
        return self._package.refusal(
            f"{self._part} in it is nested more than {MAX_DEPTH} deep; open it in Word, save it as plain text"
        )
