"""Lists in keyboards, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from unicodedata import east_asian_width

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

PAGE = 10
"""Entries of a list that are shown at a time."""

_BESIDE = 18  # half-width characters of a button that has another one beside it

Item = TypeVar("Item")


def button(words: str, data: str) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=words, callback_data=data)


def keyboard(rows: Sequence[Sequence[InlineKeyboardButton]]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[list(row) for row in rows if row])


def page_of(items: Sequence[Item], page: int, length: int = PAGE) -> tuple[Sequence[Item], int, int]:
    """The entries of a page (from 0), which one it is and how many there are; the nearest one where there is none of
    this number."""
    pages = max(1, -(-len(items) // length))
    page = max(0, min(page, pages - 1))
    return items[page * length : (page + 1) * length], page, pages


def pager(page: int, pages: int, data: Callable[[int], str]) -> list[InlineKeyboardButton]:
    """The buttons that lead to the pages before and after; nothing where there is one page."""
    if pages < 2:
        return []
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
