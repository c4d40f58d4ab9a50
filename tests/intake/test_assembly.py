"""Kinds of lines, tables that lay out, texts that go on elsewhere, names that pages repeat: the articles stay right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from dispatch.intake.furniture import without_repeated_heads
from dispatch.intake.jumps import joined
from dispatch.intake.layout import laid_out
from dispatch.intake.line import Line, LineKind, table_text
from dispatch.intake.readers import markdown
from dispatch.intake.splitter import Split, split

ISSUE = """# 滨城简报

第5期 2024年6月18日

滨城市科学技术协会

## 要闻

### 新馆今天正式开放

新馆今天开放,有三层展厅。

(供稿:文化馆)

### 旧馆改作儿童乐园

旧馆昨天关闭,将改作乐园。

(供稿:儿童中心)

## 服务

### 夜间门诊开到十点

从七月起,夜间门诊开到十点。

(供稿:卫生局)
"""
OUTLINE = {"要闻": ["新馆今天正式开放", "旧馆改作儿童乐园"], "服务": ["夜间门诊开到十点"]}


def lines_of(source: str = ISSUE) -> list[Line]:
    return list(markdown.lines(source))


def table(*rows: tuple[str, ...]) -> Line:
    return Line(table_text(rows), 1, kind=LineKind.TABLE, rows=rows, gap=True)


def behind(lines: Sequence[Line], words: str, *more: Line) -> list[Line]:
    at = next(index for index, line in enumerate(lines) if words in line.text)
    return [*lines[: at + 1], *more, *lines[at + 1 :]]


def outline(found: Split) -> dict[str, list[str]]:
    return {column.name: [article.title for article in column.articles] for column in found.issue.columns}


def texts(found: Split) -> list[list[str]]:
    columns = found.issue.columns
    return [[block.text for block in article.blocks] for column in columns for article in column.articles]


# Tables and footnotes


@pytest.mark.parametrize("place", ["新馆今天正式开放", "三层展厅", "(供稿:儿童中心)"])
def test_a_table_is_no_title_wherever_it_stands(place: str) -> None:
    rows = (("项目", "数"), ("展厅", "3"))
    found = split(behind(lines_of(), place, table(*rows)), (), "x")
    assert outline(found) == OUTLINE
    kept = [block.rows for column in found.issue.columns for article in column.articles for block in article.blocks]
    assert rows in kept or any("left out" in warning for warning in found.warnings)


@pytest.mark.parametrize("place", ["三层展厅", "(供稿:文化馆)"])
def test_a_footnote_is_of_the_article_it_stands_in(place: str) -> None:
    found = split(behind(lines_of(), place, Line("① 数据截至六月。", 2, kind=LineKind.NOTE)), (), "x")
    assert outline(found) == OUTLINE
    assert [article[-1] for article in texts(found)].index("① 数据截至六月。") == 0
    assert found.issue.columns[0].articles[0].credit == "文化馆"


def test_footnotes_behind_all_are_the_last_articles() -> None:
    end = "\n---\n\n滨城市科学技术协会\n\n地址:东港路18号\n"
    found = split([*lines_of(ISSUE + end), Line("① 数据截至六月。", 99, kind=LineKind.NOTE)], (), "x")
    assert outline(found) == OUTLINE
    assert texts(found)[-1] == ["从七月起,夜间门诊开到十点。", "① 数据截至六月。"]


@pytest.mark.parametrize(
    "rows",
    [
        (("滨城简报", ""), ("第5期", "2024年6月18日"), ("滨城市科学技术协会", "")),
        (("滨城简报", "滨城简报"), ("滨城市科学技术协会 编印", "2024年第5期(总第31期) 2024年6月18日")),
    ],
)
def test_a_masthead_that_is_a_table(rows: tuple[tuple[str, ...], ...]) -> None:
    found = split([table(*rows), *lines_of()[3:]], (), "x").issue
    assert (found.title, found.publisher, found.year, found.number) == ("滨城简报", "滨城市科学技术协会", 2024, 5)
    assert found.date is not None


@pytest.mark.parametrize(
    "rows",
    [
        (("【要闻】", ""), ("新馆今天正式开放", "1"), ("旧馆改作儿童乐园", "2"), ("【服务】", ""),
         ("夜间门诊开到十点", "3")),
        (("要闻", "新馆今天正式开放 …… 1"), ("要闻", "旧馆改作儿童乐园 …… 2"), ("服务", "夜间门诊开到十点 …… 3")),
        (("要闻", "服务"), ("新馆今天正式开放", "夜间门诊开到十点"), ("旧馆改作儿童乐园", "")),
        (("要闻", "", ""), ("新馆今天正式开放", "王小明", "1"), ("旧馆改作儿童乐园", "李红", "2"),
         ("服务", "", ""), ("夜间门诊开到十点", "", "3")),
    ],
)  # fmt: skip
def test_a_contents_list_that_is_a_table(rows: tuple[tuple[str, ...], ...]) -> None:
    found = split(behind(lines_of(), "滨城市科学技术协会", table(*rows)), (), "x")
    assert outline(found) == OUTLINE
    assert [column.contents_name for column in found.issue.columns] == ["要闻", "服务"]
    assert len(found.warnings) == 1


def test_a_table_of_figures_stays_whole() -> None:
    lines = behind(lines_of(), "三层展厅", table(("项目", "数"), ("展厅", "3")))
    assert laid_out(lines) == lines


# Texts that go on elsewhere


def _joined(*words: str, ends: str = "(供稿") -> tuple[list[str], list[str]]:
    lines = [Line(text, number, page=number) for number, text in enumerate(words, 1)]
    found = joined(lines, ["标题"], lambda text: text.startswith(ends))
    return [line.text for line in found.lines], [f"{line.place}: {doubt}" for line, doubt in found.doubts]


def test_a_text_that_goes_on_elsewhere_is_whole() -> None:
    words = ("甲的前半", "(下转第4页)", "乙的全部。", "(供稿:乙)", "(上接第1版)甲的后半。", "(供稿:甲)", "丙")
    assert _joined(*words) == (["甲的前半", "甲的后半。", "(供稿:甲)", "乙的全部。", "(供稿:乙)", "丙"], [])


def test_it_ends_before_a_heading() -> None:
    assert _joined("甲的前半(下转第3页)", "标题", "(上接第1页)", "甲的后半。", "标题", "丙")[0] == [
        "甲的前半", "甲的后半。", "标题", "标题", "丙",
    ]  # fmt: skip


def test_it_may_break_off_twice() -> None:
    words = ("一(下转第2页)", "(上接第1页)", "二(下转第4页)", "乙", "(上接第3页)", "三。", "(供稿:甲)")
    assert _joined(*words) == (["一", "二", "三。", "(供稿:甲)", "乙"], [])


def test_two_that_wait_are_told_apart_by_their_pages() -> None:
    words = (
        "甲一(下转第4页)",
        "乙一(下转第3页)",
        "(上接第2页)",
        "乙二。",
        "(供稿:乙)",
        "(上接第1页)",
        "甲二。",
        "(供稿:甲)",
    )
    assert _joined(*words)[0] == ["甲一", "甲二。", "(供稿:甲)", "乙一", "乙二。", "(供稿:乙)"]


def test_english_too() -> None:
    assert _joined("The first (continued on page 2)", "(continued from page 1)", "half.")[0] == ["The first", "half."]


def test_what_is_not_found_is_said() -> None:
    text, doubts = _joined("甲的前半(下转第4页)", "乙")
    assert (text, doubts) == (
        ["甲的前半", "乙"],
        ["Page 1, line 1: the text goes on elsewhere, but nowhere is it found."],
    )
    text, doubts = _joined("一(下转第2页)", "(上接第1页)", "二。", "(上接第9页)", "三。")
    assert doubts == ["Page 4, line 4: the text is said to begin elsewhere, but none breaks off before."]
    assert text[-1] == "三。"


# Names that pages repeat


@pytest.mark.parametrize("head", ["要闻", "要闻 3", "滨城 科普 在身边"])
def test_what_heads_pages_goes(head: str) -> None:
    more = "今天有很多市民前来参观,不少人带着孩子,在留言簿上写下了自己对展览的意见和建议,工作人员一一读过并且"
    source = ISSUE.replace(",", f",{more}\n\n{head}\n\n")
    assert source.count(more) == 3
    found = split(lines_of(source), (), "x")
    assert outline(found) == OUTLINE
    assert head not in str(texts(found))


def test_a_name_that_comes_twice_stays() -> None:
    lines = [Line(words, number) for number, words in enumerate(["要闻", "一个标题", "要闻", "一段话。"], 1)]
    assert without_repeated_heads(lines) == lines


def test_a_column_that_goes_on_on_the_next_page_is_one_column() -> None:
    source = ISSUE.replace("### 旧馆", "## 要闻\n\n### 旧馆")
    assert outline(split(lines_of(source), (), "x")) == OUTLINE


# Words on what is unsure


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ("## 服务", "## 要闻类", "Line 21: the column is 要闻类 here and 要闻 before"),
        ("旧馆改作儿童乐园", "新馆今天正式开放", "Line 15: the title 新馆今天正式开放 stood before (Line 9)"),
        ("(供稿:文化馆)", "(下转第9页)\n\n(供稿:文化馆)", "Line 13: the text goes on elsewhere"),
        ("2024年6月18日", "2024年", "The masthead does not give the date"),
    ],
)
def test_warnings(old: str, new: str, warning: str) -> None:
    assert old in ISSUE
    found = split(lines_of(ISSUE.replace(old, new)), (), "x")
    assert any(text.startswith(warning) for text in found.warnings), found.warnings


def test_places_name_pages_where_there_are_pages() -> None:
    lines = [replace(line, page=2) for line in lines_of(ISSUE.replace("(供稿:文化馆)", ""))]
    assert any(text.startswith("Page 2, line 9: the article") for text in split(lines, (), "x").warnings)


# Levels of headings

HEAD = "# 滨海创新简报\n\n2024年第8期(总第32期)\n\n滨海市科技创新促进中心 2024年9月18日\n\n"
NEWS = "## 要闻速递\n\n### 实验室揭牌\n\n6月14日,实验室揭牌。\n\n(供稿:滨海高新区)\n\n"


@pytest.mark.parametrize(
    "short",
    [
        "通知对象:各区科技局、各高新区管委会",
        "适用范围:在滨海市注册的企业",
        "各区科技局",
        "#### 适用范围",
        "**适用范围**",
    ],
)
@pytest.mark.parametrize("head", [HEAD + NEWS, HEAD + "## 要闻速递\n\n"])
def test_a_short_line_below_a_marked_title_makes_no_column_of_it(head: str, short: str) -> None:
    source = f"{head}### 科技局发布人才新政\n\n{short}\n\n会议于7月1日召开。\n\n市科技局\n\n(供稿:滨海日报)\n"
    found = split(lines_of(source), (), "x")
    titles = ["实验室揭牌", "科技局发布人才新政"] if NEWS in head else ["科技局发布人才新政"]
    assert outline(found) == {"要闻速递": titles}
    assert texts(found)[-1] == [short.strip("#* "), "会议于7月1日召开。", "市科技局"]
    assert found.issue.columns[0].articles[-1].credit == "滨海日报"


def test_the_same_without_columns() -> None:
    first = "## 实验室在高新区揭牌\n\n实验室揭牌。\n\n(供稿:滨海高新区)\n\n"
    second = "## 科技局发布新政\n\n适用范围:在滨海市注册的全部企业\n\n"
    found = split(lines_of(f"{HEAD}{first}{second}会议召开。\n\n(供稿:滨海日报)\n"), (), "x")
    assert outline(found) == {"滨海创新简报": ["实验室在高新区揭牌", "科技局发布新政"]}


def test_a_line_of_the_text_above_a_marked_title_is_no_column() -> None:
    source = f"{HEAD}{NEWS}市科技局办公室\n\n### 科技局发布人才新政\n\n会议召开。\n\n(供稿:滨海日报)\n"
    found = split(lines_of(source), (), "x")
    assert outline(found) == {"要闻速递": ["实验室揭牌", "科技局发布人才新政"]}
    assert any("市科技局办公室" in warning and "left out" in warning for warning in found.warnings)


def test_a_title_that_is_not_marked_like_the_others_is_said() -> None:
    source = f"{HEAD}{NEWS}科技局发布人才新政\n\n会议召开。\n\n(供稿:滨海日报)\n"
    found = split(lines_of(source), (), "x")
    assert outline(found) == {"要闻速递": ["实验室揭牌", "科技局发布人才新政"]}
    assert [warning for warning in found.warnings if "not marked like the others" in warning] == [
        "Line 15: taken for a title, though it is not marked like the others: 科技局发布人才新政"
    ]


def test_a_column_that_only_its_place_shows_is_said() -> None:
    source = f"{HEAD}要闻速递\n\n滨海高新区新实验室正式揭牌\n\n实验室揭牌。\n\n(供稿:滨海高新区)\n"
    found = split(lines_of(source), (), "x")
    assert outline(found) == {"要闻速递": ["滨海高新区新实验室正式揭牌"]}
    assert "Line 7: taken for names of columns by their place alone: 要闻速递" in found.warnings
