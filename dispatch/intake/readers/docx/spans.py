"""The text of a paragraph as it is put together: stretches of one look, then lines with marks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from dispatch.intake.cleaning import clean
from dispatch.intake.readers.scripts import Script, scripted
from dispatch.model import Mark, MarkKind

_LONGEST_ADDRESS = 2_000
_SCHEMES = ("http", "https", "mailto")
_BLANKS = re.compile(r"\s+")
_PAGE = re.compile(r"[-–—·.…\s]*(?:\d{1,3}|[ivxlc]{1,6})?[-–—·.…\s]*", re.IGNORECASE)
_LEADER = " \t\u3000.…·．⋯_"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one look. `size` is in half points; `href` is an absolute address or ""."""

    text: str
    strong: bool = False  # bold against the style of its paragraph
    bold: bool = False
    italic: bool = False
    size: int = 0
    href: str = ""
    script: Script = Script.NONE


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text without needless blanks. `bold` says that it begins so; `size` is that of its smallest part."""

    text: str
    marks: tuple[Mark, ...] = ()
    bold: bool = False
    size: int = 0


def text_of(spans: Sequence[Span]) -> Text:
    """Stretches as one line: all blanks as single spaces, none at the ends."""
    parts: list[str] = []
    placed: list[tuple[int, int, Span]] = []
    length = 0
    blank = True
    pieces = scripted([(clean(span.text), span.script) for span in spans])
    for span, written in zip(spans, pieces, strict=True):
        piece = _BLANKS.sub(" ", written)
        if blank and piece.startswith(" "):
            piece = piece[1:]
        if not piece:
            continue
        parts.append(piece)
        placed.append((length, length + len(piece), span))
        length += len(piece)
        blank = piece.endswith(" ")
    text = "".join(parts).rstrip()
    seen = [span for start, end, span in placed if text[start:end].strip()]
    return Text(text, _marks(text, placed), bool(seen) and seen[0].bold, min((span.size for span in seen), default=0))


def joined(texts: Sequence[Text], between: str) -> Text:
    """Lines as one, with something between each two of them."""
    parts: list[str] = []
    marks: list[Mark] = []
    length = 0
    for text in texts:
        if parts:
            parts.append(between)
            length += len(between)
        marks += [replace(mark, start=mark.start + length, end=mark.end + length) for mark in text.marks]
        parts.append(text.text)
        length += len(text.text)
    first = texts[0] if texts else Text("")
    return Text("".join(parts), tuple(marks), first.bold, min((text.size for text in texts), default=0))


def _marks(text: str, placed: Sequence[tuple[int, int, Span]]) -> tuple[Mark, ...]:
    found: list[Mark] = []
    for start, end, span in placed:
        kinds = (
            (MarkKind.STRONG, span.strong, ""),
            (MarkKind.EMPHASIS, span.italic, ""),
            (MarkKind.LINK, bool(span.href), span.href),
        )
        for kind, wanted, href in kinds:
            if wanted:
                _extend(found, Mark(kind, start, end, href))
    trimmed = (_trimmed(mark, text) for mark in found)
    return tuple(sorted((mark for mark in trimmed if mark.start < mark.end), key=lambda mark: (mark.start, -mark.end)))


def _extend(found: list[Mark], mark: Mark) -> None:
    """Add a mark, or let the last one of its kind go on where it begins."""
    for index in range(len(found) - 1, max(-1, len(found) - 4), -1):
        other = found[index]
        if (other.kind, other.end, other.href) == (mark.kind, mark.start, mark.href):
            found[index] = replace(other, end=mark.end)
            return
    found.append(mark)


def _trimmed(mark: Mark, text: str) -> Mark:
    """A mark without blanks at its ends."""
    inner = text[mark.start : mark.end]
    start = mark.start + len(inner) - len(inner.lstrip())
    return replace(mark, start=start, end=start + len(inner.strip()))


def without_page(spans: Sequence[Span]) -> list[Span]:
    """An entry of a contents list without the number of the page behind its last tab, and without dots before it."""
    raw = "".join(span.text for span in spans)
    head, tab, tail = raw.rpartition("\t")
    if not tab or not _PAGE.fullmatch(tail):
        return list(spans)
    left = len(head.rstrip(_LEADER))
    found: list[Span] = []
    for span in spans:
        found.append(replace(span, text=span.text[:left]))
        left -= min(left, len(span.text))
    return found


def address_of(target: str) -> str:
    """An absolute http, https or mailto address as it stands; "" for all else."""
    target = target.strip()
    if len(target) > _LONGEST_ADDRESS or clean(target) != target or any(char.isspace() for char in target):
        return ""
    try:
        parts = urlsplit(target)
    except ValueError:
        return ""
    if parts.scheme not in _SCHEMES:
        return ""
    return target if (parts.path if parts.scheme == "mailto" else parts.hostname) else ""
