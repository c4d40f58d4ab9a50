"""Words by which readers choose, folded as the articles are that they are looked for in."""

from __future__ import annotations

from functools import cache

from dispatch import search
from dispatch.assets import config_dir
from subscribers.model import Word
from subscribers.words import NEVER, checked


def fold(text: str) -> str:
    """As `search.fold`, and in simplified characters (config/traditional.txt)."""
    return search.fold(text).translate(_simplified())


def read(text: str, *, excluded: bool = False) -> Word:
    """A word as a reader wrote it. Raises InvalidValue."""
    return checked(text, fold(text), excluded=excluded)


def read_marked(text: str) -> Word:
    """The same, with `-` before one that no article is to hold. Raises InvalidValue."""
    bare = text.strip()
    return read(bare.removeprefix(NEVER), excluded=bare.startswith(NEVER))


@cache
def _simplified() -> dict[int, str]:
    lines = (config_dir() / "traditional.txt").read_text(encoding="utf-8").splitlines()
    return {ord(pair[0]): pair[1] for line in lines if not line.startswith("#") for pair in line.split()}
