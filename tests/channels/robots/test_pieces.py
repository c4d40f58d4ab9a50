"""Texts are cut where a reader would cut them, and parts that belong together stay together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dispatch.channels.robots.pieces import messages, pieces, units, within


def test_a_text_is_cut_between_lines_then_behind_sentences() -> None:
    assert pieces("第一行\n第二行\n第三行", 8) == ["第一行\n第二行", "第三行"]
    assert pieces("一二三。四五六。七八九。", 9) == ["一二三。四五六。", "七八九。"]
    assert pieces("一二三四五六", 4) == ["一二三四", "五六"]


def test_a_crumb_is_not_cut_off() -> None:
    assert pieces("题\n一二三四五六七八九", 8) == ["题\n一二三四五六", "七八九"]


def test_no_escape_is_cut_in_two() -> None:
    assert pieces("一二三&amp;四", 5) == ["一二三", "&amp;", "四"]
    assert pieces(r"一二三\*四", 4) == ["一二三", r"\*四"]
    assert within(r"一二三\*四", 5) == "一二三…"


def test_characters_beyond_the_basic_plane_count_twice() -> None:
    assert units("a😀") == 3
    assert pieces("😀😀😀", 4) == ["😀😀", "😀"]


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=200), limit=st.integers(6, 50))
def test_nothing_is_lost_and_nothing_is_too_long(text: str, limit: int) -> None:
    found = pieces(text, limit)
    assert all(units(piece) <= limit for piece in found)
    assert "".join(found).replace("\n", "") == text.replace("\n", "")


def test_a_message_does_not_end_with_a_heading() -> None:
    parts = ["A", "a", "b", "B", "c"]
    assert messages(parts, lambda some: len(some) <= 4, str.isupper) == [["A", "a", "b"], ["B", "c"]]


def test_headings_alone_and_parts_that_fit_nowhere_end_all_the_same() -> None:
    assert messages(["A", "B", "C"], lambda some: len(some) <= 1, str.isupper) == [["A"], ["B"], ["C"]]
    assert messages(["long", "x"], lambda some: sum(map(len, some)) <= 2, str.isupper) == [["long"], ["x"]]
    assert messages([], lambda some: True, str.isupper) == []
