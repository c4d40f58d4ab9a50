"""PDF: the text layer as lines, in the order in which people read it.

pypdfium2 is imported when the first PDF is read. What a page holds becomes glyphs (`pdf_page`), glyphs become printed
lines and tables (`pdf_rows`, `pdf_tables`), running heads and page numbers go (`pdf_furniture`), and printed lines are
put together to paragraphs and headings (`pdf_paragraphs`). Pages without text are read by OCR where it is installed
(`pdf_ocr`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dispatch.errors import IntakeError
from dispatch.intake.line import Document
from dispatch.intake.readers import pdf_ocr
from dispatch.intake.readers.pdf_furniture import without_furniture
from dispatch.intake.readers.pdf_page import Page, page_of
from dispatch.intake.readers.pdf_paragraphs import lines_of
from dispatch.intake.readers.pdf_rows import Sheet, sheet_of

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

MAX_PAGES = 1_000
MAX_PAGE_CHARACTERS = 100_000
MAX_CHARACTERS = 2_000_000
_FEW = 10  # characters of a page that is a picture with a number or a stamp on it
_UNKNOWN = 0.05  # the part of a page's characters without Unicode from which on it is said

_MOST_WARNINGS = 100

_PASSWORD = "it is encrypted and asks for a password; save it without one (print it to a new PDF)"  # noqa: S105 - words
_DAMAGED = "the PDF is damaged and cannot be opened; was it copied whole? Save or export it again"


def document(data: bytes, name: str) -> Document:
    """The lines of a PDF, each with its page, and a warning on each page that is in doubt.

    Raises IntakeError: encrypted, damaged, no pages, over MAX_PAGES pages, over MAX_PAGE_CHARACTERS on a page or
    MAX_CHARACTERS in all, or no text in it (a scan) where OCR is not installed.
    """
    pdf = _opened(data, name)
    try:
        return _Reading(pdf, name).document()
    finally:
        pdf.close()


def _opened(data: bytes, name: str) -> PdfDocument:
    import pypdfium2  # a process that only sends does without it
    import pypdfium2.raw as raw

    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        locked = error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        raise IntakeError(f"{name}: {_PASSWORD if locked else _DAMAGED}") from error
    count = len(pdf)
    if 0 < count <= MAX_PAGES:
        return pdf
    pdf.close()
    if count > MAX_PAGES:
        raise IntakeError(f"{name}: {count} pages, more than {MAX_PAGES}; cut the issue out and save it by itself")
    raise IntakeError(f"{name}: the PDF has no pages; save or export it again")


class _Reading:
    """One pass over the pages of a document."""

    def __init__(self, pdf: PdfDocument, name: str) -> None:
        self._pdf = pdf
        self._name = name
        self._warnings: list[str] = []
        self._characters = 0
        self._broken = 0
        self._scanned = 0

    def document(self) -> Document:
        sheets = list(self._sheets())
        if self._broken == len(self._pdf):
            raise IntakeError(f"{self._name}: {_DAMAGED}")
        lines = lines_of(without_furniture(sheets))
        if not lines and self._scanned:
            raise IntakeError(f"{self._name}: the PDF is a scan, pictures without a text layer; {pdf_ocr.ADVICE}")
        if not lines:
            raise IntakeError(f"{self._name}: there is no text in the PDF; {pdf_ocr.ADVICE}")
        return Document(tuple(lines), tuple(self._warnings))

    def _sheets(self) -> Iterator[Sheet]:
        """Each page that can be read; one is open at a time."""
        import pypdfium2

        for number in range(1, len(self._pdf) + 1):
            try:
                page = self._pdf[number - 1]
            except pypdfium2.PdfiumError:
                self._broken += 1
                self._warn(f"Page {number} is damaged and was left out.")
                continue
            try:
                yield self._sheet(page, number)
            except pypdfium2.PdfiumError:
                self._broken += 1
                self._warn(f"Page {number} is damaged and was left out.")
            finally:
                page.close()

    def _warn(self, text: str) -> None:
        if len(self._warnings) < _MOST_WARNINGS:
            self._warnings.append(text)

    def _allowance(self, number: int, count: int) -> None:
        """Refuse a page, before its characters are looked at, that has more of them than an issue can have."""
        self._characters += count
        if count > MAX_PAGE_CHARACTERS or self._characters > MAX_CHARACTERS:
            raise IntakeError(
                f"{self._name}: {count} characters on page {number}, {self._characters} up to there, "
                f"more than {MAX_PAGE_CHARACTERS} a page or {MAX_CHARACTERS} in all; this is no issue of a bulletin"
            )

    def _sheet(self, pdf_page: PdfPage, number: int) -> Sheet:
        page = page_of(pdf_page, number, self._allowance)
        if page.pictures and len(page.glyphs) <= _FEW:
            return self._scan(pdf_page, page)
        if page.unknown > _UNKNOWN * (page.unknown + len(page.glyphs)):
            self._warn(
                f"Page {number}: {page.unknown} characters have no meaning in the PDF's font and were left out; "
                "compare the page with the printed one."
            )
        return sheet_of(page)

    def _scan(self, pdf_page: PdfPage, page: Page) -> Sheet:
        """A page that is a picture, read by OCR where that is installed."""
        self._scanned += 1
        if not pdf_ocr.installed():
            self._warn(f"Page {page.number} is a picture without text and was left out; {pdf_ocr.ADVICE}.")
            return sheet_of(page)
        if self._scanned > pdf_ocr.MAX_PAGES:
            raise IntakeError(
                f"{self._name}: a scan of more than {pdf_ocr.MAX_PAGES} pages, too many for OCR; "
                "cut the issue out and save it by itself"
            )
        self._warn(f"Page {page.number} was read by OCR: compare it with the picture.")
        return pdf_ocr.sheet_of(pdf_page, page.number)
