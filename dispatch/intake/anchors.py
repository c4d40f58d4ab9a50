"""Where columns and articles begin in the text of an issue.

Sure are the titles and columns that the contents list or the profile names. The others show by their place: between
the end of an article (its credit) and the running text of the next there stand the title, and above it, where a new
one begins, the column. What the markup calls a heading decides only where nothing else does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from dispatch.intake.colophon import Colophon
from dispatch.intake.contents import Contents, Entry
from dispatch.intake.credits import Credits
from dispatch.intake.folding import LONGEST_HEADING, bracketed, fold, heading_key, is_enumerated, is_prose
from dispatch.intake.line import Line
from dispatch.intake.names import ColumnNames, nearest

_MOST_CANDIDATES = 3_000  # lines that a title is looked for among when none equals it
_LONGEST_COLUMN = 12  # characters, of a column that no mark and no list names


class Role(Enum):
    COLUMN = "column"
    TITLE = "title"
    TITLE_GOES_ON = "title goes on"
    LEFT_OUT = "left out"


class Kind(Enum):
    RULE = "rule"
    SHORT = "short"
    PROSE = "prose"
    CREDIT = "credit"
    COLOPHON = "colophon"


@dataclass
class Anchors:
    """The roles of lines by index; a line without one is text. `entries` are the list's titles found, by index."""

    roles: dict[int, Role] = field(default_factory=dict)
    entries: dict[int, tuple[int, Entry]] = field(default_factory=dict)
    missing: list[tuple[int, Entry]] = field(default_factory=list)


def find_anchors(
    lines: Sequence[Line], contents: Contents, names: ColumnNames, credits_: Credits, colophon: Colophon
) -> Anchors:
    """The beginnings of columns and articles in the lines of a text."""
    finder = _Finder(lines, contents, names, credits_, colophon)
    finder.sure_titles()
    finder.sure_columns()
    finder.by_place()
    finder.by_marks()
    return finder.anchors


class _Finder:
    """The steps of the search, surest first; each adds to `anchors` and leaves what is there alone."""

    def __init__(
        self,
        lines: Sequence[Line],
        contents: Contents,
        names: ColumnNames,
        credits_: Credits,
        colophon: Colophon,
    ) -> None:
        self._lines = lines
        self._contents = contents
        self._names = names
        self._credits = [None if line.rule else credits_.find(line.text) for line in lines]
        self._kinds = [self._kind(index, colophon) for index in range(len(lines))]
        self._keys = [heading_key(line.text) if len(line.text) <= LONGEST_HEADING * 2 else "" for line in lines]
        self._next = _next_content(self._kinds)
        self._on_top = self._credits_on_top()
        self._title_levels = self._levels_after_credits()
        self.anchors = Anchors()

    def _kind(self, index: int, colophon: Colophon) -> Kind:
        line, credit = self._lines[index], self._credits[index]
        if line.rule:
            return Kind.RULE
        if credit and credit.alone:
            return Kind.CREDIT
        if colophon.labels(line.text):
            return Kind.COLOPHON
        return Kind.PROSE if is_prose(line.text) else Kind.SHORT

    # Titles of the contents list

    def sure_titles(self) -> None:
        """Find the list's titles: equal ones first, then over two lines, then the likest."""
        wanted = [
            (number, entry) for number, section in enumerate(self._contents.sections) for entry in section.entries
        ]
        wanted = self._equal_titles(wanted)
        wanted = self._divided_titles(wanted)
        self.anchors.missing = self._alike_titles(wanted)

    def _equal_titles(self, wanted: list[tuple[int, Entry]]) -> list[tuple[int, Entry]]:
        places: dict[str, list[int]] = {}
        for index in range(len(self._lines) - 1, -1, -1):
            if self._keys[index]:
                places.setdefault(self._keys[index], []).append(index)
        left = []
        for number, entry in wanted:
            found = places.get(entry.key)
            if found:
                self._set_title(found.pop(), number, entry)
            else:
                left.append((number, entry))
        return left

    def _divided_titles(self, wanted: list[tuple[int, Entry]]) -> list[tuple[int, Entry]]:
        """A title that the text divides over two or three lines."""
        by_key = {entry.key: (number, entry) for number, entry in wanted}
        for index in range(len(self._lines)) if by_key else ():
            for size in (2, 3):
                span = range(index, min(index + size, len(self._lines)))
                if not all(self._kinds[at] is Kind.SHORT and at not in self.anchors.roles for at in span):
                    break
                found = by_key.pop("".join(fold(self._lines[at].text) for at in span), None)
                if found:
                    self._set_title(index, *found)
                    self.anchors.roles.update((at, Role.TITLE_GOES_ON) for at in span[1:])
                    break
        return list(by_key.values())

    def _alike_titles(self, wanted: list[tuple[int, Entry]]) -> list[tuple[int, Entry]]:
        """The likest lines, best pair first, each line for one title; the titles that none is like."""
        free = [index for index in range(len(self._lines)) if self._may_be_title(index)][:_MOST_CANDIDATES]
        keys = [self._keys[index] for index in free]
        left = list(wanted)
        while left and free:
            pairs = [
                (found[1], -at, found[0]) for at, (_, entry) in enumerate(left) if (found := nearest(entry.key, keys))
            ]
            if not pairs:
                break
            taken: set[int] = set()
            done: set[int] = set()
            for _, at, line in sorted(pairs, reverse=True):
                if line not in taken:
                    taken.add(line)
                    done.add(-at)
                    self._set_title(free[line], *left[-at])
            left = [pair for at, pair in enumerate(left) if at not in done]
            free, keys = _without(free, taken), _without(keys, taken)
        return left

    def _may_be_title(self, index: int) -> bool:
        return self._kinds[index] is Kind.SHORT and index not in self.anchors.roles and bool(self._keys[index])

    def _set_title(self, index: int, section: int, entry: Entry) -> None:
        self.anchors.roles[index] = Role.TITLE
        self.anchors.entries[index] = (section, entry)

    # Columns that the contents list or the profile names

    def sure_columns(self) -> None:
        keys = [heading_key(section.name) for section in self._contents.sections if section.name]
        for index, line in enumerate(self._lines):
            if not self._may_be_title(index) or not self._heads_titles(index):
                continue
            named = self._names.find(line.text) or self._keys[index] in keys
            if named or (nearest(self._keys[index], keys) and self._title_follows(index)):
                self.anchors.roles[index] = Role.COLUMN

    def _heads_titles(self, index: int) -> bool:
        """Whether a line may be a column's: what follows is not text, unless the list has no titles at all."""
        following = self._next[index]
        if following is None:
            return False
        return self._kinds[following] is Kind.SHORT or self._lines[index].hinted or following in self.anchors.roles

    def _title_follows(self, index: int) -> bool:
        following = self._next[index]
        return following is not None and self.anchors.roles.get(following) is Role.TITLE

    # Columns and titles between the end of one article and the text of the next

    def by_place(self) -> None:
        ended = True
        run: list[int] = []
        for index, kind in enumerate(self._kinds):
            credit = self._credits[index]
            if kind is Kind.SHORT and not (credit and credit.sure):
                run.append(index)
            elif kind is Kind.CREDIT and run and self._goes_under_title(run, index, ended):
                continue
            elif kind in (Kind.PROSE, Kind.CREDIT) or (credit and credit.sure):
                begins = ended or (self._on_top and self._is_credited(run))
                self._read_run(run, begins, kind is Kind.PROSE)
                run = []
                ended = credit is not None and self._ends_article(index)
        self._read_run(run, ended, False)

    def _goes_under_title(self, run: Sequence[int], index: int, ended: bool) -> bool:
        """A credit below a title, with the text below it."""
        following = self._next[index]
        begins = ended or self._on_top or any(at in self.anchors.roles for at in run)
        return begins and following is not None and self._kinds[following] is Kind.PROSE

    def _is_credited(self, run: Sequence[int]) -> bool:
        """Whether a credit stands right below a run."""
        following = self._next[run[-1]] if run else None
        return following is not None and self._kinds[following] is Kind.CREDIT

    def _credits_on_top(self) -> bool:
        """Whether articles of this bulletin have their credits below the title: the first one has, before any text."""
        for index, kind in enumerate(self._kinds):
            if kind is Kind.PROSE:
                return False
            if kind is Kind.CREDIT:
                following = self._next[index]
                return following is not None and self._kinds[following] is Kind.PROSE
        return False

    def _ends_article(self, index: int) -> bool:
        """A credit ends an article when no text comes right after it; a sure one is followed by a title at most."""
        following = self._next[index]
        if following is None or following in self.anchors.roles:
            return True
        if self._kinds[following] is Kind.PROSE:
            return False
        return not is_enumerated(self._lines[following].text) or self._new_part(following)

    def _new_part(self, index: int) -> bool:
        """An enumerated line after a credit is a column (二、园区动态) when a title follows, not a part of a text."""
        following = self._next[index]
        return following is not None and self._kinds[following] is Kind.SHORT

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
            following = self._next[index]
            if following is not None and self._kinds[following] is Kind.COLOPHON:
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
        if self._next[index] == title and self._changes_section(title):
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
        if not run:
            return
        if not below_column and len(run) > 1 and self._is_column_over(run[0], run[1]):
            self.anchors.roles[run[0]] = Role.COLUMN
            run = run[1:]
        if below_column or not self._is_below_titles(run[0]):
            self.anchors.roles[run[0]] = Role.TITLE

    def _is_below_titles(self, index: int) -> bool:
        """Whether the marks rank a heading lower than every title of the list: it is a part of a text."""
        levels = [self._lines[at].level for at in self.anchors.entries]
        return bool(levels) and 0 not in levels and self._lines[index].level > max(levels)

    def _levels_after_credits(self) -> set[int]:
        """The levels of headings that stand alone between a credit and a text: they are titles."""
        found = set()
        for index, credit in enumerate(self._credits):
            at = self._next[index] if credit else None
            after = self._next[at] if at is not None and self._kinds[at] is Kind.SHORT else None
            if at is not None and after is not None and self._kinds[after] is Kind.PROSE:
                found.add(self._lines[at].level)
        return found

    def _is_column_over(self, index: int, following: int) -> bool:
        upper, lower = self._lines[index], self._lines[following]
        if bracketed(upper.text):
            return True
        if is_enumerated(lower.text) and not is_enumerated(upper.text):
            return False
        if upper.level and upper.level in self._title_levels and lower.level not in self._title_levels:
            return False  # a title with the heading of its text's first part below it
        if upper.hinted or lower.hinted:
            return upper.hinted and lower.hinted
        return len(upper.text) <= _LONGEST_COLUMN and len(upper.text) < len(lower.text)

    # Headings that only their mark shows

    def by_marks(self) -> None:
        """Titles of articles after one without a credit, where no contents list tells titles from headings."""
        if self._contents.sections:
            return
        marked = any(self._lines[index].hinted for index in range(len(self._lines)) if self._kinds[index] is Kind.SHORT)
        credited = any(credit and credit.sure for credit in self._credits)
        if credited and not self._levels_tell():
            return
        deepest = max((self._lines[index].level for index in self._with(Role.TITLE)), default=6)
        for index in range(len(self._lines)):
            if not self._may_be_title(index) or is_enumerated(self._lines[index].text):
                continue
            if marked:
                self._by_mark(index, deepest if credited else 6)
            elif not credited and self._stands_before_text(index):
                self.anchors.roles[index] = Role.TITLE

    def _by_mark(self, index: int, deepest: int) -> None:
        line, following = self._lines[index], self._next[index]
        if not line.hinted or line.level > deepest or following is None:
            return
        above = self._kinds[following] is Kind.SHORT and self._lines[following].hinted
        over = above and not is_enumerated(self._lines[following].text)
        self.anchors.roles[index] = Role.COLUMN if over else Role.TITLE

    def _stands_before_text(self, index: int) -> bool:
        following = self._next[index]
        return following is not None and self._kinds[following] is Kind.PROSE and len(self._lines[index].text) >= 6

    def _levels_tell(self) -> bool:
        """Whether levels of headings differ as columns and titles do."""
        columns = {self._lines[index].level for index in self._with(Role.COLUMN)}
        titles = {self._lines[index].level for index in self._with(Role.TITLE)}
        return bool(columns and titles) and 0 not in titles and max(titles) > min(columns)

    def _with(self, role: Role) -> list[int]:
        return [index for index, found in self.anchors.roles.items() if found is role]


def _next_content(kinds: Sequence[Kind]) -> list[int | None]:
    """For each line the next one that is no rule."""
    following: int | None = None
    found: list[int | None] = []
    for index in range(len(kinds) - 1, -1, -1):
        found.append(following)
        if kinds[index] is not Kind.RULE:
            following = index
    return found[::-1]


_Item = TypeVar("_Item")


def _without(items: Sequence[_Item], indexes: set[int]) -> list[_Item]:
    return [item for index, item in enumerate(items) if index not in indexes]
