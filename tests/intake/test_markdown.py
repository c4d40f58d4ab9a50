"""The Markdown reader: marks go, words stay, and what only looks like a mark stays with them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.intake.line import Line
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
