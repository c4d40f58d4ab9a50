"""The sample, changed in ways that leave its meaning alone, is read as before."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest

from dispatch.catalog import load_catalog
from tests.intake import perturb
from tests.intake.perturb import EXPECTED, SAMPLE, Change

PROFILE = next(profile for profile in load_catalog().bulletins if profile.key == "huoju")

ORDER = (perturb.body_reversed, perturb.contents_reversed, perturb.contents_dropped)
LEVELS = (perturb.same_levels, perturb.no_headings, perturb.bold_headings, perturb.all_headings, perturb.all_bold)
SIGNS = (perturb.wide_signs, perturb.narrow_signs, perturb.wide_digits)
BLANKS = (perturb.more_blanks, perturb.no_blanks, perturb.blank_everywhere, perturb.crlf)
CREDITS = (
    perturb.credits_apart,
    perturb.credits_inside,
    perturb.credits_spaced,
    perturb.credits_wide,
    perturb.credits_bare,
)
ENDS = (perturb.no_colophon, perturb.no_rule)
HEADS = (perturb.publisher_last, perturb.masthead_in_lines, perturb.chinese_numerals)
OTHERS = (
    perturb.page_furniture,
    perturb.titles_in_contents_differ,
    perturb.contents_with_pages,
    perturb.contents_without_brackets,
)
# In the order in which they may be combined: a later one does not need what an earlier one removes.
FAMILIES = (CREDITS, OTHERS, HEADS, ORDER, ENDS, SIGNS, LEVELS, BLANKS, (perturb.as_text,))
SINGLE = [(change,) for family in FAMILIES for change in family]
PAIRS = [
    pair
    for one, other in itertools.combinations(FAMILIES, 2)
    for pair in itertools.product(one, other)
    if not (pair[1] is perturb.contents_dropped and pair[0] is not perturb.page_furniture and pair[0] in OTHERS)
]


def expected(changes: tuple[Change, ...]) -> dict[str, Any]:
    wanted = copy.deepcopy(EXPECTED)
    if perturb.body_reversed in changes:
        wanted["columns"].reverse()
    return perturb.without_contents_names(wanted) if perturb.contents_dropped in changes else wanted


def check(changes: tuple[Change, ...]) -> None:
    source = SAMPLE
    for change in changes:
        source = change(source)
    text = perturb.as_text in changes
    found = (perturb.split_text if text else perturb.split_markdown)(source, PROFILE)
    assert perturb.folded(perturb.reading(found.issue)) == perturb.folded(expected(changes))


def name(changes: tuple[Change, ...]) -> str:
    return "+".join(change.__name__ for change in changes)


@pytest.mark.parametrize("changes", SINGLE, ids=name)
def test_one_change(changes: tuple[Change, ...]) -> None:
    assert changes[0](SAMPLE) != SAMPLE
    check(changes)


@pytest.mark.parametrize("changes", PAIRS, ids=name)
def test_two_changes(changes: tuple[Change, ...]) -> None:
    check(changes)


@pytest.mark.parametrize(
    "changes",
    [
        (*both, levels, end)
        for both in (
            (perturb.contents_reversed, perturb.body_reversed),
            (perturb.contents_dropped, perturb.body_reversed),
        )
        for levels in LEVELS
        for end in (perturb.crlf, perturb.as_text)
    ],
    ids=name,
)
def test_many_changes(changes: tuple[Change, ...]) -> None:
    check(changes)


@pytest.mark.parametrize("changes", [*SINGLE], ids=name)
def test_without_a_profile(changes: tuple[Change, ...]) -> None:
    """By general means only: the contents list and the credits suffice."""
    source = changes[0](SAMPLE)
    text = perturb.as_text in changes
    found = (perturb.split_text if text else perturb.split_markdown)(source)
    assert perturb.folded(perturb.reading(found.issue)) == perturb.folded(expected(changes))
