"""Files to documents, one module a format.

A format of text is a module with `lines(text) -> tuple[Line, ...]`, any other one with
`document(data, name) -> Document`; each has one entry below. What a file of bytes is, its first bytes say
(`signatures`), not its name; a page names its encoding itself, so it comes as bytes too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dispatch.errors import IntakeError
from dispatch.intake.cleaning import clean
from dispatch.intake.hints import telling
from dispatch.intake.line import Document, Line
from dispatch.intake.opening import MAX_TEXT, read_bytes
from dispatch.intake.paragraphs import blocks
from dispatch.intake.readers import docx, html, markdown, pdf, text
from dispatch.intake.readers.decoding import decode
from dispatch.intake.readers.signatures import advice_for, form_of
from dispatch.intake.suffixes import PAGES, SUFFIXES
from dispatch.model import Article

MAX_BYTES = MAX_TEXT
MAX_LINES = 500_000  # with the empty ones

# By the suffix of the name, and by what the first bytes say.
_TEXTS: dict[str, Callable[[str], tuple[Line, ...]]] = {
    ".md": markdown.lines,
    ".markdown": markdown.lines,
    ".txt": text.lines,
}
_PAGES: dict[str, Callable[[bytes, str], Document]] = dict.fromkeys(PAGES, html.document)
_BYTES: dict[str, Callable[[bytes, str], Document]] = {"docx": docx.document, "pdf": pdf.document}


def read(path: Path, name: str = "") -> tuple[Line, ...]:
    """The lines of a file. Raises IntakeError like `document`."""
    return document(path, name).lines


def document(path: Path, name: str = "") -> Document:
    """What is in a file; `name` is what errors call it (its path by default).

    Raises IntakeError: no such file, not a file, too large, or as `document_of` does.
    """
    name = name or str(path)
    return document_of(read_bytes(path, name), path.suffix.lower(), name)


def document_of(data: bytes, suffix: str, name: str) -> Document:
    """What is in a file of these bytes, whose name ends in `suffix`; errors call it `name`.

    Raises IntakeError: a format that is not read, empty, text over MAX_BYTES, damaged, or text in an encoding other
    than UTF-8, UTF-16, GB18030 and Big5.
    """
    if advice := advice_for(data):
        raise IntakeError(f"{name}: {advice}")
    reader = _BYTES.get(form_of(data)) or _PAGES.get(suffix)
    found = reader(data, name) if reader else Document(_lines(data, suffix, name))
    found = replace(found, lines=tuple(line for line in found.lines if _says_something(line)))
    if not found.lines:
        raise IntakeError(f"{name}: the file is empty; was it saved whole?")
    return found


def _says_something(line: Line) -> bool:
    """Rules and tables do without a text; of other lines a damaged file may have left nothing but their places."""
    return bool(line.text or line.rule or line.rows)


def _lines(data: bytes, suffix: str, name: str) -> tuple[Line, ...]:
    reader = _TEXTS.get(suffix)
    if suffix.removeprefix(".") in _BYTES:
        raise IntakeError(
            f"{name}: its name says {suffix}, but it does not begin like one: it is damaged or was renamed; "
            f"copy it again, or save the issue in another format ({', '.join(SUFFIXES)})"
        )
    if reader is None:
        raise IntakeError(
            f"{name}: {suffix or 'a file without a suffix'} is not a format that is read; "
            f"save it as PDF, Word (.docx), HTML, Markdown or plain text ({', '.join(SUFFIXES)})"
        )
    if len(data) > MAX_BYTES:
        raise IntakeError(f"{name}: over {MAX_BYTES // 1_000_000} MB, too large for an issue of text")
    content = clean(decode(data, name), pages=True)
    if content.count("\n") > MAX_LINES:
        raise IntakeError(f"{name}: over {MAX_LINES} lines, too many for an issue of text")
    return reader(content)


def read_article(path: Path) -> Article:
    """A single article: the first line is the title, the rest its text. Raises IntakeError like `read`."""
    name = str(path)
    return article_of(read_bytes(path, name), path.suffix.lower(), name)


def article_of(data: bytes, suffix: str, name: str) -> Article:
    """The article in a file of these bytes; otherwise as `read_article`."""
    found = [line for line in telling(document_of(data, suffix, name).lines) if not line.rule]
    if not found:
        raise IntakeError(f"{name}: there is no text in it; the first line is the title, the rest the article")
    return Article(title=found[0].text, credit="", blocks=blocks(found[1:]))
