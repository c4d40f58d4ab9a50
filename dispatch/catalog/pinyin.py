"""How Chinese characters are written in letters, from config/pinyin.txt."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

from dispatch.assets import config_dir


@cache
def readings() -> dict[str, tuple[str, ...]]:
    """The syllables of each character: 重 -> chong, zhong; 绿 -> lu, lv. It is read when it is first asked for: who
    needs no pinyin does not pay for it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for line in (config_dir() / "pinyin.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        syllable, _, characters = line.partition(" ")
        for character in characters:
            found[character] += [syllable] if "v" not in syllable else [syllable, syllable.replace("v", "u")]
    return {character: tuple(dict.fromkeys(syllables)) for character, syllables in found.items()}


def spelled(text: str, most: int = 8) -> list[str]:
    """A text with its characters in pinyin, in up to `most` ways to read it."""
    known = readings()
    ways = [""]
    for character in text:
        ways = [way + syllable for way in ways for syllable in known.get(character, (character,))][:most]
    return ways
