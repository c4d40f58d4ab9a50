"""Bulletins and issues by the names that readers know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dispatch.bot.voice import Voice
    from dispatch.catalog import Catalog


def bulletin_name(say: Voice, catalog: Catalog, bulletin: str, title: str) -> str:
    """A bulletin in the reader's language, as far as it has a name there; else by its `title`."""
    found = catalog.bulletin(bulletin)
    return found.name_en if say.language == "en" and found is not None and found.name_en else title


def number_line(say: Voice, issue: Mapping[str, object]) -> str:
    """Which issue it is of its bulletin, plain: from its `year`, `number`, `total` and `ref`."""
    year, number, total = issue["year"], issue["number"], issue["total"]
    if number and total:
        return say.plain("{year}年第{number}期（总第{total}期）", year=year, number=number, total=total)
    if number:
        return say.plain("{year}年第{number}期", year=year, number=number)
    return say.plain("总第{total}期", total=total) if total else str(issue["ref"])
