"""The text below a masthead as columns and articles, once it is known where each begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from dispatch.catalog import Bulletin
from dispatch.intake.anchors import find_anchors
from dispatch.intake.body_text import Text
from dispatch.intake.colophon import Colophon
from dispatch.intake.contents import Contents, Entry
from dispatch.intake.credits import Credits
from dispatch.intake.cuts import evidently_cut
from dispatch.intake.endings import Ending, take_credit
from dispatch.intake.folding import bracketed, fold, heading_key, is_running, without_bullet, without_enumeration
from dispatch.intake.jumps import joined
from dispatch.intake.line import Line, LineKind
from dispatch.intake.masthead import is_contents_label
from dispatch.intake.names import ColumnNames
from dispatch.intake.paragraphs import mended
from dispatch.intake.titles import Anchors, Role
from dispatch.model import Article, Column

_EXCERPT = 30
_MOST_NAMED = 10  # columns in a warning
_MOST_COLUMNS = 100  # to whose names a name is compared


@dataclass(frozen=True, slots=True)
class Body:
    """The columns of an issue. `named` says that at least one has a name of its own, `credited` how many articles
    have a credit."""

    columns: tuple[Column, ...]
    named: bool
    credited: int
    warnings: tuple[str, ...]


@dataclass
class _Draft:
    """An article as it is collected: its title and where that stands, the lines below it, and its place in the contents
    list."""

    title: str
    at: Line
    lines: list[Line] = field(default_factory=list)
    listed: tuple[int, Entry] | None = None


@dataclass
class _ColumnDraft:
    name: str
    at: Line | None  # where the name stands; None for a column without one
    articles: list[_Draft] = field(default_factory=list)
    loose: list[Line] = field(default_factory=list)


def assemble(
    lines: Sequence[Line], contents: Contents, names: ColumnNames, profile: Bulletin | None, fallback: str
) -> Body:
    """The columns and articles of the lines below a masthead; `fallback` names a column that has no name."""
    credits_ = (
        Credits(profile.credit_words, profile.signing_organisations, profile.credit_patterns) if profile else Credits()
    )
    colophon = Colophon(profile.colophon_words if profile else ())
    text = _one_heading_a_line(lines[contents.end :], contents, names)
    whole = joined(
        text,
        [entry.key for section in contents.sections for entry in section.entries]
        + [heading_key(section.name) for section in contents.sections],
        lambda words: credits_.find(words) is not None,
    )
    text = _without_colophon(whole.lines, _colophon_start(whole.lines, contents, credits_, colophon))
    anchors = find_anchors(Text(text, credits_, colophon), contents, names)
    drafts, stray = _collect(text, anchors, fallback)
    making = _Making(contents, anchors, names, credits_, text)
    for line, doubt in whole.doubts:
        making.warn(line, doubt)
    making.report_guesses()
    return making.body(drafts, [*lines[: contents.start], *stray])


def _without_colophon(lines: Sequence[Line], start: int) -> list[Line]:
    """The lines before a colophon, and the footnotes that a document has at its very end."""
    return [*lines[:start], *(line for line in lines[start:] if line.kind is LineKind.NOTE)]


def _one_heading_a_line(lines: Sequence[Line], contents: Contents, names: ColumnNames) -> list[Line]:
    """The lines with those divided that hold a column's name in brackets and a title behind it."""
    listed = {fold(section.name) for section in contents.sections if section.name}
    found: list[Line] = []
    for line in lines:
        pair = bracketed(line.text)
        if pair and pair[1] and (fold(pair[0]) in listed or names.find(pair[0])) and not is_running(line):
            found += [replace(line, text=pair[0]), replace(line, text=pair[1], gap=False)]
        else:
            found.append(line)
    return found


def _colophon_start(lines: Sequence[Line], contents: Contents, credits_: Credits, colophon: Colophon) -> int:
    """Where the colophon begins: after the last credit, or the last title of the list where that comes later."""
    keys = {entry.key for section in contents.sections for entry in section.entries}
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index]
        if line.rule or line.kind in (LineKind.TABLE, LineKind.NOTE):
            continue
        if credits_.find(line.text) and not colophon.labels(line.text):
            return colophon.start(lines, index + 1)
        if len(line.text) <= 120 and fold(line.text) in keys:
            return colophon.start(lines, index + 2)
    return colophon.start(lines, max(0, len(lines) - 30))


def _collect(lines: Sequence[Line], anchors: Anchors, fallback: str) -> tuple[list[_ColumnDraft], list[Line]]:
    """Deal the lines out to columns and articles. Text before the first of them is stray."""
    columns: list[_ColumnDraft] = []
    stray: list[Line] = []
    for index, line in enumerate(lines):
        role = anchors.roles.get(index)
        if role is Role.LEFT_OUT:
            continue
        if role is Role.COLUMN:
            if not (columns and columns[-1].at and heading_key(columns[-1].at.text) == heading_key(line.text)):
                columns.append(_ColumnDraft(_bare(line.text), line))
        elif role is Role.TITLE:
            if not columns:
                columns.append(_ColumnDraft(fallback, None))
            columns[-1].articles.append(_Draft(without_bullet(line.text), line, [], anchors.entries.get(index)))
        elif role is Role.TITLE_GOES_ON:
            columns[-1].articles[-1].title += line.text
        elif line.kind is LineKind.NOTE and (noted := [column for column in columns if column.articles]):
            noted[-1].articles[-1].lines.append(line)
        elif columns:
            column = columns[-1]
            (column.articles[-1].lines if column.articles else column.loose).append(line)
        else:
            stray.append(line)
    return columns, stray


def _bare(name: str) -> str:
    """A column's name without brackets and number: 【园区动态】, 二、园区动态."""
    pair = bracketed(name)
    return pair[0] if pair and not pair[1] else without_enumeration(name) or name


class _Making:
    """Makes the values of an issue out of the drafts, and says what was unsure."""

    def __init__(
        self,
        contents: Contents,
        anchors: Anchors,
        names: ColumnNames,
        credits_: Credits,
        text: Sequence[Line],
    ) -> None:
        self._contents = contents
        self._anchors = anchors
        self._names = names
        self._credits = credits_
        self._text = text
        self._marked = any(line.hinted for line in text)
        self._cut = evidently_cut(text)
        self._warnings: list[tuple[int, int, str]] = []
        self._credited = 0
        self._last: _Draft | None = None

    def body(self, drafts: Sequence[_ColumnDraft], stray: Sequence[Line]) -> Body:
        self._report_stray(stray)
        self._pair_leftovers(drafts)
        self._report_alike(drafts)
        self._last = next((draft.articles[-1] for draft in reversed(drafts) if draft.articles), None)
        columns = [self._column(draft) for draft in drafts]
        self._report_missing()
        if not (self._contents.sections or self._credited):
            self._warnings.append(
                (0, 0, "There is neither a contents list nor a credit: where articles begin is a guess.")
            )
        return Body(
            columns=tuple(column for column in columns if column.articles),
            named=any(draft.at and draft.articles for draft in drafts),
            credited=self._credited,
            warnings=tuple(text for _, _, text in sorted(self._warnings)),
        )

    def warn(self, line: Line, text: str) -> None:
        """Say what was unsure at a line."""
        self._warnings.append((line.page, line.number, f"{line.place}: {text}"))

    def report_guesses(self) -> None:
        """A word on each line that only its place makes a column or a title."""
        for index in self._anchors.unmarked:
            excerpt = _excerpt(self._text[index].text)
            self.warn(self._text[index], f"taken for a title, though it is not marked like the others: {excerpt}")
        if guessed := [self._text[index] for index in self._anchors.guessed]:
            names = ", ".join(_excerpt(line.text) for line in guessed[:_MOST_NAMED])
            more = ", …" if len(guessed) > _MOST_NAMED else ""
            self.warn(guessed[0], f"taken for names of columns by their place alone: {names}{more}")

    def _report_stray(self, stray: Sequence[Line]) -> None:
        content = [line for line in stray if not line.rule and not is_contents_label(line.text)]
        if content:
            excerpt = _excerpt(content[0].text)
            self.warn(content[0], f"text before the first article fits nowhere and is left out: {excerpt}")

    def _report_alike(self, drafts: Sequence[_ColumnDraft]) -> None:
        """A word on a column that is spelled two ways or stands twice, and on titles that do."""
        columns: dict[str, _ColumnDraft] = {}
        titles: dict[str, _Draft] = {}
        for draft in drafts:
            key = heading_key(draft.name)
            others = () if key in columns else islice(columns, _MOST_COLUMNS)
            near = key if key in columns else next((other for other in others if self._same(other, key)), None)
            if near is not None and draft.at:
                other = columns[near]
                same = "stands twice" if near == key else f"is {draft.name} here and {other.name} before"
                self.warn(draft.at, f"the column {same}.")
            columns.setdefault(key, draft)
            for article in draft.articles:
                first = titles.setdefault(fold(article.title), article)
                if first is not article:
                    self.warn(article.at, f"the title {article.title} stood before ({first.at.place}).")

    def _report_missing(self) -> None:
        for _, entry in self._anchors.missing:
            text = f"{entry.place}: the contents list has the title {entry.text}, but no article has it."
            self._warnings.append((0, entry.number, text))

    # Columns

    def _column(self, draft: _ColumnDraft) -> Column:
        self._place_loose(draft)
        listed = self._listed_name(draft)
        if listed and draft.at and fold(listed) != fold(draft.name):
            self.warn(draft.at, f"the column is {draft.name} here and {listed} in the contents list.")
        if not draft.articles and draft.at:
            self.warn(draft.at, f"the column {draft.name} has no article.")
        return Column(draft.name, listed, tuple(self._article(article) for article in draft.articles))

    def _place_loose(self, draft: _ColumnDraft) -> None:
        """Text right below a column's name is its one article, or an introduction that fits nowhere."""
        content = [line for line in draft.loose if not line.rule]
        if content and draft.articles:
            self.warn(content[0], f"text before the first title fits nowhere: {_excerpt(content[0].text)}")
        elif content and draft.at:
            draft.articles.append(_Draft(draft.name, draft.at, content))

    def _listed_name(self, draft: _ColumnDraft) -> str:
        """What the contents list calls a column: by most of its articles, else by its name."""
        votes = [article.listed[0] for article in draft.articles if article.listed]
        if votes and (name := self._contents.sections[max(set(votes), key=votes.count)].name):
            return name
        return next((section.name for section in self._contents.sections if self._same(section.name, draft.name)), "")

    def _same(self, listed: str, name: str) -> bool:
        return bool(listed) and self._names.same(listed, name)

    def _pair_leftovers(self, drafts: Sequence[_ColumnDraft]) -> None:
        """An article that no title of the list is like, and the one title left of its column, are the same."""
        for draft in drafts:
            listed = self._listed_name(draft)
            left = [pair for pair in self._anchors.missing if self._contents.sections[pair[0]].name == listed]
            free = [article for article in draft.articles if article.listed is None]
            if listed and len(left) == 1 and len(free) == 1:
                free[0].listed = left[0]
                self._anchors.missing.remove(left[0])

    # Articles

    def _article(self, draft: _Draft) -> Article:
        content = [line for line in draft.lines if not line.rule]
        ending = take_credit(content, self._credits, last=draft is self._last)
        self._report(draft, ending)
        found = mended(ending.lines, hints=self._marked, cut=self._cut)
        for line, doubt in found.doubts:
            self.warn(line, doubt)
        return Article(draft.title, ending.credit, found.blocks)

    def _report(self, draft: _Draft, ending: Ending) -> None:
        if ending.credit:
            self._credited += 1
        else:
            self.warn(draft.at, f"the article {draft.title} has no credit.")
        if ending.left_out:
            excerpt = _excerpt(ending.left_out[0].text)
            self.warn(ending.left_out[0], f"text after an article's credit is left out: {excerpt}")
        if not ending.lines:
            self.warn(draft.at, f"the article {draft.title} has no text.")
        if draft.listed is None:
            if self._contents.sections:
                self.warn(draft.at, f"the contents list does not have the title {draft.title}.")
        elif fold(draft.listed[1].text) != fold(draft.title):
            self.warn(
                draft.at,
                f"the title is {draft.title} here and {draft.listed[1].text} in the contents list.",
            )


def _excerpt(text: str) -> str:
    return text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"
