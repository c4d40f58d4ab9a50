"""Numbers as Word writes them before the paragraphs of a list (ST_NumberFormat, ISO/IEC 29500-1, 17.18.59)."""

from __future__ import annotations

from collections.abc import Callable

_DIGITS = "〇一二三四五六七八九"
_LEGAL_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_LEGAL_DIGITS_TRADITIONAL = "零壹貳參肆伍陸柒捌玖"
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_BRANCHES = "子丑寅卯辰巳午未申酉戌亥"
_ROMAN = (
    (1000, "m"),
    (900, "cm"),
    (500, "d"),
    (400, "cd"),
    (100, "c"),
    (90, "xc"),
    (50, "l"),
    (40, "xl"),
    (10, "x"),
    (9, "ix"),
    (5, "v"),
    (4, "iv"),
    (1, "i"),
)
_LARGEST = 9_999  # of what is written in words or signs; beyond it, and below 1, digits stand


def numeral(number: int, form: str) -> str:
    """A number in a form of Word's (`chineseCounting`); decimal where the form is not known or does not go so far."""
    writer = _WRITERS.get(form)
    return writer(number) if writer and (0 < number <= _LARGEST) else str(number)


def _counted(number: int, digits: str, units: str, zero: str) -> str:
    """In words: 一百零五. The units are those of tens, hundreds and thousands."""
    parts: list[str] = []
    gap = False
    for power in (3, 2, 1, 0):
        digit = number // 10**power % 10
        if not digit:
            gap = bool(parts)
            continue
        if gap:
            parts.append(zero)
            gap = False
        parts.append(digits[digit] + (units[power - 1] if power else ""))
    return "".join(parts)


def _chinese(number: int) -> str:
    words = _counted(number, _DIGITS, "十百千", "零")
    return words[1:] if words.startswith("一十") else words


def _chinese_digits_from_hundred(number: int) -> str:
    """Counting as `chineseCounting` does it: in words below a hundred, digit by digit from there."""
    return _chinese(number) if number < 100 else _digitwise(number)


def _digitwise(number: int) -> str:
    return "".join(_DIGITS[int(digit)] for digit in str(number))


def _legal(number: int) -> str:
    return _counted(number, _LEGAL_DIGITS, "拾佰仟", "零")


def _legal_traditional(number: int) -> str:
    return _counted(number, _LEGAL_DIGITS_TRADITIONAL, "拾佰仟", "零")


def _roman(number: int) -> str:
    parts: list[str] = []
    for value, sign in _ROMAN:
        count, number = divmod(number, value)
        parts.append(sign * count)
    return "".join(parts)


def _letter(number: int) -> str:
    """a to z, then aa to zz, then aaa: Word repeats the letter."""
    turn, index = divmod(number - 1, 26)
    return chr(ord("a") + index) * (turn + 1)


def _cycle(signs: str) -> Callable[[int], str]:
    return lambda number: signs[(number - 1) % len(signs)] if number <= len(signs) else str(number)


def _signs(first: str, count: int) -> Callable[[int], str]:
    """Signs that stand in a row in Unicode, for 1 to `count`."""
    return lambda number: chr(ord(first) + number - 1) if number <= count else str(number)


def _circled(number: int) -> str:
    for first, low, high in (("①", 1, 20), ("㉑", 21, 35), ("㊱", 36, 50)):
        if low <= number <= high:
            return chr(ord(first) + number - low)
    return str(number)


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


_WRITERS: dict[str, Callable[[int], str]] = {
    "decimalZero": lambda number: f"{number:02d}",
    "decimalFullWidth": lambda number: "".join(chr(ord(digit) + 0xFEE0) for digit in str(number)),
    "decimalFullWidth2": lambda number: "".join(chr(ord(digit) + 0xFEE0) for digit in str(number)),
    "decimalEnclosedCircle": _circled,
    "decimalEnclosedCircleChinese": _circled,
    "decimalEnclosedFullstop": _signs("⒈", 20),
    "decimalEnclosedParen": _signs("⑴", 20),
    "numberInDash": lambda number: f"- {number} -",
    "ordinal": _ordinal,
    "upperRoman": lambda number: _roman(number).upper(),
    "lowerRoman": _roman,
    "upperLetter": lambda number: _letter(number).upper(),
    "lowerLetter": _letter,
    "chineseCounting": _chinese_digits_from_hundred,
    "chineseCountingThousand": _chinese,
    "taiwaneseCounting": _chinese_digits_from_hundred,
    "taiwaneseCountingThousand": _chinese,
    "japaneseCounting": _chinese,
    "koreanCounting": _chinese,
    "ideographDigital": _digitwise,
    "japaneseDigitalTenThousand": _digitwise,
    "taiwaneseDigital": _digitwise,
    "chineseLegalSimplified": _legal,
    "ideographLegalTraditional": _legal_traditional,
    "ideographTraditional": _cycle(_STEMS),
    "ideographZodiac": _cycle(_BRANCHES),
    "ideographEnclosedCircle": _signs("㊀", 10),
}
# Forms by which the parts of a text are numbered (一、 第一章) rather than the items of a list.
CHINESE = frozenset(
    form
    for form in _WRITERS
    if form.startswith(("chinese", "taiwanese", "japanese", "korean", "ideograph"))
    and form != "ideographEnclosedCircle"
)
