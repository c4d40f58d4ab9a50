"""Formulas (ISO/IEC 29500-1, 22.1) as stretches of text."""

from __future__ import annotations

from collections.abc import Iterator

from dispatch.intake.readers.docx.xml import Element, name_of
from dispatch.intake.readers.scripts import Script

_SCRIPTED = frozenset({"m:sSup", "m:sSub", "m:sSubSup", "m:sPre"})
_SCRIPTS = {"m:sup": Script.RAISED, "m:sub": Script.LOWERED}


def formula(element: Element) -> Iterator[tuple[str, Script]]:
    """The text of a formula with what is raised and lowered in it; the parts of a fraction have / between them."""
    waiting: list[tuple[Element | str, Script]] = [(element, Script.NONE)]
    while waiting:
        part, script = waiting.pop()
        if isinstance(part, str):
            yield part, script
            continue
        name = name_of(part)
        if name == "m:t":
            yield str(part.text or ""), script
            continue
        inner: list[tuple[Element | str, Script]] = []
        for found in part:
            own = _SCRIPTS.get(name_of(found)) if name in _SCRIPTED else None
            if name_of(found) == "m:den":
                inner.append(("/", script))
            inner.append((found, own or script))
        waiting += reversed(inner)
