"""Characters as their author typed them: what fonts of PDFs give instead, undone."""

from __future__ import annotations

import unicodedata

from dispatch.intake.characters import RADICALS

_BULLETS = dict.fromkeys("\uf0b7\uf06c\uf06e\uf0a7\uf0d8\uf0fc\uf075\uf076\uf0a8\uf071\uf077", "•")  # Symbol, Wingdings


def normal(char: str) -> str:
    """A character without what only its font is about: radicals as characters (⼯ as 工, ⻓ as 长), ligatures as
    letters, bullets of symbol fonts as •; "" for others of private use."""
    if char < "\u2000":
        return char
    if "\u2e80" <= char <= "\u2fdf":
        return RADICALS.get(char, char)
    if "\ufb00" <= char <= "\ufb06" or "\uf900" <= char <= "\ufaff":
        return unicodedata.normalize("NFKC", char)
    if "\ue000" <= char <= "\uf8ff" or char >= "\U000f0000":
        return _BULLETS.get(char, "")
    return char
