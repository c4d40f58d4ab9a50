"""Lines to an issue: masthead, contents list, columns, articles. What it was unsure of, it says.

split(read(path), catalog.bulletins, path.name).issue.columns[0].articles[0].title
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dispatch.catalog import Bulletin
from dispatch.errors import IntakeError
from dispatch.intake.answer import MAX_ARTICLES, MAX_COLUMNS
from dispatch.intake.assembly import Body, assemble
from dispatch.intake.contents import Contents, find_contents
from dispatch.intake.folding import fold
from dispatch.intake.furniture import without_page_numbers, without_repeated_heads, without_running_heads
from dispatch.intake.hints import telling
from dispatch.intake.layout import laid_out
from dispatch.intake.line import Line
from dispatch.intake.masthead import Masthead, find_masthead
from dispatch.intake.names import ColumnNames
from dispatch.intake.unwrap import unwrapped
from dispatch.model import Issue

MAX_LINES = 50_000

_LOOKS_LIKE = (
    "An issue has a masthead with its number (2022年第5期(总第534期) 2022年3月15日), then columns with articles: "
    "a title, the text, and a credit such as (供稿:…)."
)


@dataclass(frozen=True, slots=True)
class Split:
    """An issue, and what the splitter was unsure of: sentences that name the line."""

    issue: Issue
    warnings: tuple[str, ...]


def split(lines: Sequence[Line], profiles: Sequence[Bulletin], source: str) -> Split:
    """The issue in the lines of a document. Tags are left empty.

    A bulletin without a profile gets its title, folded, for a key. Raises IntakeError, which calls the document
    `source`, where no issue is in it: no number, no year to go with it, no columns, no articles.
    """
    if len(lines) > MAX_LINES:
        raise IntakeError(f"{source}: more than {MAX_LINES} lines, too many for an issue. {_LOOKS_LIKE}")
    tidy = laid_out(without_page_numbers(telling(lines)))
    masthead = find_masthead(tidy, profiles)
    if masthead is None:
        raise _no_issue(source, "it has no masthead with the number of an issue (第N期)")
    if not (masthead.numbered or masthead.date):
        raise _no_issue(
            source,
            "its masthead gives neither a total number (总第N期) nor a year with a number (2022年第5期), nor a date",
        )
    rest = without_repeated_heads(unwrapped(without_running_heads(tidy[masthead.end :], masthead)))
    profile = masthead.profile or _profile_by_columns(rest, masthead, profiles)
    return _split_body(rest, masthead, profile, source)


def _split_body(rest: Sequence[Line], masthead: Masthead, profile: Bulletin | None, source: str) -> Split:
    names = ColumnNames(profile)
    contents = find_contents(rest, names)
    title = masthead.title or (profile.name if profile else "")
    body = assemble(rest, contents, names, profile, fallback=title or "正文")
    if not body.columns:
        raise _no_issue(source, "no article was found below its masthead")
    _check_size(body, source)
    if not _is_issue(masthead, body, contents):
        has = "number" if masthead.numbered else "date"
        raise _no_issue(source, f"it has a {has}, but no columns, no contents list and no credits")
    issue = Issue(
        bulletin=profile.key if profile else _key(title, source),
        title=_supplemented(title or source, masthead.supplement),
        publisher=masthead.publisher,
        year=masthead.year,
        number=masthead.number if masthead.year or masthead.total else 0,
        total=masthead.total,
        date=masthead.date,
        columns=body.columns,
    )
    return Split(issue, (*masthead.warnings, *_masthead_warnings(issue, profile), *body.warnings))


def _check_size(body: Body, source: str) -> None:
    """More than an issue ever has is no issue; and what compares issues takes time by the columns and articles."""
    articles = sum(len(column.articles) for column in body.columns)
    if len(body.columns) > MAX_COLUMNS:
        raise IntakeError(f"{source}: more than {MAX_COLUMNS} columns, too many for an issue. {_LOOKS_LIKE}")
    if articles > MAX_ARTICLES:
        raise IntakeError(f"{source}: more than {MAX_ARTICLES} articles, too many for an issue. {_LOOKS_LIKE}")


def _is_issue(masthead: Masthead, body: Body, contents: Contents) -> bool:
    """Whether there is enough of an issue: a page with a date alone, such as an article of a site, needs more."""
    if masthead.numbered or masthead.supplement or masthead.profile:
        return body.named or bool(contents.sections) or body.credited >= 2
    return bool(contents.sections) or (body.named and body.credited >= 2)


def _supplemented(title: str, word: str) -> str:
    return f"{title} {word}" if word.isascii() and word else title + word


def _masthead_warnings(issue: Issue, profile: Bulletin | None) -> list[str]:
    found = []
    if profile is None:
        found.append(f"No profile is known for {issue.title}: read by general means, under the key {issue.bulletin}.")
    missing = [
        name
        for name, value in (
            ("year", issue.year),
            ("number in the year", issue.number),
            ("date", issue.date),
            ("publisher", issue.publisher),
        )
        if not value
    ]
    if missing:
        found.append(f"The masthead does not give the {', '.join(missing)}.")
    if not (issue.number or issue.total):
        found.append(f"The issue has no number: it is known by its date, as {issue.ref}.")
    return found


def _profile_by_columns(lines: Sequence[Line], masthead: Masthead, profiles: Sequence[Bulletin]) -> Bulletin | None:
    """The profile of a document that does not say its name, by at least two of its columns."""
    if masthead.title:
        return None
    short = [line.text for line in lines if len(line.text) <= 60]
    best: tuple[int, Bulletin | None] = (1, None)
    for profile in profiles:
        names = ColumnNames(profile)
        count = len({key for text in short if (key := names.find(text))})
        best = (count, profile) if count > best[0] else best
    return best[1]


def _key(title: str, source: str) -> str:
    """A key for a bulletin without a profile: the letters and digits of its title."""
    return fold(title) or fold(source) or "unknown"


def _no_issue(source: str, missing: str) -> IntakeError:
    return IntakeError(f"{source}: this is not an issue of a bulletin: {missing}. {_LOOKS_LIKE}")
