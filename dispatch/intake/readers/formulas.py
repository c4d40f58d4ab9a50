"""What converters write as formulas of LaTeX though it is plain text: $1 0 0 \\%$, $\\mathrm{CO}_2$, $^{[1]}$."""

from __future__ import annotations

import re
from functools import partial

from dispatch.intake.readers.marking import LOWERED_OFF, LOWERED_ON, RAISED_OFF, RAISED_ON

_FORMULA = re.compile(r"(?<![\\$])(\$\$?)([^$\n]{1,300}?)\1(?!\d)")
_SURE = re.compile(r"[\\^_{}]")
_FIGURES = re.compile(r"[\d.,%+\-×=/~()\[\]:]+(?:[ ][\d.,%+\-×=/~()\[\]:]+)*")
_WORDS = re.compile(
    r"\\(?:mathrm|mathbf|mathit|mathsf|mathtt|mathcal|mathbb|boldsymbol|text|textbf|textit|textrm|operatorname|mbox|hbox|"
    r"displaystyle|scriptstyle|textstyle|rm|bf|it|left|right|bigl?|bigr|limits|quad|qquad|!|,|;|:)(?![A-Za-z])"
)
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]{1,60})\}\s*\{([^{}]{1,60})\}")
_CIRCLED = re.compile(r"\\(?:textcircled|circled)\s*\{?\s*(\d{1,2})\s*\}?")
_DEGREE = re.compile(r"\^\s*\{?\s*\\(?:circ|degree)\s*\}?")
_RAISED = re.compile(r"\^\s*(?:\{\s*([\d+\-,ni ]{1,20})\}|([\dn]))")
_LOWERED = re.compile(r"_\s*(?:\{\s*([\d+\-aeijkmnx ]{1,20})\}|([\dn]))")
_NAMED = re.compile(r"\\([A-Za-z]{1,20})")
_ESCAPED = re.compile(r"\\([%&#$_{} ])")
_SIGNS = {
    "sim": "~", "times": "×", "cdot": "·", "div": "÷", "pm": "±", "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥",
    "neq": "≠", "approx": "≈", "rightarrow": "→", "to": "→", "leftarrow": "←", "infty": "∞", "circ": "°",
    "degree": "°", "ldots": "…", "cdots": "…", "dots": "…", "permil": "‰", "bullet": "•", "alpha": "α", "beta": "β",
    "gamma": "γ", "delta": "δ", "Delta": "Δ", "mu": "μ", "pi": "π", "sigma": "σ", "Sigma": "Σ", "Omega": "Ω",
    "star": "★", "square": "□", "prime": "′", "yen": "¥", "pounds": "£", "mid": "|", "prod": "∏", "sum": "∑",
}  # fmt: skip


def without_formulas(text: str) -> str:
    """A line with its formulas as plain text, and signs where it is raised or lowered. Amounts in dollars are none."""
    return _FORMULA.sub(_plain, text) if "$" in text else text


def _plain(match: re.Match[str]) -> str:
    inner = match[2]
    if not (_SURE.search(inner) or _FIGURES.fullmatch(inner)):
        return match[0]
    text = _WORDS.sub(" ", _DEGREE.sub("°", _CIRCLED.sub(_circle, _FRACTION.sub(r"\1/\2", inner))))
    text = _RAISED.sub(partial(_signed, RAISED_ON, RAISED_OFF), text)
    text = _ESCAPED.sub(r"\1", _LOWERED.sub(partial(_signed, LOWERED_ON, LOWERED_OFF), text))
    text = _NAMED.sub(lambda found: _SIGNS.get(found[1], found[1]), text)
    return _without_gaps(text.translate({ord(sign): None for sign in "{}^_\\"}))


def _signed(on: str, off: str, found: re.Match[str]) -> str:
    return on + (found[1] or found[2]).replace(" ", "") + off


def _circle(match: re.Match[str]) -> str:
    number = int(match[1])
    return chr(0x2460 + number - 1) if 1 <= number <= 20 else f"({number})"


def _without_gaps(text: str) -> str:
    """Without the blanks that stand between all signs of a formula; words keep theirs."""
    return re.sub(r"(?<![A-Za-z]) +| +(?![A-Za-z])", "", text.strip())
