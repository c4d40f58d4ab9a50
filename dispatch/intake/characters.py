"""Traditional characters as simplified ones, from config/traditional.txt."""

from __future__ import annotations

from functools import cache

from dispatch.assets import config_dir


def simplified(text: str) -> str:
    """The text in simplified characters, of the same length: 高新區 -> 高新区."""
    return text.translate(_table())


@cache
def _table() -> dict[int, str]:
    lines = (config_dir() / "traditional.txt").read_text(encoding="utf-8").splitlines()
    pairs = (pair for line in lines if not line.startswith("#") for pair in line.split())
    return {ord(old): new for old, new in pairs}
