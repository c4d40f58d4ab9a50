"""What a line says of an issue: its year, its numbers, its date, whether it is a supplement."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dispatch.intake import numerals
from dispatch.intake.patterns import compiled, names_in

_LONGEST = 200  # characters of a line that is looked at; a longer one says nothing
_YEARS = range(1900, 2101)

_N = rf"{numerals.CLASS[:-1]}\d]"
_RUN = rf"{_N}{{1,8}}"
_WEEKDAY = r"(?:\s*[(（]?\s*(?:星期|周|礼拜)[一二三四五六日天](?!期)\s*[)）]?)?"
_DATE = re.compile(
    rf"(?:(?P<y>{_N}{{4}})\s*年\s*(?P<m>{_N}{{1,3}})\s*月\s*(?P<d>{_N}{{1,3}})\s*[日号]"
    rf"|(?<!\d)(?P<y2>\d{{4}})\s*[-./／．]\s*(?P<m2>\d{{1,2}})\s*[-./／．]\s*(?P<d2>\d{{1,2}})(?!\d)){_WEEKDAY}"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAME = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|"
    r"Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_DAY_NAME = r"(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?\b\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_ENGLISH_DATE = re.compile(
    rf"(?:\b{_DAY_NAME}[\s,]*)?(?:(?<!\d)(?P<d>{_DAY})\s+(?:of\s+)?(?P<m>{_MONTH_NAME}),?\s+(?P<y>\d{{4}})(?!\d)"
    rf"|\b(?P<m2>{_MONTH_NAME})\s+(?P<d2>{_DAY}),?\s+(?P<y2>\d{{4}})(?!\d))(?:\s*[(,]?\s*{_DAY_NAME}\)?)?",
    re.IGNORECASE,
)
_MONTH = re.compile(
    rf"(?<!{_N})(?P<y>{_N}{{4}})\s*年\s*(?P<m>{_N}{{1,3}})\s*月(?:\s*[号刊份])?"
    rf"|\b(?P<m2>{_MONTH_NAME})\s+(?P<y2>\d{{4}})(?!\d)",
    re.IGNORECASE,
)
_TOTAL = re.compile(
    rf"(?:总|累计)\s*(?:期[数号]?)?\s*[:：]?\s*第?\s*(?P<n>{_RUN})(?!{_N})\s*[期号辑]?"
    r"|\b(?:Total|Whole|Serial|General|Cumulative)\s*(?:Serial\s*|Issue\s*)?(?:No\b\s*\.?|Number|#)\s*(?P<n2>\d{1,5})\b",
    re.IGNORECASE,
)
_YEAR_AND_NUMBER = re.compile(r"第?\s*(?<!\d)(?P<y>(?:19|20)\d\d)\s*[-—–/]\s*(?P<n>\d{1,3})\s*[期号辑]")
_VOLUME = re.compile(r"\bVol(?:ume)?\b\s*\.?\s*\d{1,4}\s*,?|第\s*[一二三四五六七八九十百\d]{1,5}\s*卷", re.IGNORECASE)
_NUMBER = re.compile(
    rf"(?:第\s*(?P<n>{_RUN})\s*[期号辑])|(?:(?:\bNo\s*[.．:]|\bNo(?=\s+\d)|\bIssue(?:\s+No\s*\.?|\s+Number)?|\bNumber|№)"
    r"\s*#?\s*(?P<n2>\d{1,4})\b)|(?:(?<=年)\s*(?P<n3>\d{1,3})\s*期)",
    re.IGNORECASE,
)
_YEAR = re.compile(rf"(?<!{_N})(?P<y>{_N}{{4}})\s*年度?(?!\s*{_N}{{1,3}}\s*月)")
_BARE_YEAR = re.compile(r"(?<![\d.])(?P<y>(?:19|20)\d\d)(?![\d.])")
_SUPPLEMENT = re.compile(
    rf"(?P<word>增\s*刊|特\s*刊|专\s*刊|专\s*辑|特\s*辑|号\s*外|\bSupplement\b|\bSpecial\s+(?:Issue|Edition)\b)"
    rf"(?:\s*[(（]?\s*(?:第|No\s*\.?)?\s*(?P<n>{_N}{{1,3}})\s*[期号]?\s*[)）]?)?",
    re.IGNORECASE,
)
_EMPTY_BRACKETS = re.compile(r"[(（\[【［]\s*[)）\]】］]")
_LABELS = re.compile(r"^(?:出版|印发|发布|发行)?(?:日期|时间|刊期|期数|期号)$")
EDGES = " \u3000()（）[]【】［］|｜,，:：;；·-—－_/《》"


@dataclass(frozen=True, slots=True)
class Pieces:
    """What one line says of year, number, total and date, and what else stands in it.

    `month` is that of a line that gives no day. `supplement` is the word that calls an issue one; its number in a
    series of supplements is none of the year.
    """

    year: int = 0
    number: int = 0
    total: int = 0
    date: dt.date | None = None
    bad_date: str = ""
    rest: str = ""
    month: int = 0
    supplement: str = ""

    @property
    def any(self) -> bool:
        return bool(self.year or self.number or self.total or self.date or self.bad_date or self.supplement)


def pieces_of(text: str, forms: Sequence[re.Pattern[str]] = (), *, supplements: bool = True) -> Pieces:
    """What a line says of an issue's year, number and date. `forms` are ways of a bulletin's own to number its issues
    (see `forms`), which go before the general ones. Without `supplements` 增刊 is a word like others."""
    if len(text) > _LONGEST:
        return Pieces(rest=text)
    found = Pieces(rest=text)
    for pattern in forms:
        if match := pattern.search(found.rest):
            found = _by_form(found, match)
            break
    for step in (_dated, _counted, *((_supplement,) if supplements else ()), _numbered, _of_a_month, _of_a_year):
        found = step(found)
    return replace(found, rest=_rest(found.rest))


def _by_form(pieces: Pieces, match: re.Match[str]) -> Pieces:
    given = {name: numerals.number(text) for name, text in match.groupdict().items() if text}
    date = _date(given["year"], given["month"], given["day"]) if {"year", "month", "day"} <= given.keys() else None
    number = given.get("number", 0) or (given.get("month", 0) if "day" not in given and "total" not in given else 0)
    year = given.get("year", 0)
    return replace(
        pieces,
        year=year if year in _YEARS else 0,
        number=number,
        total=given.get("total", 0),
        date=date,
        rest=_without(pieces.rest, match),
    )


def _dated(pieces: Pieces) -> Pieces:
    if pieces.date is not None:
        return pieces
    if match := _DATE.search(pieces.rest):
        date = _date(*(numerals.number(match[name] or match[f"{name}2"]) for name in "ymd"))
    elif match := _ENGLISH_DATE.search(pieces.rest):
        year, month, day = (match[name] or match[f"{name}2"] for name in "ymd")
        date = _date(int(year), _month(month), int(day.rstrip("sthndrSTHNDR")))
    else:
        return pieces
    bad = "" if date else match[0].strip()
    return replace(pieces, date=date, bad_date=bad, rest=_without(pieces.rest, match))


def _counted(pieces: Pieces) -> Pieces:
    if pieces.total or not (match := _TOTAL.search(pieces.rest)):
        return pieces
    return replace(pieces, total=numerals.number(match["n"] or match["n2"]), rest=_without(pieces.rest, match))


def _supplement(pieces: Pieces) -> Pieces:
    """A supplement's word. 专刊 第5期 is a bulletin of that name; 增刊第1期 the first supplement."""
    match = _SUPPLEMENT.search(pieces.rest)
    if match is None or (match["n"] and "增" not in match["word"] and match["word"].isascii() is False):
        return pieces
    word = "".join(match["word"].split()) if not match["word"].isascii() else match["word"]
    return replace(pieces, supplement=word, rest=_without(pieces.rest, match))


def _numbered(pieces: Pieces) -> Pieces:
    text = _VOLUME.sub(" ", pieces.rest)
    if pieces.number:
        return replace(pieces, rest=text)
    if match := _YEAR_AND_NUMBER.search(text):
        return replace(pieces, year=int(match["y"]), number=int(match["n"]), rest=_without(text, match))
    if match := _NUMBER.search(text):
        number = numerals.number(match["n"] or match["n2"] or match["n3"])
        return replace(pieces, number=number, rest=_without(text, match))
    return replace(pieces, rest=text)


def _of_a_month(pieces: Pieces) -> Pieces:
    if pieces.date or not (match := _MONTH.search(pieces.rest)):
        return pieces
    year = numerals.number(match["y"] or match["y2"])
    month = _month(match["m2"]) if match["m2"] else numerals.number(match["m"])
    if year not in _YEARS or not 1 <= month <= 12:
        return pieces
    return replace(pieces, year=pieces.year or year, month=month, rest=_without(pieces.rest, match))


def _of_a_year(pieces: Pieces) -> Pieces:
    if pieces.year:
        return pieces
    match = _YEAR.search(pieces.rest)
    if match is None and (pieces.number or pieces.total or pieces.supplement):
        match = _BARE_YEAR.search(pieces.rest)
    if match and (year := numerals.number(match["y"])) in _YEARS:
        return replace(pieces, year=year, rest=_without(pieces.rest, match))
    return pieces


def _without(text: str, found: re.Match[str]) -> str:
    return f"{text[: found.start()]} {text[found.end() :]}"


def _rest(text: str) -> str:
    text = _EMPTY_BRACKETS.sub(" ", text)
    text = " ".join(text.split()).strip(EDGES) if text.count("(") == text.count(")") else text.strip(EDGES)
    return "" if _LABELS.match(text) else text


def _month(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day) if year in _YEARS else None
    except ValueError:
        return None


# A bulletin's own forms

_NAMED = {"year": rf"(?<!{_N}){_N}{{4}}", **dict.fromkeys(("number", "total", "month", "day"), _RUN)}


def forms(texts: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    """Ways to number issues, such as `{year}年{month}月号(总第{total}期)`, as patterns for `pieces_of`, those that say
    most first. Numbers may be Chinese."""
    return tuple(compiled(text, _NAMED) for text in sorted(texts, key=lambda text: (-len(names_in(text)), text)))
