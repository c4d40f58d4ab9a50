"""What a page end leaves in the text goes, and the paragraph over it is whole; what only looks like it stays."""

from __future__ import annotations

import pytest

from dispatch.catalog import Bulletin, load_catalog
from dispatch.intake.furniture import without_page_numbers, without_running_heads
from dispatch.intake.line import Line
from dispatch.intake.masthead import find_masthead
from dispatch.intake.readers import html
from dispatch.intake.splitter import split
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


@pytest.mark.parametrize("text", [number for number in _NUMBERS if not number.isdigit()])
def test_page_numbers_go(text: str) -> None:
    assert without_page_numbers([Line("甲", 1), Line(text, 2), Line("乙", 3)]) == [
        Line("甲", 1),
        Line("乙", 3, gap=True),
    ]


@pytest.mark.parametrize("text", ["2022", "第3期", "3月15日", "3.5", "-3%", "一", "第3页说明", "5G", "12项"])
def test_other_numbers_stay(text: str) -> None:
    assert without_page_numbers([Line(text, 1)]) == [Line(text, 1)]


@pytest.mark.parametrize(
    "text", ["字体：【大 中小】 浏览次数: 1024", "字号:大 中 小", "浏览次数:12 打印本页 关闭窗口", "【打印】【关闭】"]
)
def test_what_a_site_offers_its_readers_goes(text: str) -> None:
    assert without_page_numbers([Line(text, 1)]) == []


@pytest.mark.parametrize("text", ["字体设计大赛开幕", "浏览次数破万的科普视频", "分享经济发展报告", "关闭落后产能"])
def test_titles_that_begin_likewise_stay(text: str) -> None:
    assert without_page_numbers([Line(text, 1)]) == [Line(text, 1)]


_HALF = "会议由市科技局主持,各县区科技局的负责同志参加了会议,会上交流了今年以来的工作情况"


def _lines(*texts: str, pages: tuple[int, ...] = ()) -> list[Line]:
    return [Line(text, at + 1, gap=True, page=pages[at] if pages else 0) for at, text in enumerate(texts)]


def _left(lines: list[Line]) -> list[str]:
    return [line.text for line in without_page_numbers(lines)]


@pytest.mark.parametrize(
    "texts",
    [
        ("收入", "10", "亿元。"),
        (_HALF, "3", "和打算。"),  # one number is no series
        ("指标", "7", "数值", "3"),
        (_HALF, "9", "和打算。", _HALF, "4", "和打算。"),  # pages do not go back
        ("收入", "1", "支出", "2", "结余", "3"),
    ],
)
def test_a_lone_number_stays_where_the_source_has_no_pages(texts: tuple[str, ...]) -> None:
    assert _left(_lines(*texts)) == list(texts)


def test_bare_page_numbers_go_where_they_rise_and_stand_inside_sentences() -> None:
    texts = (_HALF, "3", "和打算。", "会议结束。", "4", "新闻两则", _HALF, "5", "和打算。")
    assert _left(_lines(*texts)) == [text for text in texts if not text.isdigit()]


def test_a_bare_number_at_the_edge_of_a_page_goes() -> None:
    texts = ("一段话。", "收入", "10", "亿元。", "另一段话。", "3", "市科技简报", "第三段话。", "末段。")
    assert _left(_lines(*texts, pages=(1, 1, 1, 1, 1, 1, 2, 2, 2))) == [text for text in texts if text != "3"]


def test_numbers_of_a_page_on_the_web_stay() -> None:
    head = "<h1>滨海创新简报</h1><p>2024年第4期(总第28期)</p><h2>要闻速递</h2><h3>统计公报</h3>"
    source = head + "<p>收入</p><p>10</p><p>亿元。</p>"
    lines = html.document(source.encode(), "issue.html").lines
    (column,) = split(lines, (), "issue.html").issue.columns
    assert "10" in "".join(block.text for block in column.articles[0].blocks)


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
