"""Raised and lowered text as plain text: powers and indices in Unicode's own signs, references to notes in brackets.

Plain digits would say something else: 10 with a raised 4 is no 104. What Unicode has no sign for stays as it stands,
but behind ^ where it would be read as part of a number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

_RAISED = dict(zip("0123456789+-−–=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁼⁽⁾ⁿⁱ", strict=True))
_LOWERED = dict(zip("0123456789+-−–=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_MOST_BESIDE = 20  # pieces that are looked at to see what stands there
_LONGEST = 20  # characters: what is longer is text that was set so
_NUMBERS = re.compile(r"\d{1,3}(?:\s?[,，、\-–~]\s?\d{1,3}){0,9}")  # of notes
_BRACKETED = re.compile(r"[\[［〔(（【]\s*(\d{1,3}|\*)\s*[\])）］〕】]")
_VALUE = re.compile(r"[A-Za-z\d+\-−–./()]+")
_UNIT = re.compile(r"(?:\d|[/／每])\s*[千百分厘毫微]?[米秒]")  # of which there are squares and cubes
_CLOSING = ")）]］"
_ORDINALS = frozenset({"st", "nd", "rd", "th"})


class Script(Enum):
    """Where a stretch of text stands to its line."""

    NONE = "none"
    RAISED = "raised"
    LOWERED = "lowered"


def scripted(pieces: Sequence[tuple[str, Script]]) -> list[str]:
    """The pieces of a line, each as plain text. Neighbours that are raised alike are taken for one."""
    found = [text for text, _ in pieces]
    start = 0
    while start < len(pieces):
        script = pieces[start][1]
        end = start + 1
        while end < len(pieces) and pieces[end][1] is script:
            end += 1
        if script is not Script.NONE:
            before = _before(found[max(0, start - _MOST_BESIDE) : start])
            after = next((text[0] for text, _ in pieces[end : end + _MOST_BESIDE] if text), "")
            found[start:end] = _written(found[start:end], script, before, after)
        start = end
    return found


def _before(texts: Sequence[str]) -> str:
    """The last characters before a piece, without blanks at their end."""
    tail = ""
    for text in reversed(texts):
        tail = (text + tail).rstrip()
        if len(tail) >= 4:
            break
    return tail[-4:]


def _written(parts: list[str], script: Script, before: str, after: str) -> list[str]:
    text = "".join(parts)
    if not text.strip() or len(text) > _LONGEST:
        return parts
    if script is Script.LOWERED:
        return _translated(parts, _LOWERED) if _is_index(text.strip(), before) else parts
    if bracketed := _BRACKETED.fullmatch(text.strip()):
        return _instead(parts, f"[{bracketed[1]}]")
    if _NUMBERS.fullmatch(text.strip()) and _is_reference(before, after):
        return _within_brackets(parts)
    if _fits(text, _RAISED):
        return _translated(parts, _RAISED)
    if text.strip() in ("o", "O", "○", "。") and before[-1:].isdigit():
        return _instead(parts, "°")
    return _behind_caret(parts, text.strip(), before)


def _is_index(text: str, before: str) -> bool:
    """Whether a lowered text is one that is written so: CO₂, NOₓ, xₙ₊₁, but PM2.5 and Cmax."""
    if not before or not (before[-1].isalnum() or before[-1] in _CLOSING) or not _fits(text, _LOWERED):
        return False
    return len(text) == 1 or not text.isalpha()


def _is_reference(before: str, after: str) -> bool:
    """Whether a raised number means a note: behind a word or a sentence of Chinese, not behind a number or a letter."""
    if not before:
        return not _is_latin(after)  # a note's own number, and not the one of an isotope
    last = before[-1]
    if last in _CLOSING:
        return not _is_latin(before[-2:-1])
    if _is_latin(last) or last.isdigit():
        return False
    return not (_UNIT.fullmatch(before[-2:]) or _UNIT.fullmatch(before[-3:]) or (after and _is_latin(after)))


def _is_latin(char: str) -> bool:
    return char != "" and char.isalnum() and ord(char[0]) < 0x2E80


def _fits(text: str, signs: dict[str, str]) -> bool:
    return all(char in signs for char in text if not char.isspace())


def _translated(parts: Sequence[str], signs: dict[str, str]) -> list[str]:
    return ["".join(signs.get(char, char) for char in part) for part in parts]


def _instead(parts: Sequence[str], text: str) -> list[str]:
    at = next(index for index, part in enumerate(parts) if part.strip())
    return ["" if index != at else text for index in range(len(parts))]


def _within_brackets(parts: Sequence[str]) -> list[str]:
    shown = [index for index, part in enumerate(parts) if part.strip()]
    found = [part.strip() for part in parts]
    found[shown[0]] = "[" + found[shown[0]]
    found[shown[-1]] += "]"
    return found


def _behind_caret(parts: list[str], text: str, before: str) -> list[str]:
    """What has no sign of its own, told from the number or letter that it is raised over: 10^1.5, 30^(1/2)."""
    has_figures = any(char.isdigit() for char in text)
    if not (has_figures and before and _is_latin(before[-1]) and _VALUE.fullmatch(text)):
        return parts
    if text.lstrip("0123456789").lower() in _ORDINALS:
        return parts
    return _instead(parts, f"^{text}" if re.fullmatch(r"[\d.]+", text) else f"^({text})")
