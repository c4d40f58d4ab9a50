"""What stands in a paragraph (ISO/IEC 29500-1, 17.3 and 17.16): runs, fields, links, breaks, notes, boxes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from dispatch.intake.readers.docx.formulas import formula
from dispatch.intake.readers.docx.spans import Span, address_of
from dispatch.intake.readers.docx.styles import Look, Styles
from dispatch.intake.readers.docx.xml import Element, child, children, name_of, value_of

_MOST_FIELDS = 50  # within one another
_LONGEST_CODE = 5_000
_CODE = re.compile(r"\s*(?P<kind>\w+)(?:\s+(?:\"(?P<quoted>[^\"]*)\"|(?P<bare>[^\s\\]\S*)))?")
_PRIVATE = range(0xE000, 0xF900)  # where fonts of signs have theirs: no text

# Elements around runs that say something of them which does not matter here.
_AROUND = frozenset(
    {"w:ins", "w:moveTo", "w:smartTag", "w:customXml", "w:dir", "w:bdo", "w:sdtContent", "w:rubyBase", "w:fldSimple"}
)
_SIGNS = {"w:tab": "\t", "w:ptab": "\t", "w:noBreakHyphen": "-"}
_BREAKS = frozenset({"w:br", "w:cr"})
_NOTES = {"w:footnoteReference": "footnote", "w:endnoteReference": "endnote"}
_DRAWINGS = frozenset({"w:drawing", "w:pict", "w:object"})


@dataclass
class _Field:
    kind: str = ""
    href: str = ""
    code: str = ""
    shown: bool = False  # whether its code is over and its result has begun


@dataclass
class Content:
    """What was found in a paragraph. `lines` are parted by breaks; `boxes` are the contents of text boxes, `words`
    what stands in pictures made of letters; `notes` are (kind, id) of the notes that it refers to."""

    lines: list[list[Span]] = field(default_factory=lambda: [[]])
    boxes: list[Element] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    rule: bool = False
    contents: bool = False
    pictures: bool = False
    deleted: bool = False


class Inline:
    """Reads paragraphs in their order. A field may go on over several of them, as that of a contents list does."""

    def __init__(self, styles: Styles, links: Mapping[str, str], note_mark: Callable[[str, str], str]) -> None:
        """`links` are addresses by the ids of relationships; `note_mark` says what stands in the text for a note of a
        kind and an id."""
        self._styles = styles
        self._links = links
        self._note_mark = note_mark
        self._fields: list[_Field] = []
        self._href = ""
        self._style = ""
        self._content = Content()

    def read(self, paragraphs: Sequence[Element], style: str) -> Content:
        """The content of a paragraph, or of several whose ends were deleted, in a style."""
        self._content, self._style = Content(), style
        self._content.contents = self._in_contents()
        for paragraph in paragraphs:
            self._children(paragraph)
        self._content.contents |= self._in_contents()
        for open_ in self._fields:  # a link ends with its paragraph, whether or not its end is there
            if open_.kind != "TOC":
                open_.kind = open_.href = ""
        return self._content

    def _in_contents(self) -> bool:
        return any(found.kind == "TOC" for found in self._fields)

    # Around runs

    def _children(self, element: Element) -> None:
        for found in element:
            self._element(found, name_of(found))

    def _element(self, element: Element, name: str) -> None:
        if name == "w:r":
            self._run(element)
        elif name == "w:hyperlink":
            self._linked(element, self._links.get(value_of(element, "r:id"), ""))
        elif name == "w:fldSimple":
            self._simple_field(element)
        elif name == "w:sdt":
            if child(child(element, "w:sdtPr"), "w:showingPlcHdr") is None:
                self._children_of(element, "w:sdtContent")
        elif name == "w:ruby":
            self._children_of(element, "w:rubyBase")
        elif name == "mc:AlternateContent":
            self._alternatives(element)
        elif name in ("m:oMath", "m:oMathPara"):
            for text, script in formula(element):
                self._add(text, Look(False, False, False, 0, script))
        elif name in ("w:del", "w:moveFrom"):
            self._content.deleted = True
        elif name in _AROUND:
            self._children(element)

    def _children_of(self, element: Element, name: str) -> None:
        for found in children(element, name):
            self._children(found)

    def _linked(self, element: Element, href: str) -> None:
        before, self._href = self._href, href or self._href
        self._children(element)
        self._href = before

    def _simple_field(self, element: Element) -> None:
        kind, href = _field_code(value_of(element, "w:instr"))
        if kind != "PAGEREF":
            self._linked(element, href)

    def _alternatives(self, element: Element) -> None:
        """The same in several forms: the first one that has anything in it."""
        for form in element:
            if name_of(form) in ("mc:Choice", "mc:Fallback"):
                before = self._amount()
                self._children(form)
                for drawing in form:
                    self._drawn(drawing, name_of(drawing))
                if self._amount() != before:
                    return

    def _amount(self) -> int:
        content = self._content
        return len(content.boxes) + len(content.words) + sum(len(span.text) for span in content.lines[-1])

    # Runs

    def _run(self, run: Element) -> None:
        look = self._styles.look(self._style, child(run, "w:rPr"))
        for found in run:
            name = name_of(found)
            if name == "w:fldChar":
                self._field(value_of(found, "w:fldCharType"))
            elif name == "w:instrText":
                self._code(str(found.text or ""))
            elif not look.hidden:
                self._in_run(found, name, look)

    def _in_run(self, element: Element, name: str, look: Look) -> None:
        if name == "w:t":
            self._add(str(element.text or ""), look)
        elif name in _BREAKS:
            self._content.lines.append([])
        elif name in _SIGNS:
            self._add(_SIGNS[name], look)
        elif name == "w:sym":
            self._add(_symbol(element), look)
        elif name in _NOTES:
            self._note(element, _NOTES[name], look)
        elif name in _DRAWINGS:
            self._drawn(element, name)
        else:
            self._element(element, name)

    def _add(self, text: str, look: Look) -> None:
        if not text or any(found.kind == "PAGEREF" for found in self._fields):
            return
        href = self._href or next((found.href for found in reversed(self._fields) if found.href), "")
        strong = look.bold and not self._styles.bold_by_style(self._style)
        self._content.lines[-1].append(Span(text, strong, look.bold, look.italic, look.size, href, look.script))

    def _note(self, element: Element, kind: str, look: Look) -> None:
        key = value_of(element, "w:id")
        mark = self._note_mark(kind, key)
        if mark:
            self._content.notes.append((kind, key))
            if value_of(element, "w:customMarkFollows", default="0") in ("0", "false", "off"):
                self._add(mark, Look(False, False, False, look.size))

    def _drawn(self, element: Element, name: str) -> None:
        """A picture or a box: what is written in it, and no box within it, which comes with the box."""
        if name not in _DRAWINGS:
            return
        self._content.pictures = True
        for found in _outermost(element):
            if name_of(found) == "w:txbxContent":
                self._content.boxes.append(found)
            elif name_of(found) == "v:textpath":
                self._content.words.append(value_of(found, "string"))
            elif value_of(found, "o:hr").startswith("t"):
                self._content.rule = True

    # Fields

    def _field(self, kind: str) -> None:
        if kind == "begin" and len(self._fields) < _MOST_FIELDS:
            self._fields.append(_Field())
        elif kind == "separate" and self._fields:
            top = self._fields[-1]
            top.kind, top.href = _field_code(top.code)
            top.shown = True
        elif kind == "end" and self._fields:
            self._fields.pop()

    def _code(self, text: str) -> None:
        if self._fields and not self._fields[-1].shown:
            self._fields[-1].code = (self._fields[-1].code + text)[:_LONGEST_CODE]


def _field_code(code: str) -> tuple[str, str]:
    """A field's kind, and the address that it links to: `HYPERLINK "https://…"`."""
    found = _CODE.match(code)
    if found is None:
        return "", ""
    kind = found["kind"].upper()
    return kind, address_of(found["quoted"] or found["bare"] or "") if kind == "HYPERLINK" else ""


def _symbol(element: Element) -> str:
    """A sign by its number in a font. Those of fonts of signs are no text: they are left out."""
    try:
        code = int(value_of(element, "w:char"), 16)
    except ValueError:
        return ""
    return chr(code) if 0x20 <= code < 0xD800 or (0xF900 <= code < 0x110000 and code not in _PRIVATE) else ""


def _outermost(element: Element) -> list[Element]:
    """The text boxes, pictures of letters and drawn rules within an element, but not what is in the boxes."""
    found: list[Element] = []
    waiting = list(reversed(element))
    while waiting:
        current = waiting.pop()
        name = name_of(current)
        if name == "w:txbxContent":
            found.append(current)
            continue
        if name == "v:textpath" or value_of(current, "o:hr"):
            found.append(current)
        if name == "mc:AlternateContent":
            forms = [form for form in current if name_of(form) in ("mc:Choice", "mc:Fallback")][:1]
            waiting += reversed(forms)
        else:
            waiting += reversed(current)
    return found
