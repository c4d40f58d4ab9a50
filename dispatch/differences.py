"""How one content of an issue differs from another: by article, and within one by sentence.

Articles are the same where their title and column are, else by the likeness of title and text and by their place.
What differs in spaces, in the width of characters or in punctuation alone is told apart: it is no other text.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from itertools import zip_longest

from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

from dispatch.model import Article, Issue

_SENTENCE = re.compile(r"[^。！？!?；;\n]*[。！？!?；;\n]*[”’」』）)]*")
_WORD = re.compile(r"[0-9]+(?:[.,][0-9]+)*|[A-Za-z]+|.", re.DOTALL)  # a figure, a Latin word, or a character
_TITLE_LIKE, _TEXT_LIKE, _COLUMN_LIKE = 75.0, 60.0, 60.0  # percent, from which on two are taken for the same
_OPENING = 400  # characters of a text by which two articles without a common title are compared
_MOST_PAIRS = 40_000  # of articles left over that are compared each with each; beyond it only near ones
_NEAR = 20  # places in the issue
_MOST_MARKED = 1_000  # characters of a sentence within which the changed words are marked
_MOST_SENTENCES = 4_000_000  # old times new, of an article whose sentences are compared
_HEAD = ("title", "publisher", "year", "number", "date")
_SIGNS = "%‰+-−±"  # punctuation that figures mean something by


@dataclass(frozen=True, slots=True)
class Placed:
    """An article where it stands: the place of its column from 0, and its own in the issue from 1."""

    column: int
    position: int
    article: Article


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence that is only in the old (`-`) or the new (`+`) text; each piece says whether it is what differs."""

    sign: str
    pieces: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)

    @property
    def marked(self) -> str:
        """As plain text, with what differs in brackets: `[-old-]`, `{+new+}`."""
        opens, closes = ("[-", "-]") if self.sign == "-" else ("{+", "+}")
        whole = len(self.pieces) == 1
        return "".join(f"{opens}{text}{closes}" if differs and not whole else text for text, differs in self.pieces)


@dataclass(frozen=True)
class ArticleChange:
    """An article of both contents, or of one; `moved` says that it stands in another column, or elsewhere in its."""

    old: Placed | None
    new: Placed | None
    moved: bool = False

    @property
    def both(self) -> tuple[Article, Article] | None:
        return (self.old.article, self.new.article) if self.old and self.new else None

    @property
    def renamed(self) -> bool:
        return self.both is not None and self.both[0].title != self.both[1].title

    @cached_property
    def reworded(self) -> bool:
        """Whether readers would find something else in it: title, credit or text, and not only how they are set."""
        return self.both is not None and _words(self.both[0]) != _words(self.both[1])

    @cached_property
    def reset(self) -> bool:
        """Whether only spaces, width of characters, punctuation or the division into paragraphs differ."""
        return self.both is not None and not self.reworded and _exact(self.both[0]) != _exact(self.both[1])

    @property
    def words(self) -> tuple[str, ...]:
        """What became of it."""
        if self.old is None or self.new is None:
            return ("added",) if self.old is None else ("removed",)
        found = {"moved": self.moved, "renamed": self.renamed, "changed": self.reworded, "typography": self.reset}
        return tuple(word for word, so in found.items() if so)

    @property
    def title(self) -> str:
        placed = self.new or self.old
        return placed.article.title if placed else ""

    @property
    def lines(self) -> Iterator[Line]:
        """What differs: title, credit, then the text sentence by sentence. None of an article added or removed."""
        if self.both is not None:
            old, new = self.both
            yield from _compared([old.title], [new.title])
            yield from _compared([old.credit] if old.credit else [], [new.credit] if new.credit else [])
            yield from _compared(_sentences(old), _sentences(new))


@dataclass(frozen=True)
class Difference:
    """How `new` differs from `old`. `columns` pairs the places of those that are the same; `head` are the parts of the
    masthead that differ: name, old value, new value."""

    old: Issue
    new: Issue
    head: tuple[tuple[str, str, str], ...]
    columns: Mapping[int, int]
    articles: tuple[ArticleChange, ...]

    @property
    def changes(self) -> list[ArticleChange]:
        """The articles of which there is something to say."""
        return [change for change in self.articles if change.words]

    @property
    def column_changes(self) -> list[tuple[str, str, str]]:
        """The columns that were renamed, added, removed or moved: the word, the old name, the new one."""
        olds, news = self.old.columns, self.new.columns
        back = {new: old for old, new in self.columns.items()}
        found = [
            ("renamed", olds[old].name, news[new].name)
            for old, new in self.columns.items()
            if olds[old].name != news[new].name
        ]
        found += [("added", "", column.name) for n, column in enumerate(news) if n not in back]
        found += [("removed", column.name, "") for n, column in enumerate(olds) if n not in self.columns]
        order = [back[new] for new in sorted(back)]
        kept = _rising(order)
        found += [("moved", olds[n].name, news[self.columns[n]].name) for n in order if n not in kept]
        return found

    @property
    def visible(self) -> bool:
        """Whether readers would see something else than how it is set."""
        return bool(
            any(_squashed(old) != _squashed(new) for _, old, new in self.head)
            or any(word != "renamed" or _squashed(old) != _squashed(new) for word, old, new in self.column_changes)
            or any(set(change.words) - {"typography", "renamed"} for change in self.articles)
        )

    @property
    def reworded(self) -> list[ArticleChange]:
        """The articles that say something else: those of which their readers are told."""
        return [change for change in self.articles if change.reworded]


def compare(old: Issue, new: Issue) -> Difference:
    """What became of an issue's articles and columns, in the order of the new content; the removed ones last."""
    olds, news = _placed(old), _placed(new)
    pairs = _pairs(old, new, olds, news)
    columns = _columns(old, new, olds, news, pairs)
    back = {n: o for o, n in pairs.items()}
    stays = _staying(olds, news, back, columns)
    found = [
        ArticleChange(olds[back[n]], placed, moved=n not in stays) if n in back else ArticleChange(None, placed)
        for n, placed in enumerate(news)
    ]
    found += [ArticleChange(placed, None) for o, placed in enumerate(olds) if o not in pairs]
    head = [(name, _shown(getattr(old, name)), _shown(getattr(new, name))) for name in _HEAD]
    return Difference(old, new, tuple(item for item in head if item[1] != item[2]), columns, tuple(found))


def _placed(issue: Issue) -> list[Placed]:
    found = [(n, article) for n, column in enumerate(issue.columns) for article in column.articles]
    return [Placed(column, position, article) for position, (column, article) in enumerate(found, start=1)]


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def _pairs(old: Issue, new: Issue, olds: Sequence[Placed], news: Sequence[Placed]) -> dict[int, int]:
    """Which old article is which new one, by their places in the lists."""
    pairs: dict[int, int] = {}

    def by(key_of_old: Sequence[object], key_of_new: Sequence[object]) -> None:
        waiting = defaultdict(list)
        taken = set(pairs.values())
        for n in reversed(range(len(news))):
            if n not in taken:
                waiting[key_of_new[n]].append(n)
        for o in range(len(olds)):
            if o not in pairs and waiting[key_of_old[o]]:
                pairs[o] = waiting[key_of_old[o]].pop()

    by(_keys(old, olds), _keys(new, news))
    by([_squashed(item.article.title) for item in olds], [_squashed(item.article.title) for item in news])
    by([_words(item.article)[1:] for item in olds], [_words(item.article)[1:] for item in news])
    pairs |= _alike(olds, news, pairs)
    return pairs


def _keys(issue: Issue, found: Sequence[Placed]) -> list[tuple[str, str]]:
    return [(_squashed(issue.columns[item.column].name), _squashed(item.article.title)) for item in found]


def _alike(olds: Sequence[Placed], news: Sequence[Placed], pairs: Mapping[int, int]) -> dict[int, int]:
    """Of those left over, the likest first."""
    left = [o for o in range(len(olds)) if o not in pairs]
    taken = set(pairs.values())
    right = [n for n in range(len(news)) if n not in taken]
    near = len(left) * len(right) > _MOST_PAIRS
    scored = sorted(
        (
            (-score, abs(o - n), o, n)
            for o in left
            for n in right
            if not (near and abs(o - n) > _NEAR) and (score := _likeness(olds[o], news[n]))
        ),
    )
    found: dict[int, int] = {}
    for _, _, o, n in scored:
        if o not in found and n not in taken:
            found[o] = n
            taken.add(n)
    return found


def _likeness(old: Placed, new: Placed) -> float:
    """In percent; 0 where they are two different articles. Where the place is the same, half as much is enough."""
    title = fuzz.ratio(_squashed(old.article.title), _squashed(new.article.title))
    text = fuzz.ratio(_opening(old.article), _opening(new.article))
    ease = 0.85 if old.column == new.column and old.position == new.position else 1.0
    if title >= _TITLE_LIKE * ease or text >= _TEXT_LIKE * ease:
        return max(title, text)
    return 0.0


@lru_cache(maxsize=4_096)
def _opening(article: Article) -> str:
    return _squashed("".join(block.text[:_OPENING] for block in article.blocks[:8]))[:_OPENING]


def _columns(
    old: Issue, new: Issue, olds: Sequence[Placed], news: Sequence[Placed], pairs: Mapping[int, int]
) -> dict[int, int]:
    """Which old column is which new one: by name, by the articles that both have, by likeness of the names."""
    names_of_new = {_squashed(column.name): n for n, column in reversed(list(enumerate(new.columns)))}
    found: dict[int, int] = {}
    taken: set[int] = set()

    def pair(o: int, n: int | None) -> None:
        if n is not None and o not in found and n not in taken:
            found[o] = n
            taken.add(n)

    for o, column in enumerate(old.columns):
        pair(o, names_of_new.get(_squashed(column.name)))
    shared = Counter((olds[o].column, news[n].column) for o, n in pairs.items())
    for (o, n), _ in shared.most_common():
        pair(o, n)
    left = [(n, _squashed(column.name)) for n, column in enumerate(new.columns) if n not in taken]
    for o, column in enumerate(old.columns):
        if o not in found:
            name = _squashed(column.name)
            pair(o, next((n for n, other in left if n not in taken and fuzz.ratio(name, other) >= _COLUMN_LIKE), None))
    return found


def _staying(
    olds: Sequence[Placed], news: Sequence[Placed], back: Mapping[int, int], columns: Mapping[int, int]
) -> set[int]:
    """The new articles that stand in the column that they stood in, and among its others as they stood."""
    stays: set[int] = set()
    by_column: defaultdict[int, list[int]] = defaultdict(list)
    for n, placed in enumerate(news):
        if n in back and columns.get(olds[back[n]].column) == placed.column:
            by_column[placed.column].append(n)
    for here in by_column.values():
        kept = _rising([back[n] for n in here])
        stays |= {n for n in here if back[n] in kept}
    return stays


def _rising(numbers: Sequence[int]) -> set[int]:
    """The longest part of a sequence of different numbers that rises."""
    tails: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        place = bisect_left(tails, number)
        before[number] = tails[place - 1] if place else None
        tails[place : place + 1] = [number]
    found: set[int] = set()
    last = tails[-1] if tails else None
    while last is not None:
        found.add(last)
        last = before[last]
    return found


@lru_cache(maxsize=16_384)
def _squashed(text: str) -> str:
    """Text without what only sets it: spaces, widths, and punctuation but in and before figures."""
    text = unicodedata.normalize("NFKC", text)
    kept = []
    for place, character in enumerate(text):
        kind = unicodedata.category(character)[0]
        within_figure = text[place - 1 : place].isdigit() and text[place + 1 : place + 2].isdigit()
        if character in _SIGNS or kind not in "ZPC" or (kind == "P" and within_figure):
            kept.append(character)
    return "".join(kept)


@lru_cache(maxsize=4_096)
def _words(article: Article) -> tuple[str, str, str]:
    text = "".join(_squashed(block.text) for block in article.blocks)
    return _squashed(article.title), _squashed(article.credit), text


def _exact(article: Article) -> tuple[object, ...]:
    return article.title, article.credit, tuple((block.kind, block.text) for block in article.blocks)


def _sentences(article: Article) -> list[str]:
    return [part for block in article.blocks for part in _SENTENCE.findall(block.text) if part.strip()]


def _compared(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    """The sentences of one and of the other that differ."""
    for before, after in _stretches(old, new):
        for one, other in zip_longest(before, after):
            yield from _marked(one, other)


def _stretches(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    if len(old) * len(new) > _MOST_SENTENCES:
        if list(old) != list(new):
            yield old, new
        return
    before: list[str] = []
    after: list[str] = []
    for step in Indel.opcodes(old, new):
        if step.tag == "equal":
            yield before, after
            before, after = [], []
        before += old[step.src_start : step.src_end] if step.tag == "delete" else []
        after += new[step.dest_start : step.dest_end] if step.tag == "insert" else []
    yield before, after


def _marked(old: str | None, new: str | None) -> Iterator[Line]:
    if old is None or new is None or max(len(old), len(new)) > _MOST_MARKED or fuzz.ratio(old, new) < _TEXT_LIKE:
        yield from (Line(sign, ((text, True),)) for sign, text in (("-", old), ("+", new)) if text is not None)
        return
    one, other = _WORD.findall(old), _WORD.findall(new)
    steps = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    yield Line("-", _pieces(("".join(one[a:b]), tag != "equal") for tag, a, b, _, _ in steps))
    yield Line("+", _pieces(("".join(other[c:d]), tag != "equal") for tag, _, _, c, d in steps))


def _pieces(found: Iterable[tuple[str, bool]]) -> tuple[tuple[str, bool], ...]:
    return tuple((text, differs) for text, differs in found if text)
