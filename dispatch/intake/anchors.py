"""Where columns and articles begin in the text of an issue.

Sure are the titles and columns that the contents list or the profile names. The others show by their place: between
the end of an article (its credit) and the running text of the next there stand the title, and above it, where a new
one begins, the column. What the markup calls a heading decides only where nothing else does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dispatch.intake.body_text import Kind, Text
from dispatch.intake.contents import Contents
from dispatch.intake.folding import bracketed, heading_key, is_enumerated
from dispatch.intake.names import ColumnNames, nearest
from dispatch.intake.titles import Anchors, Role, find_titles

_LONGEST_COLUMN = 12  # characters, of a column that no mark and no list names


@dataclass(frozen=True, slots=True)
class Ranks:
    """The level of headings that a document has for columns, and the one for titles."""

    column: int
    title: int

    def role(self, level: int) -> Role | None:
        """What a heading of this level is; None for a part of a text, and for what no level marks."""
        return {self.column: Role.COLUMN, self.title: Role.TITLE}.get(level)


def ranks(text: Text) -> Ranks | None:
    """The levels of a document that has a level for columns and one below for titles, and none elsewhere above these:
    each heading of the first has one of the second right below. None where levels tell less."""
    headings = [
        index
        for index, line in enumerate(text.lines)
        if text.kinds[index] is Kind.SHORT and line.level and not line.rule
    ]
    top = min((text.lines[index].level for index in headings), default=0)
    below = set()
    for index in headings:
        if text.lines[index].level == top:
            following = text.next[index]
            below.add(0 if following is None else text.lines[following].level)
    deeper = next(iter(below)) if len(below) == 1 else 0
    return Ranks(top, deeper) if deeper > top else None


def find_anchors(text: Text, contents: Contents, names: ColumnNames) -> Anchors:
    """The beginnings of columns and articles in a text."""
    finder = _Finder(text, contents, names)
    finder.sure_columns()
    finder.by_place()
    finder.by_marks()
    return finder.anchors


class _Finder:
    """The steps of the search after the list's titles; each adds to `anchors` and leaves what is there alone."""

    def __init__(self, text: Text, contents: Contents, names: ColumnNames) -> None:
        self._text = text
        self._contents = contents
        self._names = names
        self._on_top = self._credits_on_top()
        self._title_levels = self._levels_after_credits()
        self._ranks = ranks(text)
        self.anchors = find_titles(text, contents)

    # Columns that the contents list or the profile names

    def sure_columns(self) -> None:
        keys = [heading_key(section.name) for section in self._contents.sections if section.name]
        for index, line in enumerate(self._text.lines):
            if not self._is_free(index) or not self._heads_titles(index):
                continue
            named = self._names.find(line.text) or self._text.keys[index] in keys
            if named or (nearest(self._text.keys[index], keys) and self._title_follows(index)):
                self.anchors.roles[index] = Role.COLUMN

    def _is_free(self, index: int) -> bool:
        free = self._text.kinds[index] is Kind.SHORT and index not in self.anchors.roles
        return free and bool(self._text.keys[index])

    def _heads_titles(self, index: int) -> bool:
        """Whether a line may be a column's: what follows is not text, unless the list has no titles at all."""
        following = self._text.next[index]
        if following is None:
            return False
        return (
            self._text.kinds[following] is Kind.SHORT
            or self._text.lines[index].hinted
            or following in self.anchors.roles
        )

    def _title_follows(self, index: int) -> bool:
        following = self._text.next[index]
        return following is not None and self.anchors.roles.get(following) is Role.TITLE

    # Columns and titles between the end of one article and the text of the next

    def by_place(self) -> None:
        ended, begun = True, False  # text before the first article is a preface, and ends nothing
        run: list[int] = []
        for index, kind in enumerate(self._text.kinds):
            credit = self._text.credits[index]
            if kind is Kind.SHORT and not (credit and credit.sure):
                run.append(index)
            elif kind is Kind.CREDIT and run and self._goes_under_title(run, index, ended):
                if self._text.kind_after(index) is Kind.SHORT:  # the text begins with a short line, such as a question
                    self._read_run(run, True, True)
                    begun, ended, run = True, False, []
            elif kind in (Kind.PROSE, Kind.CREDIT) or (credit and credit.sure):
                begins = ended or (self._on_top and self._is_credited(run))
                self._read_run(run, begins, kind is Kind.PROSE)
                begun = begun or any(self.anchors.roles.get(at) is Role.TITLE for at in run)
                run = []
                ended = not begun or (credit is not None and self._ends_article(index))
        self._read_run(run, ended, False)

    def _goes_under_title(self, run: Sequence[int], index: int, ended: bool) -> bool:
        """A credit below a title, with the text below it."""
        begins = ended or self._on_top or any(at in self.anchors.roles for at in run)
        return begins and (self._text.kind_after(index) is Kind.PROSE or self._short_text_follows(index))

    def _short_text_follows(self, index: int) -> bool:
        """Whether a credit on top has a sentence below it that is as short as a title, and then text."""
        following = self._text.next[index]
        if not self._on_top or following is None or following in self.anchors.roles:
            return False
        line = self._text.lines[following]
        asks = line.text[-1] in "?？!！" and not line.hinted
        return asks and self._text.kinds[following] is Kind.SHORT and self._text.kind_after(following) is Kind.PROSE

    def _is_credited(self, run: Sequence[int]) -> bool:
        """Whether a credit stands right below a run."""
        return bool(run) and self._text.kind_after(run[-1]) is Kind.CREDIT

    def _credits_on_top(self) -> bool:
        """Whether articles of this bulletin have their credits below the title: the first one has, before any text."""
        for index, kind in enumerate(self._text.kinds):
            if kind is Kind.PROSE:
                return False
            if kind is Kind.CREDIT:
                return self._text.kind_after(index) is Kind.PROSE
        return False

    def _ends_article(self, index: int) -> bool:
        """A credit ends an article when no text comes right after it; a sure one is followed by a title at most."""
        following = self._text.next[index]
        if following is None or following in self.anchors.roles:
            return True
        if self._text.kinds[following] is Kind.PROSE:
            return False
        return not is_enumerated(self._text.lines[following].text) or self._new_part(following)

    def _new_part(self, index: int) -> bool:
        """An enumerated line after a credit is a column (二、园区动态) when a title follows, not a part of a text."""
        return self._text.kind_after(index) is Kind.SHORT

    def _read_run(self, run: Sequence[int], ended: bool, text_follows: bool) -> None:
        run = self._without_imprint(run) if ended else list(run)
        titles = [index for index in run if self.anchors.roles.get(index) is Role.TITLE]
        columns = [index for index in run if self.anchors.roles.get(index) is Role.COLUMN]
        if titles:
            self._read_orphans(run, titles[0], ended or bool(columns))
        elif text_follows and (ended or columns):
            rest = [index for index in run if not columns or index > columns[-1]]
            self._read_unlisted(rest, bool(columns))

    def _without_imprint(self, run: Sequence[int]) -> list[int]:
        """A run without the publisher's name over a colophon in the middle of the text."""
        kept = []
        for index in run:
            if self._text.kind_after(index) is Kind.COLOPHON:
                self.anchors.roles.setdefault(index, Role.LEFT_OUT)
            else:
                kept.append(index)
        return kept

    def _read_orphans(self, run: Sequence[int], title: int, ended: bool) -> None:
        """The line above a title of the list: a column that the list calls otherwise, or calls not at all."""
        above = [index for index in run if index < title and index not in self.anchors.roles]
        has_column = any(self.anchors.roles.get(index) is Role.COLUMN for index in run if index < title)
        if not above or has_column or not ended:
            return
        index = above[-1]
        if self._text.next[index] == title and self._changes_section(title):
            self.anchors.roles[index] = Role.COLUMN

    def _changes_section(self, title: int) -> bool:
        before = [at for at in self.anchors.entries if at < title]
        if not before:
            return True
        listed = any(section.name for section in self._contents.sections)
        return not listed or self.anchors.entries[max(before)][0] != self.anchors.entries[title][0]

    def _read_unlisted(self, run: Sequence[int], below_column: bool) -> None:
        """The title, and perhaps the column, before a text that no list announces."""
        run = [index for index in run if index not in self.anchors.roles]
        if not run or self._read_ranked(run):
            return
        if not below_column and len(run) > 1 and self._is_column_over(run[0], run[1]):
            self.anchors.roles[run[0]] = Role.COLUMN
            if not self._is_marked_column(run[0], run[1]):
                self.anchors.guessed.append(run[0])
            run = run[1:]
        if below_column or not self._is_below_titles(run[0]):
            self.anchors.roles[run[0]] = Role.TITLE
            if self._ranks and not self._text.lines[run[0]].hinted:
                self.anchors.unmarked.append(run[0])

    def _read_ranked(self, run: Sequence[int]) -> bool:
        """Read a run by the levels of its headings, where a document has one for columns and one for titles. An
        unmarked line beside a marked one is text. False where no level tells."""
        if self._ranks is None:
            return False
        levels = [self._text.lines[index].level for index in run]
        if not any(levels):
            return False
        for index, level in zip(run, levels, strict=True):
            if level == self._ranks.column:
                self.anchors.roles[index] = Role.COLUMN
            elif level == self._ranks.title:
                self.anchors.roles[index] = Role.TITLE
        return True

    def _is_below_titles(self, index: int) -> bool:
        """Whether the marks rank a heading lower than every title of the list: it is a part of a text."""
        levels = [self._text.lines[at].level for at in self.anchors.entries]
        return bool(levels) and 0 not in levels and self._text.lines[index].level > max(levels)

    def _levels_after_credits(self) -> set[int]:
        """The levels of headings that stand alone between a credit and a text: they are titles."""
        found = set()
        for index, credit in enumerate(self._text.credits):
            at = self._text.next[index] if credit else None
            after = self._text.next[at] if at is not None and self._text.kinds[at] is Kind.SHORT else None
            if at is not None and after is not None and self._text.kinds[after] is Kind.PROSE:
                found.add(self._text.lines[at].level)
        return found

    def _is_column_over(self, index: int, following: int) -> bool:
        upper, lower = self._text.lines[index], self._text.lines[following]
        if bracketed(upper.text):
            return True
        if is_enumerated(lower.text) and not is_enumerated(upper.text):
            return False
        if upper.level and upper.level in self._title_levels and lower.level not in self._title_levels:
            return False  # a title with the heading of its text's first part below it
        if self._is_marked_column(index, following):
            return True
        if upper.level and not lower.level and upper.level in self._title_levels | self._levels_of(Role.TITLE):
            return False  # a title with a short line of its text below it
        return len(upper.text) <= _LONGEST_COLUMN and len(upper.text) < len(lower.text)

    def _is_marked_column(self, index: int, following: int) -> bool:
        upper, lower = self._text.lines[index], self._text.lines[following]
        return bracketed(upper.text) is not None or (upper.hinted and lower.hinted)

    # Headings that only their mark shows

    def by_marks(self) -> None:
        """Titles of articles after one without a credit, where no contents list tells titles from headings."""
        if self._contents.sections:
            return
        marked = any(
            self._text.lines[index].hinted for index in range(len(self._text)) if self._text.kinds[index] is Kind.SHORT
        )
        credited = any(credit and credit.sure for credit in self._text.credits)
        if credited and not self._levels_tell():
            return
        deepest = max((self._text.lines[index].level for index in self._with(Role.TITLE)), default=6)
        for index in range(len(self._text)):
            if not self._is_free(index) or is_enumerated(self._text.lines[index].text):
                continue
            if marked:
                self._by_mark(index, deepest if credited else 6)
            elif not credited and self._stands_before_text(index):
                self.anchors.roles[index] = Role.TITLE

    def _by_mark(self, index: int, deepest: int) -> None:
        line, following = self._text.lines[index], self._text.next[index]
        if not line.hinted or line.level > deepest or following is None:
            return
        if self._ranks:
            if role := self._ranks.role(line.level):
                self.anchors.roles[index] = role
            return
        above = self._text.kinds[following] is Kind.SHORT and self._text.lines[following].hinted
        over = above and not is_enumerated(self._text.lines[following].text)
        self.anchors.roles[index] = Role.COLUMN if over else Role.TITLE

    def _stands_before_text(self, index: int) -> bool:
        following = self._text.next[index]
        return (
            following is not None
            and self._text.kinds[following] is Kind.PROSE
            and len(self._text.lines[index].text) >= 6
        )

    def _levels_tell(self) -> bool:
        """Whether levels of headings differ as columns and titles do."""
        columns, titles = self._levels_of(Role.COLUMN), self._levels_of(Role.TITLE)
        return bool(columns and titles) and 0 not in titles and max(titles) > min(columns)

    def _levels_of(self, role: Role) -> set[int]:
        return {self._text.lines[index].level for index in self._with(role)}

    def _with(self, role: Role) -> list[int]:
        return [index for index, found in self.anchors.roles.items() if found is role]
