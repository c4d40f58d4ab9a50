"""Files to documents, one module a format.

A format of text is a module with `lines(text) -> tuple[Line, ...]`, of other bytes one with
`document(data, name) -> Document`; each has one entry below. What a file of bytes is, its first bytes say
(`signatures`), not its name.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dispatch.errors import IntakeError
from dispatch.intake.hints import telling
from dispatch.intake.line import Document, Line
from dispatch.intake.paragraphs import blocks
from dispatch.intake.readers import markdown, pdf, text
from dispatch.intake.readers.decoding import clean, decode
from dispatch.intake.readers.signatures import advice_for, form_of
from dispatch.model import Article

MAX_BYTES = 20_000_000
MAX_LINES = 500_000  # with the empty ones

# By the suffix of the name, and by what the first bytes say.
_TEXTS: dict[str, Callable[[str], tuple[Line, ...]]] = {
    ".md": markdown.lines,
    ".markdown": markdown.lines,
    ".txt": text.lines,
}
_BYTES: dict[str, Callable[[bytes, str], Document]] = {
    "pdf": pdf.document,
}
SUFFIXES = (*_TEXTS, *(f".{form}" for form in _BYTES))


def read(path: Path, name: str = "") -> tuple[Line, ...]:
    """The lines of a file. Raises IntakeError like `document`."""
    return document(path, name).lines


def document(path: Path, name: str = "") -> Document:
    """What is in a file; `name` is what errors call it (its path by default).

    Raises IntakeError: no such file, not a file, a format that is not read, empty, over MAX_BYTES, damaged, or text in
    an encoding other than UTF-8, UTF-16 with a byte order mark, and GB18030.
    """
    name = name or str(path)
    data = _bytes(path, name)
    reader = _BYTES.get(form_of(data))
    found = reader(data, name) if reader else Document(_lines(data, path.suffix.lower(), name))
    if not found.lines:
        raise IntakeError(f"{name}: the file is empty; was it saved whole?")
    return found


def _lines(data: bytes, suffix: str, name: str) -> tuple[Line, ...]:
    reader = _TEXTS.get(suffix)
    if suffix[1:] in _BYTES:
        raise IntakeError(
            f"{name}: the name says {suffix}, but the file is none; save it again in the program that made it"
        )
    if reader is None:
        raise IntakeError(
            f"{name}: {suffix or 'a file without a suffix'} is not a format that is read; "
            f"save the issue as Markdown or plain text ({', '.join(SUFFIXES)})"
        )
    content = clean(decode(data, name))
    if content.count("\n") > MAX_LINES:
        raise IntakeError(f"{name}: over {MAX_LINES} lines, too many for an issue of text")
    return reader(content)


def read_article(path: Path) -> Article:
    """A single article: the first line is the title, the rest its text. Raises IntakeError like `read`."""
    found = [line for line in telling(read(path)) if not line.rule]
    if not found:
        raise IntakeError(f"{path}: there is no text in it; the first line is the title, the rest the article")
    return Article(title=found[0].text, credit="", blocks=blocks(found[1:]))


def _bytes(path: Path, name: str) -> bytes:
    try:
        if path.is_dir():
            raise IntakeError(f"{name}: this is a directory; name a file in it")
        if not path.exists():
            raise IntakeError(f"{name}: there is no such file; is the path right?")
        if not path.is_file():
            raise IntakeError(f"{name}: this is not a regular file; copy the issue into one")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise IntakeError(f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if advice := advice_for(data):
        raise IntakeError(f"{name}: {advice}")
    if len(data) > MAX_BYTES:
        raise IntakeError(f"{name}: over {MAX_BYTES // 1_000_000} MB, too large for an issue of text")
    return data
