"""Plain text: every line as it stands, without hints."""

from __future__ import annotations

import re

from dispatch.intake.line import Line, indent_of
from dispatch.intake.readers import markdown

_RULE = re.compile(r"[ \u3000]*([-=_*—─═~·])(?:[ \u3000]*\1){2,}[ \u3000]*")
_MARKED = re.compile(r"^(?:#{1,6} \S|\*\*[^*\n]{1,200}\*\*[ ]*$)", re.MULTILINE)
_FEW_MARKS = 3


def lines(text: str) -> tuple[Line, ...]:
    """The lines of a plain text; a form feed ends a page. One that is Markdown by its marks is read as such: people
    rename files."""
    marks = _MARKED.finditer(text)
    if sum(1 for _ in zip(range(_FEW_MARKS), marks, strict=False)) == _FEW_MARKS:
        return markdown.lines(text)
    pages = text.split("\f")
    found: list[Line] = []
    number = 1
    gap = False
    for page, content in enumerate(pages, 1):
        for raw in content.split("\n"):
            line = _line(raw, number, page if len(pages) > 1 else 0, gap=gap)
            gap = line is None
            found += [line] if line else []
            number += 1
    return tuple(found)


def _line(raw: str, number: int, page: int, *, gap: bool) -> Line | None:
    """One line of a text, None for an empty one."""
    content = " ".join(raw.split())
    if not content:
        return None
    rule = _RULE.fullmatch(raw) is not None
    return Line("" if rule else content, number, gap=gap, rule=rule, indent=indent_of(raw), page=page)
