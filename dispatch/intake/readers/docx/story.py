"""The paragraphs and tables of a document, one after the other, as drafts of lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

from dispatch.intake.line import LineKind
from dispatch.intake.readers.docx.inline import Content, Inline
from dispatch.intake.readers.docx.notes import Notes
from dispatch.intake.readers.docx.numbering import Number, Numbering
from dispatch.intake.readers.docx.spans import Span, Text, joined, text_of, without_page
from dispatch.intake.readers.docx.styles import Styles
from dispatch.intake.readers.docx.tables import Table
from dispatch.intake.readers.docx.xml import Element, child, children, name_of, number_of, value_of
from dispatch.intake.readers.tables import announces
from dispatch.model import MarkKind

_LEADERS = frozenset({"dot", "hyphen", "underscore", "heavy", "middleDot"})
_MOST_UNFINISHED = 100  # paragraphs in a row whose ends were deleted
_NO_LIST = "0"  # a paragraph with this list has none, whatever its style says


@dataclass(frozen=True, slots=True)
class Draft:
    """A line as it is read, before what stands around it is known. `number` is that of its paragraph, `first` says
    that it is the first line of it. `rows` are a table's; `list` is what numbers it."""

    text: Text
    number: int
    level: int = 0
    title: bool = False
    contents: bool = False
    first: bool = True
    rule: bool = False
    kind: LineKind = LineKind.TEXT
    style: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    list: Number | None = None
    depth: int = 0


class Story:
    """Reads the body of a document, or of a note, in its order. What it met on its way and could not give back as it
    stands is counted: `deleted` and `embedded` are the numbers of paragraphs."""

    def __init__(self, styles: Styles, numbering: Numbering, links: Mapping[str, str], notes: Notes) -> None:
        self._styles, self._numbering, self._notes = styles, numbering, notes
        self._inline = Inline(styles, links, notes.mark)
        self._unfinished: list[Element] = []
        self._last = ""  # the paragraph before
        self._number = 0
        self.deleted: list[int] = []
        self.embedded: list[int] = []
        self.pictures = False

    def read(self, elements: Iterable[Element]) -> Iterator[Draft]:
        """The lines of block-level elements."""
        for element in elements:
            yield from self._block(element, name_of(element))

    def _block(self, element: Element, name: str) -> Iterator[Draft]:
        if name == "w:p":
            yield from self._paragraph(element)
        elif name == "w:tbl":
            yield from self._table(element)
        elif name == "w:sdt":
            if child(child(element, "w:sdtPr"), "w:showingPlcHdr") is None:
                for content in children(element, "w:sdtContent"):
                    yield from self.read(content)
        elif name in ("w:customXml", "w:ins", "w:moveTo"):
            yield from self.read(element)
        elif name == "mc:AlternateContent":
            for form in [form for form in element if name_of(form) in ("mc:Choice", "mc:Fallback")][:1]:
                yield from self.read(form)
        elif name in ("w:del", "w:moveFrom"):
            self.deleted.append(self._number)
        elif name in ("w:altChunk", "w:subDoc"):
            self.embedded.append(self._number)

    # Paragraphs

    def _paragraph(self, paragraph: Element) -> Iterator[Draft]:
        self._number += 1
        properties = child(paragraph, "w:pPr")
        own = child(properties, "w:rPr")
        joined_on = child(own, "w:del") is not None or child(own, "w:moveFrom") is not None
        if joined_on and len(self._unfinished) < _MOST_UNFINISHED:
            # Its end was deleted: it goes on in the next one. A copy, since what has been read does not stay.
            self._unfinished.append(deepcopy(paragraph))
            self.deleted.append(self._number)
            return
        parts, self._unfinished = [*self._unfinished, paragraph], []
        style = self._styles.of_paragraph(properties)
        number = self._number
        content = self._inline.read(parts, style)
        self.pictures |= content.pictures
        if content.deleted:
            self.deleted.append(number)
        yield from (Draft(found, number) for words in content.words if (found := text_of([Span(words)])).text)
        for box in content.boxes:
            yield from self.read(box)
        yield from self._lines(content, properties, style, number)
        for kind, key in content.notes:
            yield Draft(self._notes.text(kind, key), number, kind=LineKind.NOTE)

    def finish(self) -> Iterator[Draft]:
        """What is left of a last paragraph whose end was deleted."""
        if self._unfinished:
            content = self._inline.read(self._unfinished, self._styles.of_paragraph(None))
            self._unfinished = []
            yield from self._lines(content, None, self._styles.of_paragraph(None), self._number)

    def _lines(self, content: Content, properties: Element | None, style: str, number: int) -> Iterator[Draft]:
        level = self._styles.level(style, properties)
        contents = content.contents or self._styles.is_contents(style)
        paged = contents or _has_leader(properties)
        spans = [without_page(line) if paged else line for line in content.lines]
        if not any(span.text.strip() for line in spans for span in line):
            if content.rule or self._styles.ruled(style, properties):
                yield Draft(Text(""), number, rule=True)
            return
        list_ = self._list_number(properties, style)
        title = self._styles.is_title(style)
        texts = _texts(spans, list_, heading=level > 0 and not title)
        draft = Draft(Text(""), number, 0 if contents else level, title, contents, style=self._styles.name(style))
        if list_ is not None:
            draft = replace(draft, list=list_, depth=list_.depth)
            if list_.bullet and not level:
                draft = replace(draft, kind=LineKind.ITEM)
        for index, text in enumerate(texts):
            text = _without_emphasis(text) if draft.level else text
            self._last = text.text
            yield replace(draft, text=text, first=index == 0, list=draft.list if index == 0 else None)

    def _list_number(self, properties: Element | None, style: str) -> Number | None:
        own = child(properties, "w:numPr")
        list_, depth = self._styles.numbering(style)
        if list_:
            by_style = self._numbering.level_of_style(list_, style)
            depth = depth if by_style is None else by_style
        if (named := child(own, "w:numId")) is not None:
            list_ = value_of(named)
        if (level := child(own, "w:ilvl")) is not None:
            depth = number_of(level)
        return None if list_ in ("", _NO_LIST) else self._numbering.next(list_, depth)

    # Tables

    def _table(self, element: Element) -> Iterator[Draft]:
        announced = announces(self._last)
        table = Table(element, self._styles)
        cells = [
            [(cell, [] if cell.covered else list(self.read(cell.element))) for cell in row] for row in table.rows()
        ]
        drafts = [draft for row in cells for _, found in row for draft in found]
        rows = table.grid([[(cell, [_plain(draft) for draft in found]) for cell, found in row] for row in cells])
        if any(draft.level for draft in drafts) or not table.tells(rows, announced=announced):
            yield from drafts
            return
        number = drafts[0].number if drafts else self._number
        yield Draft(Text(""), number, kind=LineKind.TABLE, style=table.style_name, rows=rows)
        yield from (draft for draft in drafts if draft.kind is LineKind.NOTE)


def _plain(draft: Draft) -> str:
    """What a line in a cell is in a row of the table; a note stands below the table."""
    if draft.kind is LineKind.NOTE:
        return ""
    return " ".join(cell for row in draft.rows for cell in row if cell) if draft.rows else draft.text.text


def _texts(lines: Sequence[Sequence[Span]], list_: Number | None, *, heading: bool) -> list[Text]:
    """The lines of a paragraph, its number before the first; those of a heading are one, it was too long for one."""
    shown = [list(line) for line in lines if any(span.text.strip() for span in line)]
    if list_ is not None and list_.text:
        shown[0].insert(0, replace(shown[0][0], text=list_.text, strong=False, italic=False, href=""))
    texts = [found for line in shown if (found := text_of(line)).text]
    if not heading:
        return texts
    whole = texts[:1]
    for text in texts[1:]:
        between = " " if _latin(whole[0].text[-1]) and _latin(text.text[0]) else ""
        whole = [joined([whole[0], text], between)]
    return whole


def _latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _without_emphasis(text: Text) -> Text:
    return replace(text, marks=tuple(mark for mark in text.marks if mark.kind is MarkKind.LINK))


def _has_leader(properties: Element | None) -> bool:
    """Whether a tab of the paragraph draws dots up to what follows, as before a page's number."""
    return any(value_of(tab, "w:leader") in _LEADERS for tab in children(child(properties, "w:tabs"), "w:tab"))
