"""How one content of an issue differs from another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatch.differences import compare
from dispatch.model import Article, Block, BlockKind, Column, Issue

RED = ("红色园区发展", "红色园区上半年实现产值12.5亿元。园区企业共一百家。")
BLUE = ("蓝色园区创新", "一批孵化器在当地落成，服务初创团队。")
GREEN = ("绿色转型经验", "节能改造完成，排放下降三成。")


def issue(**columns: list[tuple[str, str]]) -> Issue:
    made = tuple(
        Column(name, name, tuple(Article(title, "", (Block(BlockKind.PARAGRAPH, text),)) for title, text in articles))
        for name, articles in columns.items()
    )
    return Issue("huoju", "火炬动态", "中心", 2022, 5, 534, None, made)


def words(old: Issue, new: Issue) -> dict[str, tuple[str, ...]]:
    return {change.title: change.words for change in compare(old, new).changes}


def test_the_same_has_no_difference() -> None:
    found = compare(issue(一=[RED, BLUE]), issue(一=[RED, BLUE]))
    assert (found.changes, found.column_changes, found.head, found.visible) == ([], [], (), False)


def test_added_removed_renamed_and_moved() -> None:
    old = issue(一=[RED, BLUE], 二=[GREEN])
    new = issue(一=[("红色园区发展纪实", RED[1]), GREEN], 二=[("全新报道", "别处另有消息传来。")])
    assert words(old, new) == {
        "红色园区发展纪实": ("renamed", "changed"),
        GREEN[0]: ("moved",),
        "全新报道": ("added",),
        BLUE[0]: ("removed",),
    }


def test_another_order_within_a_column_moves_the_fewest() -> None:
    assert words(issue(一=[RED, BLUE, GREEN]), issue(一=[BLUE, GREEN, RED])) == {RED[0]: ("moved",)}


def test_columns_are_renamed_by_what_stands_in_them() -> None:
    found = compare(issue(一=[RED], 二=[BLUE]), issue(甲=[RED], 二=[BLUE], 三=[GREEN]))
    assert found.column_changes == [("renamed", "一", "甲"), ("added", "", "三")]
    assert found.visible


def test_the_masthead() -> None:
    old = issue(一=[RED])
    found = compare(old, replace(old, publisher="新中心"))
    assert found.head == (("publisher", "中心", "新中心"),)
    assert found.visible


def test_changed_sentences_with_the_changed_figure_marked() -> None:
    new = RED[1].replace("12.5", "125")
    [change] = compare(issue(一=[RED]), issue(一=[(RED[0], new)])).changes
    assert change.words == ("changed",)
    assert [(line.sign, line.marked) for line in change.lines] == [
        ("-", "红色园区上半年实现产值[-12.5-]亿元。"),
        ("+", "红色园区上半年实现产值{+125+}亿元。"),
    ]


@pytest.mark.parametrize(
    "text",
    [RED[1].replace("。", "．"), RED[1].replace("产值", "产值 "), RED[1].replace("12.5", "１２．５")],
    ids=["punctuation", "space", "width"],
)
def test_what_only_sets_the_text_is_no_other_text(text: str) -> None:
    found = compare(issue(一=[RED]), issue(一=[(RED[0], text)]))
    assert [change.words for change in found.changes] == [("typography",)]
    assert not found.visible


@pytest.mark.parametrize("text", [RED[1].replace("12.5", "125"), RED[1].replace("12.5", "-12.5")])
def test_what_figures_mean_is_other_text(text: str) -> None:
    assert compare(issue(一=[RED]), issue(一=[(RED[0], text)])).visible


def test_a_very_long_text_is_compared_in_bounds() -> None:
    old = "".join(f"第{n}句话。" for n in range(3_000))
    [change] = compare(issue(一=[("长文", old)]), issue(一=[("长文", old.replace("第1句话", "头一句话"))])).changes
    assert change.words == ("changed",)
    assert any("头一句话" in line.text for line in change.lines)


def test_a_column_is_renamed_by_the_likeness_of_its_name_and_only_once() -> None:
    found = compare(issue(园区发展=[RED], 园区发展动态=[BLUE]), issue(园区发展观察=[GREEN]))
    assert found.column_changes == [("renamed", "园区发展", "园区发展观察"), ("removed", "园区发展动态", "")]
