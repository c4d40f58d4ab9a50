"""Which of the articles that readers follow they get, by their words: only with one of these, never with one of those.

A digest's texts are read and folded where somebody on the page has words, and once for many pages: what is remembered
goes by the texts themselves, so it can neither be another store's nor out of date.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from operator import or_
from typing import NamedTuple

from dispatch.codec import read_block
from dispatch.delivery.ledger import SQL
from dispatch.reader_words import fold
from subscribers.database import Database

_DIGESTS = 64  # whose folded texts are remembered
_WORDS = 2_000  # whose places in a digest are remembered
_NONE = 0


class _Words(NamedTuple):
    """What a reader has chosen, folded."""

    only: tuple[str, ...]
    never: tuple[str, ...]


class _Texts:
    """The articles of a digest as they are looked through, by their bits."""

    def __init__(self, articles: Iterable[tuple[int, str]]) -> None:
        self._articles = tuple(articles)
        self._holding: dict[str, int] = {}

    def holding(self, word: str) -> int:
        """The articles that hold a word, as a sum of their bits."""
        found = self._holding.get(word)
        if found is None:
            if len(self._holding) >= _WORDS:
                self._holding.clear()
            found = self._holding[word] = sum(bit for bit, text in self._articles if word in text)
        return found

    def with_any(self, words: Iterable[str]) -> int:
        return reduce(or_, map(self.holding, words), _NONE)


@dataclass(slots=True)
class Chosen:
    """The words of the endpoints of a page, and the texts of its digests."""

    _words: dict[int, _Words]
    _texts: dict[int, _Texts] = field(default_factory=dict)

    @classmethod
    def load(cls, db: Database, endpoints: Collection[int]) -> Chosen:
        """The words of these endpoints."""
        only: defaultdict[int, list[str]] = defaultdict(list)
        never: defaultdict[int, list[str]] = defaultdict(list)
        for endpoint, folded, excluded in db.page(SQL["claimed_words"], {"ids": list(endpoints)}):
            (never if excluded else only)[endpoint].append(folded)
        return cls({id_: _Words(tuple(only[id_]), tuple(never[id_])) for id_ in {*only, *never}})

    def read(self, db: Database, digests: Collection[int]) -> None:
        """Read what the words are looked for in; nothing where nobody has any."""
        if not self._words or not digests:
            return
        rows: defaultdict[int, list[tuple[int, str, str, str]]] = defaultdict(list)
        for digest, bit, title, credit, blocks in db.rows(SQL["digests_texts"], {"ids": list(digests)}):
            rows[digest].append((bit, title, credit, blocks))
        self._texts = {digest: _folded(tuple(articles)) for digest, articles in rows.items()}

    def of(self, endpoint: int, digest: int, articles: int) -> int:
        """Those of some articles of a digest (bits) that an endpoint gets."""
        words = self._words.get(endpoint)
        texts = self._texts.get(digest) if words is not None else None
        if words is None or texts is None:
            return articles
        wanted = texts.with_any(words.only) if words.only else articles
        return articles & wanted & ~texts.with_any(words.never)

    def without_excluded(self, endpoint: int, digest: int, articles: int) -> int:
        """The same, whatever an article must hold."""
        words, texts = self._words.get(endpoint), self._texts.get(digest)
        return articles if words is None or texts is None else articles & ~texts.with_any(words.never)

    def excluded_beside(self, endpoint: int, digest: int, articles: int) -> int:
        """The articles of a digest that hold a word an endpoint wants none with, but for `articles`."""
        words, texts = self._words.get(endpoint), self._texts.get(digest)
        return _NONE if words is None or texts is None else texts.with_any(words.never) & ~articles


@lru_cache(maxsize=_DIGESTS)
def _folded(articles: tuple[tuple[int, str, str, str], ...]) -> _Texts:
    """By the bit, title, credit and blocks (JSON) of each article."""
    return _Texts((bit, _text(title, credit, blocks)) for bit, title, credit, blocks in articles)


def _text(title: str, credit: str, blocks: str) -> str:
    """All that is read of an article; no word goes over the end of a paragraph."""
    return "\n".join(map(fold, [title, *(read_block(block).text for block in json.loads(blocks)), credit]))
