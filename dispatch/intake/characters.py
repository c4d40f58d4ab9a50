"""Texts as they are looked through: half-width, in small letters and simplified characters."""

from __future__ import annotations

from functools import cache

from dispatch.assets import config_dir
from dispatch.catalog.words import fold

# ASCII, Chinese punctuation, Chinese characters, full-width forms: nearly all that a bulletin is written in.
_USUAL = (range(0x100), range(0x2000, 0x2070), range(0x3000, 0x3040), range(0x4E00, 0xA000), range(0xFF00, 0xFF60))


def simplified(text: str) -> str:
    """The text folded and in simplified characters (config/traditional.txt), of the same length: 高新區 -> 高新区."""
    return text.translate(_table())


@cache
def _table() -> dict[int, str]:
    """Of the usual characters, those that stay as they are too: looking up what is not there takes much longer."""
    usual = [chr(code) for codes in _USUAL for code in codes]
    lines = (config_dir() / "traditional.txt").read_text(encoding="utf-8").splitlines()
    pairs = (pair for line in lines if not line.startswith("#") for pair in line.split())
    same = dict(zip(map(ord, usual), fold("".join(usual)), strict=True))
    return same | {ord(pair[0]): pair[1] for pair in pairs}
