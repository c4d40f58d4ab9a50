"""Buttons in rows, and lists of which a page is shown at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from unicodedata import east_asian_width

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

PAGE = 8
"""Entries of a list that are shown at a time."""

_LONGEST = 60  # characters on a button
_BESIDE = 18  # half-width characters of a button that has another one beside it

Item = TypeVar("Item")
Data = CallbackData | str
"""What a press of a button says, packed or not."""


def button(words: str, data: Data) -> InlineKeyboardButton:
    packed = data if isinstance(data, str) else data.pack()
    return InlineKeyboardButton(text=words[:_LONGEST] or "…", callback_data=packed)


def keyboard(rows: Sequence[Sequence[InlineKeyboardButton]]) -> InlineKeyboardMarkup:
    """The rows that have buttons."""
    return InlineKeyboardMarkup(inline_keyboard=[list(row) for row in rows if row])


def pages_of(count: int, page: int, length: int = PAGE) -> tuple[int, int]:
    """Which page (from 0) is meant, the nearest one where there is none of this number, and how many there are."""
    pages = max(1, -(-count // length))
    return max(0, min(page, pages - 1)), pages


def page_of(items: Sequence[Item], page: int, length: int = PAGE) -> tuple[Sequence[Item], int, int]:
    """The entries of a page, and as `pages_of` which one it is and how many there are."""
    page, pages = pages_of(len(items), page, length)
    return items[page * length : (page + 1) * length], page, pages


def pager(page: int, pages: int, data: Callable[[int], Data]) -> list[InlineKeyboardButton]:
    """The buttons that lead to the pages before and after; nothing where there is one page."""
    before = [button(f"‹ {page}/{pages}", data(page - 1))] if page else []
    after = [button(f"{page + 2}/{pages} ›", data(page + 1))] if page + 1 < pages else []
    return before + after


def in_rows(buttons: Sequence[InlineKeyboardButton]) -> list[list[InlineKeyboardButton]]:
    """In their order, two in a row where the words of both are short enough."""
    rows: list[list[InlineKeyboardButton]] = []
    for found in buttons:
        if rows and len(rows[-1]) == 1 and _is_short(rows[-1][0]) and _is_short(found):
            rows[-1].append(found)
        else:
            rows.append([found])
    return rows


def _is_short(found: InlineKeyboardButton) -> bool:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in found.text) <= _BESIDE


def in_rows_of(length: int, buttons: Sequence[InlineKeyboardButton]) -> list[list[InlineKeyboardButton]]:
    """In their order, so many in a row."""
    return [list(buttons[place : place + length]) for place in range(0, len(buttons), length)]
