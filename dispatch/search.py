"""Full-text search of the archive, in Chinese as in English.

Chinese is written without blanks, and an index of words or of triples of characters does not find 算力 or 金融. So the
index has each pair of neighbouring characters as a term, and each word of letters and digits; what has all terms of a
search is looked through for the words themselves, so that nothing is found that does not hold them. (A table of ours
rather than the full text search of a database: it is the same on all of them, and a backup has nothing in it that
runs.)

Articles are indexed when they are looked for: `search` sees to those that are not yet, the newest issues' first.
"""

from __future__ import annotations

import heapq
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from dispatch.codec import read_block
from dispatch.errors import UsageError
from subscribers.database import Database, Row, queries

SQL = queries(Path(__file__).with_name("search.sql"))
MOST_WORDS = 16
LONGEST_WORD = 100  # characters

_QUERY = re.compile(r'(?P<sign>-?)(?:"(?P<quoted>[^"]*)"?|(?P<word>[^\s"]+))')
_WORD = re.compile(r"[a-z0-9]+")
_RUN = re.compile(r"[^\W_]+")
_AT_ONCE = 20  # articles
_TITLE_WEIGHT = 8  # a word in the title says as much as so many in the text
_SNIPPET, _BEFORE = 90, 24  # characters of a passage, and of those before the word found
# Where a sentence, or else a clause, is over; and what cannot be cut without saying something else.
_SENTENCE_END = re.compile(r"[。！？；!?;\n]+[”’」』）)]*|\.(?=\s)")
_CLAUSE_END = re.compile(r"[，、：]|[,:](?![0-9])|[—…]+")
_WHOLE = re.compile(r"[0-9A-Za-z]+(?:[.,:/'’-][0-9A-Za-z]+)*")
_TENS = "一二三四五六七八九十"
_LIST_NUMBER = re.compile(
    rf"\s*(?:[（(]?[0-9]{{1,3}}[)）]|[0-9]{{1,3}}[.．、](?![0-9])|[（(][{_TENS}]{{1,3}}[)）]|[{_TENS}]{{1,3}}、(?![{_TENS}])|[①-⑳])\s*"
)
_QUOTES = str.maketrans("“”„‟＂「」『』", '"""""""""')


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for: all of `words` and none of `without`, folded."""

    words: tuple[str, ...]
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Within:
    """Where it is searched for; "" for everywhere. Of `tags` (`park:…`, `topic:…`) an article must have one, where any
    is named; `since` and `until` are days (YYYY-MM-DD), with those days; `public` leaves out what the pages do not
    show: what is held or cancelled."""

    bulletin: str = ""
    column: str = ""
    tags: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    public: bool = False


class Order(StrEnum):
    RELEVANCE = "relevance"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of an article with words found in it: `marks` are their (start, end) in `text`."""

    text: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """An article found, with the best passage of its text and the places of words in its title."""

    article_id: int
    bulletin: str
    issue_ref: str
    date: str
    column: str
    position: int
    title: Passage
    passage: Passage
    score: int


@dataclass(frozen=True, slots=True)
class Found:
    """The hits asked for, and how many articles there are in all."""

    total: int
    hits: tuple[Hit, ...]


def parse(text: str) -> Query:
    """A search as people write it: words, all of which must occur; "several words" as they stand; -word for none.

    Raises UsageError where nothing is left to search for, or it is too long.
    """
    words: dict[str, None] = {}
    without: dict[str, None] = {}
    for found in _QUERY.finditer(text.translate(_QUOTES)):
        word = fold(found["word"] if found["quoted"] is None else found["quoted"])
        if not _RUN.search(word):
            continue
        if len(word) > LONGEST_WORD:
            raise UsageError(f"a word of the search is longer than {LONGEST_WORD} characters")
        (without if found["sign"] else words)[word] = None
    if not words:
        raise UsageError("there is nothing to search for: name a word, such as 区块链")
    if len(words) + len(without) > MOST_WORDS:
        raise UsageError(f"a search has at most {MOST_WORDS} words")
    return Query(tuple(words), tuple(without))


def search(
    db: Database,
    query: Query,
    within: Within | None = None,
    *,
    order: Order = Order.RELEVANCE,
    most: int = 20,
    skip: int = 0,
    catch_up: int | None = None,
) -> Found:
    """The articles that hold a query, best or newest first; `most` of them after the first `skip`. Articles that are
    not indexed yet are seen to first: all of them, or about `catch_up` where somebody waits for the answer."""
    if catch_up is None:
        index(db)
    else:
        for _ in range(0, catch_up, _AT_ONCE):
            if not index_some(db):
                break
    total, best = 0, list[tuple[tuple[float | str, ...], int, int]]()
    for row in _candidates(db, query, within or Within()):
        score = _score(row, query)
        if not score:
            continue
        total += 1
        key = (score, row["date"] or "") if order is Order.RELEVANCE else (row["date"] or "", score)
        entry = (key, -row["id"], score)
        if len(best) < most + skip:
            heapq.heappush(best, entry)
        elif best:
            heapq.heappushpop(best, entry)
    chosen = [(-id_, score) for _, id_, score in sorted(best, reverse=True)][skip:]
    return Found(total, tuple(_hits(db, chosen, query)))


def index(db: Database, advance: Callable[[int], None] = lambda done: None) -> int:
    """Index the articles that are not yet; how many there were. `advance` is told of each few. What takes long is done
    between the transactions, which are short: others send meanwhile."""
    done = 0
    while count := index_some(db):
        done += count
        advance(count)
    return done


def index_some(db: Database) -> int:
    """Index a few of the articles that are not yet, of the newest issues first; how many there were of them."""
    rows = db.all(SQL["missing"], {"most": _AT_ONCE})
    made = [(row["id"], fold(row["title"]), _text(row)) for row in rows]
    found = [sorted(terms(title) | terms(text)) for _, title, text in made]
    if rows:
        with db.transaction():
            missing = {row["id"] for row in db.all(SQL["missing"], {"most": _AT_ONCE})}
            for (id_, title, text), words in zip(made, found, strict=True):
                if id_ in missing:  # nobody was quicker, and it is still there
                    db.run(SQL["add_text"], {"id": id_, "title": title, "text": text})
                    db.many(SQL["add_term"], [{"id": id_, "term": term} for term in words])
    return len(rows)


def unindexed(db: Database) -> int:
    """How many articles are not in the index yet."""
    return int(db.value(SQL["unindexed"]))


def forget(db: Database, article_ids: Sequence[int]) -> None:
    """Take articles out of the index: they are indexed anew with the words they have then. Within a transaction."""
    db.run(SQL["forget_terms"], {"ids": list(article_ids)})
    db.run(SQL["forget_texts"], {"ids": list(article_ids)})


def clear(db: Database) -> None:
    """Empty the index; `index` makes it anew."""
    with db.transaction():
        db.run(SQL["clear_terms"])
        db.run(SQL["clear_texts"])


def fold(text: str) -> str:
    """Letters in one width and case, blanks as one, none beside a Chinese character."""
    return "".join(piece for piece, _ in _pieces(text))


def terms(text: str) -> set[str]:
    """The terms of a folded text."""
    found: set[str] = set()
    for run in _RUN.findall(text):
        place = 0
        for word in _WORD.finditer(run):
            found.update((word[0], *_pairs(run[place : word.start()])))
            place = word.end()
        found.update(_pairs(run[place:]))
    return found


def _pairs(text: str) -> Iterator[str]:
    return map("".join, pairwise(text))


def _text(row: Row) -> str:
    texts = [read_block(block).text for block in json.loads(row["blocks"])]
    return "\n".join(map(fold, [*texts, row["credit"]]))


def _candidates(db: Database, query: Query, within: Within) -> Iterator[Row]:
    values = {field.name: value for field in fields(within) if (value := getattr(within, field.name))}
    filters = "\n".join(SQL[f"filter_{name}"] for name in values)
    values.pop("public", None)
    sought = sorted(set().union(*map(terms, query.words)))
    if not sought:  # single characters: too common for an index to help
        return db.each(SQL["all_texts"].replace("{filter}", filters), values)
    sql = SQL["having_terms"].replace("{filter}", filters)
    return db.each(sql, {**values, "terms": sought, "count": len(sought)})


def _score(row: Row, query: Query) -> int:
    """How much an article has of the words; 0 where it does not hold the query."""
    title, text = row["title"], row["text"]
    if any(word in title or word in text for word in query.without):
        return 0
    counts = [_TITLE_WEIGHT * title.count(word) + text.count(word) for word in query.words]
    return sum(counts) if all(counts) else 0


def _hits(db: Database, chosen: Sequence[tuple[int, int]], query: Query) -> Iterator[Hit]:
    rows = {row["id"]: row for row in db.all(SQL["shown"], {"ids": [id_ for id_, _ in chosen]})} if chosen else {}
    for id_, score in chosen:
        row = rows.get(id_)
        if row is None:  # its issue was replaced meanwhile
            continue
        texts = [read_block(block).text for block in json.loads(row["blocks"])]
        yield Hit(
            article_id=id_,
            bulletin=row["bulletin"],
            issue_ref=row["ref"],
            date=row["date"] or "",
            column=row["column"],
            position=row["position"],
            title=Passage(row["title"], _places(row["title"], query.words)),
            passage=_best_passage([*texts, row["credit"]], query.words),
            score=score,
        )


def _best_passage(texts: Sequence[str], words: Sequence[str]) -> Passage:
    """The part of the text with most of the words, from a little before the first of them."""
    best, most = Passage(_cut(texts[0], _behind_number(texts[0], 0, len(texts[0]))) if texts else "", ()), 0
    for text in texts:
        places = _places(text, words)
        if not places:
            continue
        begin = _beginning(text, places[0][0])
        start = _behind_number(text, begin, places[0][0])
        within = [place for place in places if place[1] <= start + _SNIPPET]
        if len(within) > most:
            most = len(within)
            lead = "…" if begin else ""
            shift = len(lead) - start
            marks = tuple((left + shift, right + shift) for left, right in within)
            best = Passage(lead + _cut(text, start), marks)
    return best


def _beginning(text: str, place: int) -> int:
    """Where a passage begins in which something stands at `place`: with the text, a sentence, a clause or at least a
    word."""
    low = place - _BEFORE
    if low <= 3:
        return 0
    for over in (_SENTENCE_END, _CLAUSE_END):
        if found := over.search(text, low - 1, place):
            return _past_blanks(text, found.end(), place)
    words = _WHOLE.finditer(text, max(0, low - _BEFORE), place)
    cut = next((word for word in words if word.start() < low < word.end()), None)
    if cut is not None and low - cut.start() <= _BEFORE // 2:
        return cut.start()
    return _past_blanks(text, cut.end() if cut is not None else low, place)


def _past_blanks(text: str, start: int, place: int) -> int:
    while start < place and text[start].isspace():
        start += 1
    return start


def _behind_number(text: str, start: int, place: int) -> int:
    """The same without the number of a list: below a list of hits it would pass for one of theirs."""
    found = _LIST_NUMBER.match(text, start)
    return found.end() if found is not None and found.end() <= place else start


def _cut(text: str, start: int) -> str:
    part = text[start : start + _SNIPPET].replace("\n", " ")
    return part + "…" if len(text) > start + _SNIPPET else part


def _places(text: str, words: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Where the words stand in a text as it is written; of those that overlap, the first and longest."""
    pieces = list(_pieces(text))
    folded = "".join(piece for piece, _ in pieces)
    origin = [place for piece, place in pieces for _ in piece]
    spans = sorted(
        (
            (origin[found.start()], origin[found.end() - 1] + 1)
            for word in words
            for found in re.finditer(re.escape(word), folded)
        ),
        key=lambda span: (span[0], -span[1]),
    )
    kept: list[tuple[int, int]] = []
    for span in spans:
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return tuple(kept)


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    """A text folded, piece by piece, each with the place of the character that it is of."""
    last, blank = "", -1
    for place, char in enumerate(text):
        if char.isspace():
            blank = place if blank < 0 else blank
            continue
        folded = "".join(unicodedata.normalize("NFKC", char).casefold().split())
        if not folded:
            continue
        if blank >= 0 and last and not (_is_wide(last) or _is_wide(folded[0])):
            yield " ", blank
        blank = -1
        yield folded, place
        last = folded[-1]


def _is_wide(char: str) -> bool:
    return "\u2e80" <= char <= "\ufaff" or "\U00020000" <= char <= "\U0003ffff"
