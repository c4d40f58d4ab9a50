"""Running heads and feet: what comes again at the same height on other pages, but for the numbers in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from dispatch.intake.readers.pdf_rows import Row, Sheet

_MARGIN = 0.13  # of a page's height, above and below
_NEAR = 4.0  # points by which the same head may stand higher or lower
_LONGEST = 100
_LEAST_PAGES = 2
_SHARE = 0.2  # of the pages of a document: heads may change with the page's side and with the chapter
_DIGITS = re.compile(r"\d+|(?<![a-z])[ivxlc]+(?![a-z])", re.IGNORECASE)
_NUMBER_ALONE = re.compile(r"[-–—―─·•~\s|/第页共]*\d{1,4}[-–—―─·•~\s|/第页共]*(?:\d{1,4}[-–—―─·•~\s|页]*)?")
_SAYS_NUMBER = re.compile(
    r"第\s*[\d〇零一二三四五六七八九十百]+\s*[期号辑]|总\s*第?\s*\d+|\bNo\s*[.．]\s*\d", re.IGNORECASE
)


def without_furniture(sheets: Sequence[Sheet]) -> list[Sheet]:
    """The pages without running heads, feet and page numbers.

    A head on the first page stays where it alone gives the number of the issue.
    """
    pages: Counter[tuple[str, int]] = Counter()
    for sheet in sheets:
        pages.update({key for row in sheet.rows if (key := _key(row, sheet))})
    least = max(_LEAST_PAGES, _SHARE * len(sheets))
    return [_without(sheet, pages, least, first=index == 0) for index, sheet in enumerate(sheets)]


def _without(sheet: Sheet, pages: Counter[tuple[str, int]], least: float, *, first: bool) -> Sheet:
    left_out = [_is_furniture(row, sheet, pages, least) for row in sheet.rows]
    kept = tuple(row for row, out in zip(sheet.rows, left_out, strict=True) if not out)
    if first and not any(_SAYS_NUMBER.search(row.text) for row in kept):
        kept = tuple(
            row
            for row, out in zip(sheet.rows, left_out, strict=True)
            if not out or (len(row.text) <= _LONGEST and _SAYS_NUMBER.search(row.text))
        )
    return replace(sheet, rows=kept)


def _is_furniture(row: Row, sheet: Sheet, pages: Counter[tuple[str, int]], least: float) -> bool:
    key = _key(row, sheet)
    if key is None:
        return False
    text, place = key
    if _NUMBER_ALONE.fullmatch(row.text):
        return True
    return any(pages[text, near] >= least for near in (place - 1, place, place + 1))


def _key(row: Row, sheet: Sheet) -> tuple[str, int] | None:
    """What a row near the edge of a page says, numbers left out, and its height; None for one in the text."""
    depth = row.base / sheet.height if sheet.height else 0.5
    if _MARGIN < depth < 1 - _MARGIN or len(row.text) > _LONGEST:
        return None
    text = _DIGITS.sub("#", "".join(row.text.split()))
    return text, round((row.base if depth < 0.5 else sheet.height - row.base) / _NEAR)
