"""The Markdown reader: marks go, words stay, and what only looks like a mark stays with them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.intake.line import Line, LineKind
from dispatch.intake.readers import markdown
from dispatch.model import Mark, MarkKind


def _texts(source: str) -> list[str]:
    return [line.text for line in markdown.lines(source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("**粗体**文字", "粗体文字"),
        ("**【火炬】**邵新宇", "【火炬】邵新宇"),  # CommonMark would leave these asterisks
        ("说**“1挂帅9盟主”**上榜", "说“1挂帅9盟主”上榜"),
        ("***重*** *斜* __粗__ _斜_ ~~删~~ `码`", "重 斜 粗 斜 删 码"),
        ("snake_case_name 与 2*3", "snake_case_name 与 2*3"),
        ("[链接](http://example.org/a_b) 与 <http://example.org>", "链接 与 http://example.org"),
        ("前![图](a.png)后", "前后"),
        (r"1\. 顶层 \*不斜\* \\ \#", r"1. 顶层 *不斜* \ #"),
        ("换行\\", "换行"),
        ("1. 顶层设计", "1. 顶层设计"),
        ("3) 三", "3) 三"),
        ("- 一项", "一项"),
        ("5G+ 智慧政务", "5G+ 智慧政务"),
        ("> > 引文", "引文"),
        ("a &amp; b &mdash; c&nbsp;d", "a & b — c d"),
        ("| 甲 | 乙 |", "甲 乙"),
        ("<b>粗</b><script>alert(1)</script><span class='x'>文</span>", "粗文"),
        ("2 < 3 且 5 > 4", "2 < 3 且 5 > 4"),
        ("[2022]7号", "[2022]7号"),
        ("这是*重点*内容,**粗*倾斜*体**", "这是重点内容,粗倾斜体"),
        ("共5**项**,**5G**网络,版本**2**。", "共5项,5G网络,版本2。"),
        ("2*3 与 *斜* 与 **2*3=6**", "2*3 与 斜 与 2*3=6"),
        ("<p class=\"a\"id='b'>甲<font color=red size=3>乙</font><o:p></o:p><input disabled>", "甲乙"),
        ("<a href=http://example.org/?a=b>链接</a><img src=a.png />后", "链接后"),
    ],
)
def test_marks_within_a_line_are_resolved(source: str, expected: str) -> None:
    assert _texts(source) == [expected]


@pytest.mark.parametrize(
    "source",
    [
        *("2*3*4", "2**3**4", "2*(3+4)*5", "2*（3+4）*5", "(1+2)*3*(4+5)", "a*b*c", "2*π*r", "长*宽*高", "2 * 3 * 4"),
        *("每组2*3人,共4*5组", "10**3 与 10**6", "f(x)*g(x)*h(x)", "snake_case_name", "约3~4,5~6"),
        *("当 a<b 且 c>d 时", "a<b and c>d", "若 x<y 则 y>x", "1<2>3", "<T> 与 <甲>", "p<a & q>b", "a<b-c>d"),
    ],
)
def test_arithmetic_and_comparisons_are_no_marks(source: str) -> None:
    assert _texts(source) == [source]


@pytest.mark.parametrize(
    ("source", "level", "content"),
    [
        ("## 标题", 2, "标题"),
        ("   ### 标题 ###", 3, "标题"),
        ("##标题", 2, "标题"),
        ("标题\n====", 1, "标题"),
        ("标题\n----", 0, "标题"),  # without an empty line above it could be the end of a paragraph
        ("\n标题\n----", 2, "标题"),
        ("####### 七", 0, "####### 七"),
        ("#1号机组", 0, "#1号机组"),
        ("<h2>标题</h2>", 2, "标题"),
    ],
)
def test_headings(source: str, level: int, content: str) -> None:
    line = markdown.lines(source)[0]
    assert (line.level, line.text) == (level, content)


def test_hints() -> None:
    found = markdown.lines("# 刊名\n\n**栏目** 标题  \n正文\n\n---\n\n(供稿:甲)\n---\n")
    assert found == (
        Line("刊名", 1, level=1),
        Line("栏目 标题", 3, bold=True, gap=True, marks=(Mark(MarkKind.STRONG, 0, 2),)),
        Line("正文", 4),
        Line("", 6, gap=True, rule=True),
        Line("(供稿:甲)", 8, gap=True),
        Line("", 9, rule=True),
    )


def test_a_line_keeps_its_number_whatever_was_dropped_above_it() -> None:
    source = (
        "---\ntitle: x\n---\n<!-- a\nb -->\n<style>\np {}\n</style>\n```\n码\n```\n| a |\n|---|\n[1]: http://x\n末行"
    )
    assert [(line.text, line.number) for line in markdown.lines(source)] == [("码", 10), ("a", 12), ("末行", 15)]


def test_html_breaks_lines() -> None:
    assert _texts("甲<br>乙<p>丙</p>\n<div\nclass='a'>丁</div>") == ["甲", "乙", "丙", "丁"]


@pytest.mark.parametrize(
    "source", ["<!-- 没有结尾", "<script>没有结尾", "[" * 300, "**" * 300, "<a " * 300, "`" * 301, "&#" * 300]
)
def test_marks_that_are_never_closed_stay(source: str) -> None:
    assert len(markdown.lines(f"{source}\n末行")) in (1, 2)
    assert markdown.lines(f"{source}\n末行")[-1].text == "末行"


@pytest.mark.parametrize("piece", ["**a", "*a", "*a*", "2*3", "<a ", "<a a=", "<a a=b ", "</b", "<o:", "***a", "（*"])
def test_a_megabyte_of_marks_that_may_begin_something_keeps_its_letters(piece: str) -> None:
    # The work is inside of regular expressions, where no step can be counted. Were it to grow with the square of the
    # length, this would not end within hours.
    source = piece * 300_000
    found = " ".join(_texts(source))
    assert sum(map(str.isalnum, found)) == sum(map(str.isalnum, source))


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="高新区 \n#*_`[]()<>!&;|-=~\\1.（）【】\u3000", max_size=200))
def test_no_markdown_breaks_the_reader(source: str) -> None:
    for line in markdown.lines(source):
        assert line.text == line.text.strip()
        assert "\n" not in line.text
        assert 1 <= line.number <= source.count("\n") + 1


# What converters leave


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("增长$1 5 . 2 \\%$,共$12$项", "增长15.2%,共12项"),
        ("$\\mathrm { C O } _ { 2 }$与$10^{5}$", "C O₂与10⁵"),
        ("约$\\sim 3 0 \\mathrm{km}$,$\\textcircled{1}$", "约~30km,①"),
        ("花费$5 和 $10", "花费$5 和 $10"),
        ("前![说明](a_(1).png){width=50%}后", "前后"),
        ("[标题]{.underline}与[名](http://example.org/a_(b) '题')", "标题与名"),
        ("{3}------------\n文", "文"),
        ("::: {.x custom-style=\"T\"}\n文\n:::", "文"),
        ("<span id='page-1-0'></span>文<!-- page 3 -->", "文"),
    ],
)  # fmt: skip
def test_what_converters_leave_becomes_plain_text(source: str, expected: str) -> None:
    assert " ".join(_texts(source)) == expected


def test_a_page_mark_of_a_converter_gives_the_page() -> None:
    found = markdown.lines("{0}----------\n甲\n\n{1}----------\n乙")
    assert [(line.text, line.page) for line in found] == [("甲", 1), ("乙", 2)]


def test_marks_of_emphasis_and_links_stand_in_the_cleaned_text() -> None:
    (line,) = markdown.lines("甲**粗\\*** ~~删~~*斜* [链**接**](http://example.org/a_b) <https://example.org> [内](#a)")
    assert line.text == "甲粗* 删斜 链接 https://example.org 内"
    assert line.marks == (
        Mark(MarkKind.STRONG, 1, 3),
        Mark(MarkKind.EMPHASIS, 5, 6),
        Mark(MarkKind.LINK, 7, 9, "http://example.org/a_b"),
        Mark(MarkKind.STRONG, 8, 9),
        Mark(MarkKind.LINK, 10, 29, "https://example.org"),
    )


def test_links_by_reference() -> None:
    found = markdown.lines("见[此处][a]和[别处][]。\n\n[a]: https://example.org/1\n[别处]: <https://example.org/2>")
    assert [(line.text, [mark.href for mark in line.marks]) for line in found] == [
        ("见此处和别处。", ["https://example.org/1", "https://example.org/2"])
    ]


@pytest.mark.parametrize(
    "source",
    [
        "| 区 | 产值 |\n|---|:-:|\n| **甲** | 1\\|2 |",
        "区 | 产值\n--|--\n甲 | 1\\|2",
        "+----+-----+\n| 区 | 产值 |\n+====+=====+\n| 甲 | 1\\|2 |\n+----+-----+",
        "<html><body><table><tr><td>区</td><td>产值</td></tr><tr><td>甲</td><td>1|2</td></tr></table></body></html>",
    ],
)
def test_a_table_is_one_line_with_its_rows(source: str) -> None:
    before, line, after = markdown.lines(f"上文。\n\n{source}\n\n下文。")
    assert (line.kind, line.rows, line.number) == (LineKind.TABLE, (("区", "产值"), ("甲", "1|2")), 3)
    assert (before.text, after.text) == ("上文。", "下文。")
    assert after.number == source.count("\n") + 5


def test_items_have_their_depth_and_numbers_stay_text() -> None:
    found = markdown.lines("- 甲\n  - 乙\n    1. 丙\n- [x] 丁\n\n1. 戊\n")
    assert [(line.text, line.kind, line.depth) for line in found] == [
        ("甲", LineKind.ITEM, 0),
        ("乙", LineKind.ITEM, 1),
        ("1. 丙", LineKind.ITEM, 2),
        ("丁", LineKind.ITEM, 0),
        ("1. 戊", LineKind.TEXT, 0),
    ]


def test_a_footnote_stands_below_the_paragraph_that_refers_to_it() -> None:
    found = markdown.lines("甲[^1]被\n\n截断。\n\n乙。\n\n[^1]: 注\n    文 **粗**\n")
    assert [(line.text, line.kind) for line in found] == [
        ("甲[1]被", LineKind.TEXT),
        ("截断。", LineKind.TEXT),
        ("[1] 注 文 粗", LineKind.NOTE),
        ("乙。", LineKind.TEXT),
    ]
    assert found[2].marks == (Mark(MarkKind.STRONG, 8, 9),)
