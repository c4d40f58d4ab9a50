"""What stands on a page of a PDF: glyphs, ruling lines and links, in points from the top left corner of the page.

The direction in which most of the text runs is made the horizontal, whatever the page's own rotation says. Text in
other directions (a stamp, a diagonal watermark, a label on the margin) is left out.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from dispatch.intake.cleaning import clean
from dispatch.intake.readers.pdf_bullets import bullets, is_dot
from dispatch.intake.readers.pdf_characters import normal
from dispatch.intake.readers.pdf_glyph import Glyph

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

_MAX_OBJECTS = 50_000  # of a page, with those of the forms in it
_MAX_SEGMENTS = 2_000  # of a path
_DEEPEST_FORM = 4
_MAX_LINKS = 1_000
_MOST_LINK_LOOKS = 5_000_000  # glyphs times links
_THIN = 2.5  # points: a filled area of no more is a ruling line
_SHORTEST_RULE = 6.0
_MOST_DOTS = 2_000
_STRAIGHT = math.radians(3)
_QUARTER = math.pi / 2
_HREF = re.compile(r"(?:https?://[^\s/]|mailto:[^\s@]+@)\S*", re.IGNORECASE)
_LONGEST_HREF = 2_000

_BOLD_NAME = re.compile(r"bold|black|heavy|semibold|demi(?!light)|ultra|[-_ ,](?:bd|w[7-9])\b", re.IGNORECASE)
_BLACK_LETTER_NAME = re.compile(r"hei(?:ti|$|[^a-z])|hei$|黑|biaosong|xbs|标宋|dabiao", re.IGNORECASE)
_FORCE_BOLD = 1 << 18  # ISO 32000-1, table 123
_DOUBLE = 1.6  # sizes wide: one glyph for two of these signs, as fonts of Chinese have it
_DOUBLED = "—…"
_STROKED_TEXT = (1, 2, 5, 6)  # render modes that draw the outline too: how a bold face is imitated


class Rule(NamedTuple):
    """A ruling line from (x0, y0) to (x1, y1), horizontal or vertical."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def flat(self) -> bool:
        return self.x1 - self.x0 >= self.y1 - self.y0


@dataclass(frozen=True, slots=True)
class Page:
    """`unknown` counts glyphs that say no character, `pictures` the images."""

    number: int
    width: float
    height: float
    glyphs: tuple[Glyph, ...]
    rules: tuple[Rule, ...]
    unknown: int
    pictures: int


class _Raw(NamedTuple):
    """A character as the PDF has it: from bottom left, in the direction of `quarter` right angles."""

    char: str
    box: tuple[float, float, float, float]  # left, bottom, right, top
    origin: tuple[float, float]
    size: float
    weight: int
    quarter: int


class _Style(NamedTuple):
    size: float
    weight: int
    quarter: int | None


_Box = tuple[float, float, float, float]
_Matrix = tuple[float, float, float, float, float, float]
_SAME: _Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def page_of(page: PdfPage, number: int, allow: Callable[[int, int], None]) -> Page:
    """What stands on a page. `allow` is told the page's number and how many characters it has, and may raise."""
    box = page.get_bbox()
    raws, unknown = _characters(page, number, allow)
    quarter = _direction(raws)
    turned = _Turned(box, quarter)
    links = [(turned.box(rect), href) for rect, href in _links(page)]
    if len(links) * len(raws) > _MOST_LINK_LOOKS:
        links = []
    glyphs = tuple(_glyph(raw, turned, links) for raw in raws if raw.quarter == quarter)
    rules, dots, pictures = _drawn(page)
    glyphs = (*glyphs, *bullets(glyphs, [turned.box(dot) for dot in dots]))
    return Page(
        number,
        *turned.extent,
        tuple(glyph for glyph in glyphs if turned.holds(glyph)),
        tuple(Rule(*turned.box(rule)) for rule in rules),
        unknown,
        pictures,
    )


class _Turned:
    """The plane in which the text runs to the right and y grows downwards."""

    def __init__(self, box: _Box, quarter: int) -> None:
        self._left, self._bottom, self._right, self._top = box
        self._quarter = quarter

    @property
    def extent(self) -> tuple[float, float]:
        width, height = self._right - self._left, self._top - self._bottom
        return (height, width) if self._quarter % 2 else (width, height)

    def point(self, x: float, y: float) -> tuple[float, float]:
        if self._quarter == 0:
            return x - self._left, self._top - y
        if self._quarter == 1:  # runs upwards
            return y - self._bottom, x - self._left
        if self._quarter == 2:  # upside down
            return self._right - x, y - self._bottom
        return self._top - y, self._right - x

    def box(self, box: _Box) -> _Box:
        (x0, y0), (x1, y1) = self.point(box[0], box[1]), self.point(box[2], box[3])
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)

    def holds(self, glyph: Glyph) -> bool:
        """Whether a glyph is on the page at all: what is beside it nobody sees."""
        width, height = self.extent
        return glyph.x1 > 0 and glyph.x0 < width and 0 < glyph.base < height + glyph.size


def _glyph(raw: _Raw, turned: _Turned, links: list[tuple[_Box, str]]) -> Glyph:
    x0, y0, x1, y1 = turned.box(raw.box)
    start, base = turned.point(*raw.origin)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    href = next((href for rect, href in links if rect[0] <= x <= rect[2] and rect[1] <= y <= rect[3]), "")
    char = raw.char * 2 if raw.char in _DOUBLED and x1 - x0 > _DOUBLE * raw.size else raw.char
    return Glyph(char, x0, x1, base, raw.size, raw.weight, href, start)


def _direction(raws: list[_Raw]) -> int:
    counts = Counter(raw.quarter for raw in raws)
    return counts.most_common(1)[0][0] if counts else 0


# Characters


def _characters(page: PdfPage, number: int, allow: Callable[[int, int], None]) -> tuple[list[_Raw], int]:
    text = page.get_textpage()
    try:
        allow(number, text.count_chars())
        reader = _Characters(text)
        return list(reader.all()), reader.unknown
    finally:
        text.close()


class _Characters:
    """The characters of a text page; the style of a text object is asked for once."""

    def __init__(self, text: Any) -> None:
        import pypdfium2.raw as raw

        self._raw = raw
        self._text = text
        self._object = 0
        self._style = _Style(0.0, 0, None)
        self._box = raw.FS_RECTF()
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._matrix = raw.FS_MATRIX()
        self._name, self._flags = ctypes.create_string_buffer(256), ctypes.c_int()
        self.unknown = 0

    def all(self) -> Iterator[_Raw]:
        raw, text = self._raw, self._text
        for index in range(text.count_chars()):
            if raw.FPDFText_IsGenerated(text, index) == 1:
                continue
            char = self._char(index)
            if not char:
                continue
            style = self._style_of(index)
            if style.quarter is None or style.size <= 0.5:
                continue
            if found := self._placed(index, char, style):
                yield found

    def _char(self, index: int) -> str:
        code = self._raw.FPDFText_GetUnicode(self._text, index)
        if code == 2:  # the hyphen of a divided word, as pdfium marks it
            return "\u00ad"
        if code in (0, 0xFFFD, 0xFFFE, 0xFFFF) or self._raw.FPDFText_HasUnicodeMapError(self._text, index) == 1:
            self.unknown += code != 0x20
            return ""
        char = normal(chr(code))
        if not char:
            self.unknown += 1
        return char if char == "\u00ad" else clean(char)

    def _placed(self, index: int, char: str, style: _Style) -> _Raw | None:
        raw, box = self._raw, self._box
        if not raw.FPDFText_GetLooseCharBox(self._text, index, box):
            return None
        if not raw.FPDFText_GetCharOrigin(self._text, index, self._x, self._y):
            return None
        place = (box.left, min(box.bottom, box.top), box.right, max(box.bottom, box.top))
        origin = (self._x.value, self._y.value)
        if not all(map(math.isfinite, (*place, *origin))):
            return None
        return _Raw(char, place, origin, style.size, style.weight, style.quarter or 0)

    def _style_of(self, index: int) -> _Style:
        found = self._raw.FPDFText_GetTextObject(self._text, index)
        key = ctypes.cast(found, ctypes.c_void_p).value or 0
        if key != self._object or not key:
            self._object, self._style = key, self._new_style(index, found)
        return self._style

    def _new_style(self, index: int, text_object: Any) -> _Style:
        raw, matrix = self._raw, self._matrix
        if not raw.FPDFText_GetMatrix(self._text, index, matrix):
            return _Style(0.0, 0, None)
        size = raw.FPDFText_GetFontSize(self._text, index) * math.hypot(matrix.c, matrix.d)
        raw.FPDFText_GetFontInfo(self._text, index, self._name, 256, self._flags)
        name = self._name.value.decode("utf-8", "replace")
        bold = bool(_BOLD_NAME.search(name) or (self._flags.value > 0 and self._flags.value & _FORCE_BOLD))
        bold = bold or raw.FPDFTextObj_GetTextRenderMode(text_object) in _STROKED_TEXT
        weight = 2 if bold else 1 if _BLACK_LETTER_NAME.search(name) else 0
        return _Style(size if math.isfinite(size) else 0.0, weight, _quarter(matrix.a, matrix.b))


def _quarter(a: float, b: float) -> int | None:
    """The direction of a text in right angles, counter-clockwise; None for an oblique one."""
    angle = math.atan2(b, a)
    quarter = round(angle / _QUARTER)
    return quarter % 4 if abs(angle - quarter * _QUARTER) <= _STRAIGHT else None


# Links


def _links(page: PdfPage) -> list[tuple[_Box, str]]:
    import pypdfium2.raw as raw

    found: list[tuple[_Box, str]] = []
    position, link, rect = ctypes.c_int(0), raw.FPDF_LINK(), raw.FS_RECTF()
    for _ in range(_MAX_LINKS):
        if not raw.FPDFLink_Enumerate(page, position, link):
            break
        href = _href(page, raw.FPDFLink_GetAction(link))
        if href and raw.FPDFLink_GetAnnotRect(link, rect):
            box = (rect.left, min(rect.bottom, rect.top), rect.right, max(rect.bottom, rect.top))
            found.append((box, href))
    return found


def _href(page: PdfPage, action: Any) -> str:
    """The address an action leads to, if it is one of the web or of mail."""
    import pypdfium2.raw as raw

    if not action or raw.FPDFAction_GetType(action) != raw.PDFACTION_URI:
        return ""
    size = raw.FPDFAction_GetURIPath(page.pdf, action, None, 0)
    if not 1 < size <= _LONGEST_HREF:
        return ""
    buffer = ctypes.create_string_buffer(size)
    raw.FPDFAction_GetURIPath(page.pdf, action, buffer, size)
    href = clean(buffer.value.decode("utf-8", "replace")).strip()
    return href if _HREF.fullmatch(href) else ""


# Ruling lines


def _drawn(page: PdfPage) -> tuple[list[_Box], list[_Box], int]:
    """The ruling lines of a page, its dots, and how many images it has."""
    drawing = _Drawing()
    drawing.walk(page, drawing.raw.FPDFPage_CountObjects, drawing.raw.FPDFPage_GetObject, _SAME, 0)
    return drawing.rules, drawing.dots, drawing.pictures


class _Drawing:
    def __init__(self) -> None:
        import pypdfium2.raw as raw

        self.raw = raw
        self.rules: list[_Box] = []
        self.dots: list[_Box] = []
        self.pictures = 0
        self._left = _MAX_OBJECTS
        self._bounds = [ctypes.c_float() for _ in range(4)]

    def walk(self, holder: Any, count: Any, get: Any, matrix: _Matrix, depth: int) -> None:
        raw = self.raw
        for index in range(count(holder)):
            self._left -= 1
            if self._left < 0:
                return
            found = get(holder, index)
            kind = raw.FPDFPageObj_GetType(found)
            if kind == raw.FPDF_PAGEOBJ_PATH:
                self._path(found, matrix)
            elif kind == raw.FPDF_PAGEOBJ_IMAGE:
                self.pictures += 1
            elif kind == raw.FPDF_PAGEOBJ_FORM and depth < _DEEPEST_FORM:
                inner = _times(self._matrix(found), matrix)
                self.walk(found, raw.FPDFFormObj_CountObjects, raw.FPDFFormObj_GetObject, inner, depth + 1)

    def _matrix(self, found: Any) -> _Matrix:
        matrix = self.raw.FS_MATRIX()
        if not self.raw.FPDFPageObj_GetMatrix(found, matrix):
            return _SAME
        return matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f

    def _path(self, found: Any, matrix: _Matrix) -> None:
        bounds = self._bounds
        if not self.raw.FPDFPageObj_GetBounds(found, *bounds):
            return
        box = _moved_box((bounds[0].value, bounds[1].value, bounds[2].value, bounds[3].value), matrix)
        if min(box[2] - box[0], box[3] - box[1]) <= _THIN:
            self._add(box)
            return
        if is_dot(box) and len(self.dots) < _MOST_DOTS:
            self.dots.append(box)
            return
        fill, stroke = ctypes.c_int(), ctypes.c_int()
        if self.raw.FPDFPath_GetDrawMode(found, fill, stroke) and stroke.value:
            self._edges(found, _times(self._matrix(found), matrix))

    def _edges(self, found: Any, matrix: _Matrix) -> None:
        """The straight pieces of an outline."""
        raw = self.raw
        count = raw.FPDFPath_CountSegments(found)
        if not 1 < count <= _MAX_SEGMENTS:
            return
        x, y = ctypes.c_float(), ctypes.c_float()
        start = last = (0.0, 0.0)
        for index in range(count):
            segment = raw.FPDFPath_GetPathSegment(found, index)
            raw.FPDFPathSegment_GetPoint(segment, x, y)
            point = _moved(x.value, y.value, matrix)
            kind = raw.FPDFPathSegment_GetType(segment)
            if kind == raw.FPDF_SEGMENT_MOVETO:
                start = point
            elif kind == raw.FPDF_SEGMENT_LINETO:
                self._edge(last, point)
            if raw.FPDFPathSegment_GetClose(segment):
                self._edge(point, start)
            last = point

    def _edge(self, a: tuple[float, float], b: tuple[float, float]) -> None:
        self._add((min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])))

    def _add(self, box: _Box) -> None:
        width, height = box[2] - box[0], box[3] - box[1]
        if min(width, height) <= _THIN and max(width, height) >= _SHORTEST_RULE and all(map(math.isfinite, box)):
            self.rules.append(box)


def _times(a: _Matrix, b: _Matrix) -> _Matrix:
    """What does `a`, then `b`."""
    return (
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
        a[4] * b[0] + a[5] * b[2] + b[4],
        a[4] * b[1] + a[5] * b[3] + b[5],
    )


def _moved(x: float, y: float, m: _Matrix) -> tuple[float, float]:
    return x * m[0] + y * m[2] + m[4], x * m[1] + y * m[3] + m[5]


def _moved_box(box: _Box, matrix: _Matrix) -> _Box:
    (x0, y0), (x1, y1) = _moved(box[0], box[1], matrix), _moved(box[2], box[3], matrix)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
