"""What a page end leaves in the text goes, and the paragraph over it is whole; what only looks like it stays."""

from __future__ import annotations

import pytest

from dispatch.catalog import Bulletin, load_catalog
from dispatch.intake.furniture import without_page_numbers, without_running_heads
from dispatch.intake.line import Line
from dispatch.intake.masthead import find_masthead
from tests.intake import perturb

_HEAD = [Line("火炬动态", 1), Line("科技部火炬高技术产业开发中心", 2), Line("2022年第5期(总第534期) 2022年3月15日", 3)]
_NUMBERS = ("- 3 -", "3", "第 3 页", "第3页 共12页", "第3页,共12页", "3/12", "— 3 —", "· 12 ·")
_HEADS = (
    "火炬动态",
    "火 炬 动 态",
    "《火炬动态》",
    "火炬动态 3",
    "3 | 火炬动态",
    "火炬动态 2022年第5期",
    "2022年第5期 火炬动态 第3页",
    "火炬动态(总第534期)",
    "火炬动态 2022年3月15日",
    "2022年第5期",
    "第五期(总第五百三十四期)",
    "2022年第5期 - 3 -",
    "2022-03-15",
)
_TEXT = ("第1期", "2022年", "2022年第4期", "2021年3月15日", "第3", "火炬动态改版", "第3页说明", "1", "2022年第5期要目")


def _kept(text: str, profiles: tuple[Bulletin, ...]) -> bool:
    masthead = find_masthead(_HEAD, profiles)
    assert masthead
    return bool(without_running_heads([Line(text, 9)], masthead))


@pytest.mark.parametrize("text", _NUMBERS)
def test_page_numbers_go(text: str) -> None:
    assert without_page_numbers([Line("甲", 1), Line(text, 2), Line("乙", 3)]) == [
        Line("甲", 1),
        Line("乙", 3, gap=True),
    ]


@pytest.mark.parametrize("text", ["2022", "第3期", "3月15日", "3.5", "-3%", "一", "第3页说明", "5G", "12项"])
def test_other_numbers_stay(text: str) -> None:
    assert without_page_numbers([Line(text, 1)]) == [Line(text, 1)]


@pytest.mark.parametrize("profiles", [load_catalog().bulletins, ()])
def test_running_heads_are_told_from_text(profiles: tuple[Bulletin, ...]) -> None:
    assert [text for text in _HEADS if _kept(text, profiles)] == []
    assert [text for text in _TEXT if not _kept(text, profiles)] == []


@pytest.mark.parametrize("blank", ["\n", ""], ids=["blank lines", "none"])
@pytest.mark.parametrize("furniture", [*_NUMBERS, *_HEADS, "## 火炬动态", "- 3 -\n火炬动态 2022年第5期\n第 4 页"])
def test_a_paragraph_over_a_page_end_is_whole(furniture: str, blank: str) -> None:
    source = perturb.at_page_ends(perturb.SAMPLE, furniture, blank)
    assert perturb.reading(perturb.split_markdown(source).issue) == perturb.EXPECTED


def test_a_page_end_may_stand_between_articles_and_columns() -> None:
    source = perturb.SAMPLE.replace("\n## 创业孵化", "\n- 7 -\n\n火炬动态 2022年第5期\n\n## 创业孵化")
    assert perturb.reading(perturb.split_markdown(source).issue) == perturb.EXPECTED


@pytest.mark.parametrize("every", [11, 20])
def test_a_wrapped_text_in_pages(every: int) -> None:
    """A page end after every so many rows of the text, without empty lines."""
    head, body = perturb.as_text(perturb.SAMPLE).split("\n火炬在行动\n")
    found: list[str] = []
    for row in ("火炬在行动\n" + body.replace("5G+ ", "5G+")).split("\n"):
        found += [row[at : at + 40] for at in range(0, max(1, len(row)), 40)]
    for at in range(len(found) - every, 0, -every):
        if len(found[at - 1]) == 40 and found[at]:
            found[at:at] = ["- 3 -", "火炬动态 2022年第5期"]
    issue = perturb.split_text(head + "\n" + "\n".join(found)).issue
    titles = [[article["title"] for article in column["articles"]] for column in perturb.EXPECTED["columns"]]
    assert [[article.title for article in column.articles] for column in issue.columns] == titles
    texts = "".join(block.text for column in issue.columns for article in column.articles for block in article.blocks)
    assert "- 3" not in texts
    assert "火炬动态" not in texts
