"""Patterns that an operator writes as they look: words, with {names} in braces for what differs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_NAME = re.compile(r"\{([^{}]*)\}")
_WIDTHS = {
    "(": "[(（]",
    ")": "[)）]",
    ":": "[:：]",
    ",": "[,，]",
    ".": "[.．。]",
    "-": "[-—–－]",
    "/": "[/／]",
    "|": "[|｜丨]",
}


def names_in(text: str) -> list[str]:
    """The names in braces, in their order."""
    return _NAME.findall(text)


def compiled(text: str, named: Mapping[str, str]) -> re.Pattern[str]:
    """The pattern with a group for each name, whose form `named` gives. Blanks between signs and Chinese do not matter,
    nor does the width of signs; a blank after a Latin word does, or By {credit} would find Byron."""
    return re.compile(r"\s*".join(_parts(text, named)), re.IGNORECASE)


def _parts(text: str, named: Mapping[str, str]) -> Iterator[str]:
    for at, part in enumerate(_NAME.split(text)):
        if at % 2:
            yield f"(?P<{part}>{named[part]})"
            continue
        for word in part.split():
            yield r"\s*".join(_WIDTHS.get(char, re.escape(char)) for char in word)
        if part[-1:].isspace() and part.rstrip()[-1:].isascii() and part.rstrip()[-1:].isalpha():
            yield r"(?<=\s)"
