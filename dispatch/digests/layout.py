"""The blocks of an article as the parts that a template sets: items of a list together, tables by their cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from dispatch.digests.segments import Run, runs
from dispatch.digests.tables import Table, table_of
from dispatch.model import Block, BlockKind

DEEPEST = 4
"""Lists around an item's own that are shown; items that are deeper stand there too."""

# What an item begins with that keeps its number: 1. 1.2 (1) （一） 一、 A. ① 第一条. A decimal number is none.
_NUMBERED = re.compile(
    r"[(（\[]?(?:\d{1,3}(?:[.．]\d{1,3})*|[一二三四五六七八九十百]{1,4}|[ivxIVX]{1,5})[)）\].．、](?!\d)"
    r"|[(（]?[A-Za-z][)）.．、](?![0-9A-Za-z])"
    r"|\d{1,3}(?:\.\d{1,3})+\s"
    r"|[①-⒛㈠-㈩]"
    r"|第[一二三四五六七八九十百\d]{1,4}[条章节款项点]"
)


@dataclass(frozen=True, slots=True)
class Item:
    """An item with the lists within it. `level` counts the lists around its own that are shown."""

    runs: tuple[Run, ...]
    level: int
    lists: tuple[ItemList, ...]


@dataclass(frozen=True, slots=True)
class ItemList:
    """Items of one list that stand together: all of them keep a number, or none does and they want a bullet."""

    numbered: bool
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """`kind` is heading, paragraph, note, list or table. A list has `lists`, a table its `table`, the others `runs`."""

    kind: str
    runs: tuple[Run, ...] = ()
    lists: tuple[ItemList, ...] = ()
    table: Table | None = None


def arranged(blocks: Sequence[Block]) -> tuple[Piece, ...]:
    """The pieces of an article's blocks, in their order."""
    return tuple(_pieces(blocks))


def _pieces(blocks: Sequence[Block]) -> Iterator[Piece]:
    for is_list, same in groupby(blocks, key=lambda block: block.kind is BlockKind.ITEM):
        if is_list:
            yield Piece("list", lists=_lists(_levels(tuple(same)), 0))
        else:
            yield from map(_piece, same)


def _piece(block: Block) -> Piece:
    if block.kind is BlockKind.TABLE:
        return Piece("table", table=table_of(block))
    return Piece(block.kind.value, runs(block))


def _levels(items: Sequence[Block]) -> tuple[tuple[int, Block], ...]:
    """Each item with its level: no level is left out, whatever depths the items say."""
    found = []
    around: list[int] = []
    for item in items:
        while around and around[-1] > item.depth:
            around.pop()
        if not around or around[-1] < item.depth:
            around.append(item.depth)
        found.append((min(len(around) - 1, DEEPEST), item))
    return tuple(found)


def _lists(items: Sequence[tuple[int, Block]], level: int) -> tuple[ItemList, ...]:
    heads = [place for place, (own, _) in enumerate(items) if own <= level]
    made = (
        (_is_numbered(items[start][1]), Item(runs(items[start][1]), level, _lists(items[start + 1 : end], level + 1)))
        for start, end in pairwise([*heads, len(items)])
    )
    grouped = groupby(made, key=lambda pair: pair[0])
    return tuple(ItemList(numbered, tuple(item for _, item in same)) for numbered, same in grouped)


def _is_numbered(item: Block) -> bool:
    return _NUMBERED.match(item.text.lstrip()) is not None
