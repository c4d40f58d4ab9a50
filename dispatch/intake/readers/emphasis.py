"""Marks of emphasis within a line, made signs of where they are marks.

Near CommonMark's rules on what stands left and right of a mark, with two differences. `**` needs less, since converters
write it between a Chinese bracket and a letter, where CommonMark leaves it. And an asterisk between two letters or
digits that are not Chinese is a sign of multiplication: without it, 2*3*4 would be another number.
"""

from __future__ import annotations

import re

from dispatch.intake.readers.marking import EMPHASIS_OFF, EMPHASIS_ON, SIGNS, STRONG_OFF, STRONG_ON

_STRONG = rf"{STRONG_ON}\1{STRONG_OFF}"
_EMPHASIS = rf"{EMPHASIS_ON}\1{EMPHASIS_OFF}"

_WORD = "A-Za-z0-9Α-ω"
_SIGNS = r"!-/:-@\[-`{-~（）［］｛｝＋－＝×÷"  # punctuation to an asterisk that stands alone
_NO_FACTOR = rf"(?<![{_WORD}])"
_OPERAND = rf"[{_WORD}(（\[+]"

_PATTERNS = (
    (re.compile(r"\*\*\*(?![\s*])([^*]+?)\*\*\*"), f"{EMPHASIS_ON}{_STRONG}{EMPHASIS_OFF}"),
    (re.compile(rf"(?:{_NO_FACTOR}|(?!\*\*{_OPERAND}))\*\*(?![\s*])((?:[^*]|\*(?!\*))+)\*\*"), _STRONG),
    (re.compile(r"(?<![\w_])__(?![\s_])([^_]+)__(?![\w_])"), _STRONG),
    (
        re.compile(
            rf"(?:(?<![^\s{_SIGNS}])|(?!\*[{_SIGNS}]))"  # opens: not between a letter and a sign,
            rf"(?:{_NO_FACTOR}|(?!\*{_OPERAND}))"  # nor between two factors
            r"(?!(?<=\w)\*\w\*\w)"  # nor in 长*宽*高
            r"(?<!\*)\*(?![\s*])([^*]*[^\s*])\*(?!\*)"
            rf"(?:(?<![{_SIGNS}]\*)|(?![^\s{_SIGNS}]))"  # closes: not between a sign and a letter,
            rf"(?:(?<![{_WORD}]\*)|(?!{_OPERAND}))"  # nor between two factors
        ),
        _EMPHASIS,
    ),
    (re.compile(r"(?<![\w_])_(?![\s_])([^_]*[^\s_])_(?![\w_])"), _EMPHASIS),
    (re.compile(r"~~(?![\s~])([^~]+)~~"), r"\1"),
    (re.compile(r"(?<!`)`++([^`]+)`++"), r"\1"),  # possessive: a long run of marks is looked at once
)
_BOLD_HEAD = re.compile(rf"\s*(?:[{SIGNS}])*(\*\*\*?|__)(?![\s*_])(?:(?!\1).)+\1")


def signed_emphasis(text: str) -> str:
    """A line's text with signs in place of its marks of emphasis, and without marks of code."""
    if any(mark in text for mark in "*_~`"):
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
    return text


def begins_bold(raw: str) -> bool:
    """Whether a line, or its head, is bold."""
    return _BOLD_HEAD.match(raw) is not None
