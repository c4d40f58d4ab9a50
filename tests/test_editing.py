"""An issue as text, changed by hand and read back."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.assets import config_dir
from dispatch.catalog import load_catalog
from dispatch.editing import EditError, edited, text_of
from dispatch.intake.readers import read
from dispatch.intake.splitter import split
from dispatch.intake.tagger import Tagger
from dispatch.model import Issue, Role

CATALOG = load_catalog()


def _sample() -> Issue:
    issue = split(read(config_dir() / "samples" / "huoju-2022-05.md"), CATALOG.bulletins, "x.md").issue
    tagger = Tagger(CATALOG)
    return replace(
        issue,
        columns=tuple(replace(column, articles=tuple(map(tagger.tag, column.articles))) for column in issue.columns),
    )


ISSUE = _sample()
TEXT = text_of(ISSUE, CATALOG)
NOTES, _, BODY = TEXT.partition("\n\n")


def _field(number: int, name: str, value: str) -> str:
    """The text with another value of a field of an article."""
    pattern = rf"(?ms)(^{number}\..*?^   {name}:)[^\n]*"
    assert re.search(pattern, TEXT)
    return re.sub(pattern, lambda found: f"{found[1]} {value}", TEXT, count=1)


def test_a_text_that_is_not_changed_is_the_same_issue() -> None:
    assert edited(ISSUE, TEXT, CATALOG) == ISSUE


def test_titles_credits_and_tags_are_changed_and_the_rest_stays() -> None:
    text = _field(2, "credit", "南昌市科技局").replace("1. 邵新宇", "1. 某某")
    text = text.replace("== 火炬在行动", "== 火炬行动")
    found = edited(ISSUE, text, CATALOG)
    assert found.columns[0].name == "火炬行动"
    first, second = found.columns[0].articles[:2]
    assert first.title.startswith("某某在")
    assert second.credit == "南昌市科技局"
    assert first.blocks == ISSUE.columns[0].articles[0].blocks
    assert found.columns[1:] == ISSUE.columns[1:]


def test_tags_that_stay_keep_their_evidence_and_new_ones_have_none() -> None:
    articles = [article for column in ISSUE.columns for article in column.articles]
    number = next(n for n, article in enumerate(articles, 1) if article.parks and article.parks[0].role is Role.SUBJECT)
    own = articles[number - 1].parks[0]
    other = "贵阳高新区" if own.name != "贵阳高新区" else "昆明高新区"
    found = edited(ISSUE, _field(number, "about", f"{own.name}，{other}"), CATALOG)
    parks = [article for column in found.columns for article in column.articles][number - 1].parks
    assert parks[0] == own
    assert (parks[1].name, parks[1].role, parks[1].evidence) == (other, Role.SUBJECT, ())


def test_an_article_moves_with_its_lines() -> None:
    head, *columns = re.split(r"(?m)(?=^== )", TEXT)
    first, rest = re.split(r"(?m)(?=^2\.)", columns[0], maxsplit=1)
    name, article = first.split("\n", 1)
    moved = "".join([head, f"{name}\n", rest, columns[1], article, *columns[2:]])
    found = edited(ISSUE, moved, CATALOG)
    assert found.columns[1].articles[-1] == ISSUE.columns[0].articles[0]
    assert found.columns[0].articles == ISSUE.columns[0].articles[1:]


def test_a_column_that_stood_twice_may_do_so_still() -> None:
    first, second, *rest = ISSUE.columns
    twice = replace(ISSUE, columns=(first, replace(second, name=first.name, contents_name="x="), *rest))
    assert edited(twice, text_of(twice, CATALOG), CATALOG) == twice
    odd = replace(ISSUE, columns=(replace(first, name="甲="), second, *rest))
    assert edited(odd, text_of(odd, CATALOG), CATALOG) == odd


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("== 火炬在行动", "", "before the first column"),
        ("== 火炬在行动", "==", "no name"),
        ("== 园区发展", "== 火炬在行动", "already"),
        ("1. ", "2. ", "already"),
        ("1. ", "99. ", "there is no article 99"),
        ("1. ", "", "neither"),
        ("   topics:", "   topic:", "neither"),
        ("   mentions:", "   about:", "stands twice"),
        ("   about:", "   about: 没有这个高新区,", "not known; see: dispatch catalog parks"),
        ("   topics:", "   topics: nothing-of-the-kind,", "not known; see: dispatch catalog topics"),
        ("   about:", "   about: 贵阳高新区, 贵阳高新区,", "named twice"),
        ("1. ", "1. " + "长" * 501, "longer than 500"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_taken(old: str, new: str, why: str) -> None:
    with pytest.raises(EditError, match=why) as caught:
        edited(ISSUE, f"{NOTES}\n{BODY.replace(old, new, 1)}", CATALOG)
    assert re.match(r"line \d+: ", str(caught.value))
    assert "nothing was changed" in str(caught.value)


def test_an_article_that_is_missing_is_named() -> None:
    without = re.sub(r"(?ms)^2\..*?(?=^3\.)", "", TEXT)
    with pytest.raises(EditError, match="no article 2:"):
        edited(ISSUE, without, CATALOG)


@given(st.text(st.sampled_from("=1.2:#\n creditabout南昌高新区,、 \u202e"), max_size=200), st.integers(0, len(TEXT)))
def test_whatever_is_written_is_taken_or_refused(junk: str, place: int) -> None:
    try:
        found = edited(ISSUE, TEXT[:place] + junk + TEXT[place:], CATALOG)
    except EditError:
        return
    assert sum(len(column.articles) for column in found.columns) == 11
