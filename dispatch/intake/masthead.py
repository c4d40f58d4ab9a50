"""The masthead: which bulletin this is, which issue of it, who publishes it and when."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dispatch.catalog import Bulletin
from dispatch.intake.folding import LONGEST_HEADING, bracketed, fold, is_prose, is_running, plain
from dispatch.intake.line import Line
from dispatch.intake.numbering import EDGES, Pieces, forms, pieces_of

_REACH = 60  # lines from the top within which an issue says its number
_DATED_REACH = 12  # lines from the top within which one without a number says its date
_SPREAD = 8  # lines below the number that may still be of the masthead
_PUBLISHER_LABEL = re.compile(
    r"^(?:(?:主\s*办|主\s*管|编\s*印|编\s*发|编\s*辑|编\s*制|发\s*布|出\s*版|承\s*办)\s*(?:单位|部门|方)?\s*[:：]?\s*"
    r"|(?:Published|Issued|Edited|Produced)\s+by\b\s*:?\s*|(?:Publisher|Issuer)\s*:\s*)",
    re.IGNORECASE,
)
_PUBLISHER_VERB = re.compile(r"\s*(?:主办|主管|编印|编发|编制|编写|印发|印制|发布|编)$")
_ORGANISATION = re.compile(
    r".{2,}(?:中心|委员会|管委会|局|厅|部|处|司|办公室|政府|协会|学会|联合会|研究院|研究所|大学|学院|公司|集团|社|院|委|办|馆|编辑部)"
)
_ENGLISH_ORGANISATION = re.compile(
    r"(?:[\w&',.-]+ ){0,8}(?:Association|Authority|Committee|Ministry|Department|Office|Institute|University|Society|"
    r"Centre|Center|Agency|Council|Bureau|Commission|Foundation|Academy|Administration|Company|Ltd\.?|Inc\.?)"
    r"(?: (?:of|for) [\w&', -]{2,60})?",
    re.IGNORECASE,
)
_STAFF = re.compile(
    r"^(?:总\s*编(?:辑)?|主\s*编|副\s*主\s*编|执行主编|责任编辑|责\s*编|编\s*辑|审\s*核|审\s*定|校\s*对|签\s*发(?:人)?|准印证号?|"
    r"发送范围|印发范围|密\s*级|Editor(?:-in-chief|s)?|ISSN)\s*[:：]|^ISSN\b|^内部资料|^(?:内部刊物|注意保存|仅供参考)",
    re.IGNORECASE,
)
_IN_FULL = ("期", "号", "辑", "日", "刊")  # how a line ends that ends with the number


@dataclass(frozen=True, slots=True)
class Masthead:
    """What a masthead says; 0, "" or None for what it does not. `end` is the index of the first line after it.

    `supplement` is the word that calls the issue one (增刊), where it has no number of its own.
    """

    title: str
    publisher: str
    year: int
    number: int
    total: int
    date: dt.date | None
    profile: Bulletin | None
    end: int
    warnings: tuple[str, ...] = ()
    supplement: str = ""

    @property
    def numbered(self) -> bool:
        """Whether the number, with the year where it is needed, tells this issue from all others."""
        return bool(self.total or (self.year and self.number))


def find_masthead(lines: Sequence[Line], profiles: Sequence[Bulletin]) -> Masthead | None:
    """The masthead near the top of a document, or None where no line gives a number, or at least a date."""
    return _Search(lines, profiles).found()


class _Search:
    def __init__(self, lines: Sequence[Line], profiles: Sequence[Bulletin]) -> None:
        self._lines = lines
        self._profiles = profiles
        self._publishers = tuple(plain(name) for profile in profiles for name in profile.publishers)
        self._names = {fold(name) for profile in profiles for name in _names(profile)}
        self._forms = forms({text for profile in profiles for text in profile.numbering})

    def found(self) -> Masthead | None:
        anchor = self._anchor()
        if anchor is None:
            return None
        end = self._end(anchor)
        pieces = self._pieces(end)
        rests = list(self._rests(pieces))
        profile = _named_profile([rest for _, rest in rests], self._profiles)
        publisher = _publisher([rest for _, rest in rests], profile, self._publishers)
        return _assembled(self._lines, pieces, _title(self._lines, rests, profile), publisher, profile, end)

    def _of(self, text: str) -> Pieces:
        return pieces_of(text, self._forms)

    def _pieces(self, end: int) -> list[Pieces]:
        """What each line says. 专刊 is a part of the title where the issue has a number."""
        found = [self._of(line.text) for line in self._lines[:end]]
        if any(piece.number for piece in found):
            return [pieces_of(line.text, self._forms, supplements=False) for line in self._lines[:end]]
        return found

    def _rests(self, pieces: Sequence[Pieces]) -> Iterator[tuple[int, str]]:
        for index, piece in enumerate(pieces):
            text = self._lines[index].text
            if piece.rest and not (is_prose(text) and not piece.any) and not _is_label(text) and not _STAFF.match(text):
                yield index, piece.rest

    # Where it stands

    def _anchor(self) -> int | None:
        """The line with the number; where there is none before the text, the one with a supplement's word or the
        date."""
        reach = range(min(len(self._lines), _REACH))
        numbered = next((index for index in reach if self._numbers(self._lines[index])), None)
        prose = next(
            (index for index in reach if is_running(self._lines[index]) and not self._of(self._lines[index].text).any),
            _REACH,
        )
        if numbered is not None and numbered < prose:
            return numbered
        near = range(min(len(self._lines), _DATED_REACH, prose))
        dated = next((index for index in near if self._dates(self._lines[index])), None)
        return numbered if dated is None else dated

    def _numbers(self, line: Line) -> bool:
        """Whether a line gives the number of an issue: at one of its ends, not in the middle of a sentence."""
        if len(line.text) > LONGEST_HEADING or line.text[-1:] in "。；;,，":
            return False
        pieces = self._of(line.text)
        if not (pieces.number or pieces.total):
            return False
        bare = line.text.strip(EDGES)
        return (
            not pieces.rest
            or not bare.startswith(pieces.rest[:2])
            or bare.endswith(_IN_FULL)
            or bare[-1:].isdigit()
            or not bare.endswith(pieces.rest[-2:])
        )

    def _dates(self, line: Line) -> bool:
        """Whether a line is the date of an issue, or calls it a supplement."""
        if len(line.text) > LONGEST_HEADING // 2 or line.text[-1:] in "。；;,，":
            return False
        pieces = self._of(line.text)
        if pieces.supplement:
            return True
        return bool(pieces.date or pieces.month) and (not pieces.rest or _is_organisation(pieces.rest))

    def _end(self, anchor: int) -> int:
        end = anchor + 1
        titled = any(self._is_title(line) for line in self._lines[:end])
        for index in range(anchor + 1, min(len(self._lines), anchor + 1 + _SPREAD)):
            line = self._lines[index]
            if line.rule:
                continue
            if not titled and self._is_title(line) and self._heads(index):
                titled = True
            elif not self._belongs(line):
                break
            end = index + 1
        return end

    def _is_title(self, line: Line) -> bool:
        rest = self._of(line.text).rest
        return not (
            not rest or is_prose(line.text) or _is_organisation(rest) or _is_label(rest) or _STAFF.match(line.text)
        ) and not _PUBLISHER_LABEL.match(rest)

    def _heads(self, index: int) -> bool:
        """Whether a line below the number is the title of the bulletin: by its rank, its name, or what follows."""
        line = self._lines[index]
        if line.level == 1 or fold(line.text) in self._names:
            return True
        following = next((other for other in self._lines[index + 1 : index + 3] if not other.rule), None)
        return following is not None and not bracketed(line.text) and self._belongs(following)

    def _belongs(self, line: Line) -> bool:
        """Whether a line below the number is of the masthead still: a date, or who publishes."""
        if _STAFF.match(line.text):
            return len(line.text) <= LONGEST_HEADING
        pieces = self._of(line.text)
        if (is_prose(line.text) and not pieces.any) or len(line.text) > LONGEST_HEADING or bracketed(line.text):
            return bool(bracketed(line.text)) and pieces.any and not pieces.rest
        if pieces.any:
            return not pieces.rest or _is_organisation(pieces.rest) or _LABELLED.match(pieces.rest) is not None
        if any(name in plain(line.text) for name in self._publishers):
            return True
        return _PUBLISHER_LABEL.match(line.text) is not None or (len(line.text) <= 60 and _is_organisation(line.text))


_LABELLED = re.compile(r"(?:(?:出版|印发|发布|发行|编印)?(?:日期|时间)|Date|Published)[:：\s]*$", re.IGNORECASE)


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
    number = next((piece.number for piece in pieces if piece.number), 0)
    total = next((piece.total for piece in pieces if piece.total), 0)
    supplement = "" if number else next((piece.supplement for piece in pieces if piece.supplement), "")
    if not (number or total or supplement or date):  # 2024年7月号: it is numbered by its month
        number = next((piece.month for piece in pieces if piece.month), 0)
    bad = [(line, piece.bad_date) for line, piece in zip(lines, pieces, strict=False) if piece.bad_date]
    return Masthead(
        title=title,
        publisher=publisher,
        year=year,
        number=number,
        total=total,
        date=date,
        profile=profile,
        end=end,
        warnings=tuple(f"{line.place}: {text} is not a date." for line, text in bad if date is None),
        supplement=supplement,
    )


_CONTENTS_LABEL = re.compile(r"(?:本期|本刊)?(?:目录|目次|要目|导读|内容提要|contents)", re.IGNORECASE)


def _is_label(text: str) -> bool:
    return _CONTENTS_LABEL.fullmatch(plain(text).strip(EDGES)) is not None


def is_contents_label(text: str) -> bool:
    """Whether a line only says that the contents list follows: 目录, 本期要目."""
    return len(text) <= 20 and _is_label(text)


def _is_organisation(text: str) -> bool:
    if _ORGANISATION.fullmatch(plain(_PUBLISHER_VERB.sub("", text))):
        return True
    return len(text) <= LONGEST_HEADING and _ENGLISH_ORGANISATION.fullmatch(text) is not None


def _names(profile: Bulletin) -> tuple[str, ...]:
    """What a bulletin is called in its mastheads, today and formerly."""
    return tuple(name for name in (profile.name, profile.name_en, *profile.aliases) if name)


def _named_profile(rests: Sequence[str], profiles: Sequence[Bulletin]) -> Bulletin | None:
    """The profile whose name stands in the masthead; a line that is the name goes before one that contains it."""
    folds = [fold(rest) for rest in rests]
    named = [(fold(name), profile) for profile in profiles for name in _names(profile)]
    for matches in (fold_equals, fold_contains):
        for name, profile in sorted(named, key=lambda pair: -len(pair[0])):
            if any(matches(text, name) for text in folds):
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
        names = [fold(name) for name in _names(profile)]
        own = [rest for _, rest in rests if any(name in fold(rest) for name in names)]
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
