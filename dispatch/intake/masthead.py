"""The masthead: which bulletin this is, which issue of it, who publishes it and when."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from dispatch.catalog import Bulletin
from dispatch.intake import numerals
from dispatch.intake.folding import LONGEST_HEADING, bracketed, fold, is_prose, plain
from dispatch.intake.line import Line

_REACH = 60  # lines from the top within which an issue says its number
_SPREAD = 8  # lines below the number that may still be of the masthead
_YEARS = range(1900, 2101)

_N = rf"{numerals.CLASS[:-1]}\d]"
_RUN = rf"{_N}{{1,8}}"
_DATE = re.compile(
    rf"(?P<y>{_N}{{4}})\s*年\s*(?P<m>{_N}{{1,3}})\s*月\s*(?P<d>{_N}{{1,3}})\s*[日号]"
    r"|(?<!\d)(?P<y2>\d{4})\s*[-./／．]\s*(?P<m2>\d{1,2})\s*[-./／．]\s*(?P<d2>\d{1,2})(?!\d)"
)
_TOTAL = re.compile(rf"(?:总|累计)\s*(?:期[数号]?)?\s*[:：]?\s*第?\s*(?P<n>{_RUN})(?!{_N})\s*[期号辑]?")
_NUMBER = re.compile(rf"(?:第\s*(?P<n>{_RUN})\s*[期号辑])|(?:\bNo\s*[.．]\s*(?P<n2>\d{{1,4}}))", re.IGNORECASE)
_YEAR = re.compile(rf"(?<!{_N})(?P<y>{_N}{{4}})\s*年度?(?!\s*{_N}{{1,3}}\s*月)")
_EMPTY_BRACKETS = re.compile(r"[(（\[【［]\s*[)）\]】］]")
_LABELS = re.compile(r"^(?:出版|印发|发布|发行)?(?:日期|时间|刊期|期数|期号)$|^星期.$|^周[一二三四五六日]$")
_PUBLISHER_LABEL = re.compile(
    r"^(?:主\s*办|主\s*管|编\s*印|编\s*发|编\s*辑|编\s*制|发\s*布|出\s*版|承\s*办)\s*(?:单位|部门|方)?\s*[:：]?\s*"
)
_PUBLISHER_VERB = re.compile(r"\s*(?:主办|主管|编印|编发|编制|编写|印发|印制|发布|编)$")
_ORGANISATION = re.compile(
    r".{2,}(?:中心|委员会|管委会|局|厅|部|处|司|办公室|政府|协会|学会|联合会|研究院|研究所|大学|学院|公司|集团|社|院|委|办|馆|编辑部)"
)
_EDGES = " \u3000()（）[]【】［］|｜,，:：;；·-—－_/《》"


@dataclass(frozen=True, slots=True)
class Masthead:
    """What a masthead says; 0, "" or None for what it does not. `end` is the index of the first line after it."""

    title: str
    publisher: str
    year: int
    number: int
    total: int
    date: dt.date | None
    profile: Bulletin | None
    end: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pieces:
    """What one line says of year, number, total and date, and what else stands in it."""

    year: int
    number: int
    total: int
    date: dt.date | None
    bad_date: str
    rest: str

    @property
    def any(self) -> bool:
        return bool(self.year or self.number or self.total or self.date or self.bad_date)


def find_masthead(lines: Sequence[Line], profiles: Sequence[Bulletin]) -> Masthead | None:
    """The masthead near the top of a document, or None where no line gives the number of an issue."""
    anchor = next((index for index in range(min(len(lines), _REACH)) if _numbers(lines[index])), None)
    if anchor is None:
        return None
    names = _publishers(profiles)
    end = _end(lines, anchor, names)
    pieces = [pieces_of(line.text) for line in lines[:end]]
    rests = [
        (index, pieces[index].rest)
        for index in range(end)
        if pieces[index].rest and not is_prose(lines[index].text) and not _is_label(lines[index].text)
    ]
    profile = _named_profile([rest for _, rest in rests], profiles)
    publisher = _publisher([rest for _, rest in rests], profile, names)
    title = _title(lines, rests, profile)
    return _assembled(lines, pieces, title, publisher, profile, end)


def _assembled(
    lines: Sequence[Line],
    pieces: Sequence[Pieces],
    title: str,
    publisher: str,
    profile: Bulletin | None,
    end: int,
) -> Masthead:
    date = next((piece.date for piece in pieces if piece.date), None)
    year = next((piece.year for piece in pieces if piece.year), date.year if date else 0)
    bad = [(line, piece.bad_date) for line, piece in zip(lines, pieces, strict=False) if piece.bad_date]
    return Masthead(
        title=title,
        publisher=publisher,
        year=year,
        number=next((piece.number for piece in pieces if piece.number), 0),
        total=next((piece.total for piece in pieces if piece.total), 0),
        date=date,
        profile=profile,
        end=end,
        warnings=tuple(f"Line {line.number}: {text} is not a date." for line, text in bad if date is None),
    )


def _numbers(line: Line) -> bool:
    """Whether a line gives the number of an issue: at one of its ends, not in the middle of a sentence."""
    if len(line.text) > LONGEST_HEADING or line.text[-1:] in "。；;,，":
        return False
    pieces = pieces_of(line.text)
    if not (pieces.number or pieces.total):
        return False
    return (
        not pieces.rest
        or not line.text.strip(_EDGES).startswith(pieces.rest[:2])
        or line.text.rstrip(_EDGES).endswith(("期", "号", "辑", "日"))
        or line.text.rstrip(_EDGES)[-1:].isdigit()
    )


def _end(lines: Sequence[Line], anchor: int, publishers: Sequence[str]) -> int:
    end = anchor + 1
    for index in range(anchor + 1, min(len(lines), anchor + 1 + _SPREAD)):
        line = lines[index]
        if line.rule:
            continue
        if not _belongs(line, publishers):
            break
        end = index + 1
    return end


def _belongs(line: Line, publishers: Sequence[str]) -> bool:
    """Whether a line below the number is of the masthead still: a date, or who publishes."""
    if is_prose(line.text) or bracketed(line.text):
        return False
    pieces = pieces_of(line.text)
    if pieces.any:
        return not pieces.rest or _is_organisation(pieces.rest)
    if any(name in plain(line.text) for name in publishers):
        return True
    return _PUBLISHER_LABEL.match(line.text) is not None or (len(line.text) <= 30 and _is_organisation(line.text))


def pieces_of(text: str) -> Pieces:
    """What a line says of an issue's year, number and date; a long one says nothing."""
    if len(text) > 200:
        return Pieces(0, 0, 0, None, "", text)
    year = number = total = 0
    date, bad_date = None, ""
    if found := _DATE.search(text):
        date = _date(*(numerals.number(found[name] or found[f"{name}2"]) for name in "ymd"))
        bad_date = "" if date else found[0]
        text = _without(text, found)
    if found := _TOTAL.search(text):
        total, text = numerals.number(found["n"]), _without(text, found)
    if found := _NUMBER.search(text):
        number, text = numerals.number(found["n"] or found["n2"]), _without(text, found)
    if (found := _YEAR.search(text)) and numerals.number(found["y"]) in _YEARS:
        year, text = numerals.number(found["y"]), _without(text, found)
    return Pieces(year, number, total, date, bad_date, _rest(text))


def _without(text: str, found: re.Match[str]) -> str:
    return f"{text[: found.start()]} {text[found.end() :]}"


def _rest(text: str) -> str:
    text = _EMPTY_BRACKETS.sub(" ", text)
    text = " ".join(text.split()).strip(_EDGES) if text.count("(") == text.count(")") else text.strip(_EDGES)
    return "" if _LABELS.match(text) else text


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day) if year in _YEARS else None
    except ValueError:
        return None


_CONTENTS_LABEL = re.compile(r"(?:本期|本刊)?(?:目录|目次|要目|导读|内容提要|contents)", re.IGNORECASE)


def _is_label(text: str) -> bool:
    return _CONTENTS_LABEL.fullmatch(plain(text).strip(_EDGES)) is not None


def is_contents_label(text: str) -> bool:
    """Whether a line only says that the contents list follows: 目录, 本期要目."""
    return len(text) <= 20 and _is_label(text)


def _is_organisation(text: str) -> bool:
    return _ORGANISATION.fullmatch(plain(_PUBLISHER_VERB.sub("", text))) is not None


def _publishers(profiles: Sequence[Bulletin]) -> tuple[str, ...]:
    return tuple(plain(name) for profile in profiles for name in profile.publishers)


def _named_profile(rests: Sequence[str], profiles: Sequence[Bulletin]) -> Bulletin | None:
    """The profile whose name stands in the masthead; a line that is the name goes before one that contains it."""
    folds = [fold(rest) for rest in rests]
    for matches in (fold_equals, fold_contains):
        for profile in sorted(profiles, key=lambda profile: -len(profile.name)):
            if any(matches(text, fold(profile.name)) for text in folds):
                return profile
    return None


def fold_equals(text: str, name: str) -> bool:
    return bool(name) and text == name


def fold_contains(text: str, name: str) -> bool:
    return len(name) >= 3 and name in text


def _publisher(rests: Sequence[str], profile: Bulletin | None, names: Sequence[str]) -> str:
    known = profile.publishers if profile else names
    for rest in rests:
        found = [name for name in known if plain(name) in plain(rest)]
        if found:
            return max(found, key=len)
    labelled = [_PUBLISHER_LABEL.sub("", rest, count=1) for rest in rests if _PUBLISHER_LABEL.match(rest)]
    own = fold(profile.name) if profile else ""
    organisations = [rest for rest in rests if _is_organisation(rest) and not (own and own in fold(rest))]
    return next((_PUBLISHER_VERB.sub("", name) for name in [*labelled, *organisations] if name), "")


def _title(lines: Sequence[Line], rests: Sequence[tuple[int, str]], profile: Bulletin | None) -> str:
    if profile is not None:
        own = [rest for _, rest in rests if fold(profile.name) in fold(rest)]
        if own:
            return _tight(min(own, key=len))
    free = [(index, rest) for index, rest in rests if not _is_organisation(rest) and not _PUBLISHER_LABEL.match(rest)]
    if not free:
        return ""
    _, title = min(free, key=lambda entry: (lines[entry[0]].level or 7, entry[0]))
    return _tight(title)


def _tight(title: str) -> str:
    """A title that is spaced out (火 炬 动 态) as one word, without 《》."""
    title = title.strip("《》 ")
    words = title.split()
    return "".join(words) if all(len(word) == 1 for word in words) else title
