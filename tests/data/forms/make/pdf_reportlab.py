"""The sample issue as ReportLab sets it: `pdf_reportlab.py FOLDER` writes `reportlab.pdf`.

Running heads that differ on left and right pages, page numbers, and a contents list in two columns with dotted leaders.
The font is one that readers are expected to have (STSong-Light): it is not in the file. There is no bold, so headings
show by their size only.
"""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path

from pdf_content import Article, Issue, issue
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    FrameBreak,
    HRFlowable,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Paragraph,
)  # fmt: skip

_FONT = "STSong-Light"
_WIDTH, _HEIGHT = A4
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 65, 80, 70


def _style(size: float, **more: object) -> ParagraphStyle:
    return ParagraphStyle("", fontName=_FONT, fontSize=size, leading=size * 1.6, wordWrap="CJK", **more)


_TITLE, _HEAD = _style(36, alignment=TA_CENTER), _style(12, alignment=TA_CENTER)
_COLUMN, _ARTICLE = _style(18, spaceBefore=14, spaceAfter=6), _style(14, alignment=TA_CENTER, spaceBefore=10)
_PART, _TEXT = _style(12, spaceBefore=6, spaceAfter=3), _style(10.5, firstLineIndent=21)
_CREDIT, _SMALL, _LISTED = _style(10.5, alignment=TA_RIGHT), _style(9), _style(10.5, spaceBefore=6)


class Leader(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """A title of the contents list with dots up to its page."""

    def __init__(self, text: str, number: int) -> None:
        super().__init__()
        self._text, self._number = text, number

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        self._width = width
        self._lines = [""]
        for char in self._text:
            if pdfmetrics.stringWidth(self._lines[-1] + char, _FONT, 9) > width - 30:
                self._lines.append("")
            self._lines[-1] += char
        return width, 14.0 * len(self._lines)

    def draw(self) -> None:
        canvas = self.canv
        canvas.setFont(_FONT, 9)
        for row, line in enumerate(self._lines):
            y = 14 * (len(self._lines) - 1 - row) + 3
            canvas.drawString(0, y, line)
        end = pdfmetrics.stringWidth(self._lines[-1], _FONT, 9) + 3
        dots = "." * int((self._width - 14 - end) / pdfmetrics.stringWidth(".", _FONT, 9))
        canvas.drawString(end, y, dots)
        canvas.drawRightString(self._width, y, str(self._number))


def _furniture(canvas: object, document: object) -> None:
    number = document.page  # type: ignore[attr-defined]  # ReportLab has no types
    draw = canvas
    draw.setFont(_FONT, 9)  # type: ignore[attr-defined]
    if number > 1 and number % 2:
        draw.drawRightString(_WIDTH - _RIGHT, _HEIGHT - 50, "2022年第5期(总第534期)")  # type: ignore[attr-defined]
    elif number > 1:
        draw.drawString(_LEFT, _HEIGHT - 50, "火炬动态 · 科技部火炬中心")  # type: ignore[attr-defined]
    draw.drawCentredString(_WIDTH / 2, 40, f"- {number} -")  # type: ignore[attr-defined]


def _story(found: Issue) -> list[Flowable]:
    story: list[Flowable] = [Paragraph(found.title, _TITLE), Paragraph(found.publisher, _HEAD)]
    story += [Paragraph(found.number, _HEAD), FrameBreak(), NextPageTemplate("text")]
    number = 2
    for name, titles in found.contents:
        story.append(Paragraph(f"【{name}】", _LISTED))
        for title in titles:
            story.append(Leader(title, number))
            number += 1
    story.append(PageBreak())
    for name, articles in found.columns:
        story.append(Paragraph(name, _COLUMN))
        for article in articles:
            story += _article(article)
    story.append(HRFlowable(width="100%"))
    return story + [Paragraph(line, _SMALL) for line in found.colophon]


def _article(article: Article) -> list[Flowable]:
    texts = [(kind, escape(text, quote=False)) for kind, text in article.blocks]
    if not article.credit_apart:
        texts[-1] = (texts[-1][0], f"{texts[-1][1]} {article.credit}")
    story = [Paragraph(article.title, _ARTICLE)]
    story += [Paragraph(text, _PART if kind == "heading" else _TEXT) for kind, text in texts]
    return [*story, Paragraph(article.credit, _CREDIT)] if article.credit_apart else story


def main(target: Path) -> None:
    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    half = (width - 24) / 2
    first = [
        Frame(_LEFT, _BOTTOM + height - 130, width, 130),
        Frame(_LEFT, _BOTTOM + height - 330, half, 200),
        Frame(_LEFT + half + 24, _BOTTOM + height - 330, half, 200),
    ]
    document = BaseDocTemplate(str(target), pagesize=A4, invariant=1, title="火炬动态")
    document.addPageTemplates(
        [
            PageTemplate("first", first, onPage=_furniture),
            PageTemplate("text", [Frame(_LEFT, _BOTTOM, width, height)], onPage=_furniture),
        ]
    )
    document.build(_story(issue()))


if __name__ == "__main__":
    main(Path(sys.argv[1]) / "reportlab.pdf")
