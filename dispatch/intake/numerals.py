"""Numbers as mastheads write them: 5, ５, 五, 十二, 五三四, 五百三十四, 二〇二二."""

from __future__ import annotations

_DIGITS = {
    char: value
    for value, chars in enumerate(("〇零○", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"))
    for char in chars
}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}

CLASS = "[0-9" + "".join(_DIGITS) + "".join(_UNITS) + "]"


def number(text: str) -> int:
    """The value of a run of `CLASS` characters, at most eight of which count; 0 for none."""
    text = text[:8]
    if not any(char in _UNITS for char in text):
        return int("".join(str(_DIGITS.get(char, char)) for char in text) or "0")
    total = current = 0
    for char in text:
        if char in _UNITS:
            total += (current or 1) * _UNITS[char]
            current = 0
        else:
            current = current * 10 + int(_DIGITS.get(char, char))
    return total + current
