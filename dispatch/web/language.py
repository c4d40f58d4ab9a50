"""The language of a page whose reader is not known: what the browser asks for."""

from __future__ import annotations

import re

from subscribers.model import LANGUAGES

_RANGE = re.compile(r"\s*([a-zA-Z]{1,8})(?:-[a-zA-Z0-9-]*)?\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?")
_MOST = 1000  # characters of the header that are looked at


def preferred(accept_language: str, chosen: str = "") -> str:
    """The language that was `chosen` by a link, else the best of ours for an Accept-Language header (RFC 9110, 12.5.4);
    Chinese where it names none."""
    if chosen in LANGUAGES:
        return chosen
    weights: dict[str, float] = {}
    for part in accept_language[:_MOST].split(","):
        found = _RANGE.fullmatch(part)
        if found and found[1].lower() in LANGUAGES:
            language = found[1].lower()
            weights[language] = max(weights.get(language, 0.0), float(found[2] or 1))
    wanted = {language: weight for language, weight in weights.items() if weight}
    return max(wanted, key=lambda language: wanted[language], default=LANGUAGES[0])
