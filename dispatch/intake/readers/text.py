"""Plain text: every line as it stands, without hints."""

from __future__ import annotations

import re

from dispatch.intake.line import Line, indent_of
from dispatch.intake.readers import markdown

_RULE = re.compile(r"[ \u3000]*([-=_*—─═~·])(?:[ \u3000]*\1){2,}[ \u3000]*")
_MARKED = re.compile(r"^(?:#{1,6} \S|\*\*[^*\n]{1,200}\*\*[ ]*$)", re.MULTILINE)
_FEW_MARKS = 3


def lines(text: str) -> tuple[Line, ...]:
    """The lines of a plain text. One that is Markdown by its marks is read as such: people rename files."""
    marks = _MARKED.finditer(text)
    if sum(1 for _ in zip(range(_FEW_MARKS), marks, strict=False)) == _FEW_MARKS:
        return markdown.lines(text)
    found: list[Line] = []
    gap = False
    for number, raw in enumerate(text.split("\n"), 1):
        content = " ".join(raw.split())
        if not content:
            gap = True
            continue
        rule = _RULE.fullmatch(raw) is not None
        found.append(Line("" if rule else content, number, gap=gap, rule=rule, indent=indent_of(raw)))
        gap = False
    return tuple(found)
