"""The reader of pages: what a browser shows becomes lines, what the site puts around it goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.errors import IntakeError
from dispatch.intake.line import Line, LineKind
from dispatch.intake.readers import html, read
from dispatch.model import Mark, MarkKind
from tests.intake.forms import FORMS, split_file

_PROSE = "近日,高新区在科技创新大会上发布了一批新的成果,来自全国的企业和大学参加了会议,会议取得了圆满成功。"


def _lines(source: str) -> tuple[Line, ...]:
    return html.document(source.encode(), "page.html").lines


def _texts(source: str) -> list[str]:
    return [line.text for line in _lines(source)]


def _only(source: str) -> Line:
    (line,) = _lines(source)
    return line


def _refusal(data: bytes) -> str:
    with pytest.raises(IntakeError) as caught:
        html.document(data, "page.html")
    assert str(caught.value).startswith("page.html: ")
    return str(caught.value)


# Lines


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>甲</p><p>乙</p>", ["甲", "乙"]),
        ("<p>甲<br>乙<br/>丙", ["甲", "乙", "丙"]),
        ("<div>甲<div>乙</div>丙</div>", ["甲", "乙", "丙"]),
        ("<p>甲\n乙, 丙\nand\n丁 x\ny</p>", ["甲乙, 丙and丁 x y"]),
        ("<p>　　甲&nbsp;&nbsp;乙\t丙</p>", ["甲 乙 丙"]),
        ("<p>a &amp; b &lt;c&gt; &mdash; &#x9ad8;</p>", ["a & b <c> — 高"]),
        ("<h2>标题<br>副题</h2>", ["标题副题"]),
        ("<pre>甲\n  乙\n\n丙</pre>", ["甲", "乙", "丙"]),
        ("<p>当 2 < 3 且 5 > 4</p>", ["当 2 < 3 且 5 > 4"]),
        ("<p>面积5m<sup>2</sup>,H<sub>2</sub>O</p>", ["面积5m²,H₂O"]),
        ("<p>前<img src=a.png alt=图>后</p>", ["前后"]),
        ("<figure><img src=a><figcaption>图1 说明</figcaption></figure>", ["图1 说明"]),
        ("<dl><dt>名<dd>义</dl>", ["名", "义"]),
        ("<p><ruby>漢<rp>(</rp><rt>hàn</rt><rp>)</rp></ruby>字</p>", ["漢字"]),
        ("<P>甲</P><UL><LI>乙</UL>", ["甲", "乙"]),
        ("<p>甲<script>document.write('<p>x')</script>乙<style>p{}</style><!-- <p>丙</p> --></p>", ["甲乙"]),
        ("<p>甲<template><p>x</p></template><svg><text>y</text></svg><noscript>z</noscript></p>", ["甲"]),
        ("<title>名</title><p>甲", ["甲"]),
        ("<p>甲</p><!-- 没有结尾 <p>乙</p>", ["甲", "没有结尾", "乙"]),
        ("<p>甲<a href='x>乙</a></p><p class='y'>丙</p>", ["甲乙", "丙"]),
    ],
)
def test_text(source: str, expected: list[str]) -> None:
    assert _texts(source) == expected


def test_hints_of_headings_and_looks() -> None:
    found = _lines(
        f"<h1>刊名</h1><p>{_PROSE}</p><p><strong>粗</strong></p><p align=center>居中</p>"
        f"<p style='font-weight:700'>重</p><p><font size=5>大</font></p><p style='font-size:22pt'>大二</p>"
        f"<div role=heading aria-level=3>三级</div><p style='font-weight:normal'><b>粗</b>甲</p><hr><p>小</p>"
    )
    assert [(line.text, line.level, line.bold, line.rule) for line in found] == [
        ("刊名", 1, False, False),
        (_PROSE, 0, False, False),
        ("粗", 0, True, False),
        ("居中", 0, True, False),
        ("重", 0, True, False),
        ("大", 0, True, False),
        ("大二", 0, True, False),
        ("三级", 3, False, False),
        ("粗甲", 0, True, False),
        ("", 0, False, True),
        ("小", 0, False, False),
    ]


def test_a_page_in_the_middle_of_which_all_stands_has_no_headings_by_that() -> None:
    found = _lines(f"<center><p>短</p><p>{_PROSE}</p><p>{_PROSE}</p></center>")
    assert not any(line.bold for line in found)


def test_a_line_knows_its_place_in_the_source() -> None:
    found = _lines("<html>\n<body>\n<p>甲</p>\n\n<p>乙<br>\n丙</p><script>\n\n</script>\n<p>丁</p>")
    assert [(line.text, line.number) for line in found] == [("甲", 3), ("乙", 5), ("丙", 5), ("丁", 9)]


def test_marks_stand_where_the_text_stands() -> None:
    line = _only(
        "<base href='https://example.org/a/'><p> 甲  <b>粗 <i>斜</i></b><em> 重 </em>\n"
        "<a href='b.html?x=1&amp;y=2'>链<b>接</b></a><a href='javascript:x'>无</a><a href='#a'>内</a></p>"
    )
    assert line.text == "甲 粗 斜 重链接无内"
    assert line.marks == (
        Mark(MarkKind.STRONG, 2, 5),
        Mark(MarkKind.EMPHASIS, 4, 7),
        Mark(MarkKind.LINK, 7, 9, "https://example.org/a/b.html?x=1&y=2"),
        Mark(MarkKind.STRONG, 8, 9),
    )


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("https://example.org/a", "https://example.org/a"),
        ("mailto:a@example.org", "mailto:a@example.org"),
        *(
            (href, "")
            for href in ("b.html", "/b", "#a", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd")
        ),
        *((href, "") for href in ("http://", "http://[", "https://user:pass@example.org/", "ftp://example.org/", "")),
        *((href, "") for href in ("java&#10;script:x", "https://e.org/" + "a" * 3000)),
    ],
)
def test_only_addresses_that_can_be_opened_anywhere_are_links(href: str, expected: str) -> None:
    line = _only(f'<p>甲<a href="{href}">乙</a></p>')
    assert line.text == "甲乙"
    assert [mark.href for mark in line.marks] == ([expected] if expected else [])


# Lists


def test_items_keep_their_depth_and_their_numbers() -> None:
    found = _lines(
        "<ul><li>一<ul><li>二</li></ul><li><p>三</p></ul>"
        "<ol start=3><li>丙<li value=7>丁</ol><ol type=a><li>甲<li>乙</ol><ol type=I reversed><li>甲<li>乙</ol>"
    )
    assert [(line.text, line.depth) for line in found] == [
        *(("一", 0), ("二", 1), ("三", 0), ("3. 丙", 0), ("7. 丁", 0)),
        *(("a. 甲", 0), ("b. 乙", 0), ("II. 甲", 0), ("I. 乙", 0)),
    ]  # fmt: skip
    assert {line.kind for line in found} == {LineKind.ITEM}


def test_a_numbered_paragraph_is_one_as_in_every_other_form() -> None:
    line = _only(f"<ol start=2><li><p>顶层设计。{_PROSE}</p></li></ol>")
    assert (line.kind, line.text[:6]) == (LineKind.TEXT, "2. 顶层设")


def test_a_list_that_only_places_articles_is_none() -> None:
    found = _lines(f"<ul><li><h3>标题</h3><p>{_PROSE}</p></li></ul>")
    assert [(line.kind, line.level) for line in found] == [(LineKind.TEXT, 3), (LineKind.TEXT, 0)]


# Tables


def test_cells_that_span_are_repeated() -> None:
    line = _only(
        "<table border=1><caption></caption><tr><th rowspan=2>区<th colspan=2>产值<tr><th>一季<th>二季"
        "<tr><td>南昌<td>1<td><p>2</p><p>亿</p></table>"
    )
    assert line.kind is LineKind.TABLE
    assert line.rows == (("区", "产值", "产值"), ("区", "一季", "二季"), ("南昌", "1", "2 亿"))
    assert line.text == "区 | 产值 | 产值\n区 | 一季 | 二季\n南昌 | 1 | 2 亿"


@pytest.mark.parametrize(
    "table",
    [
        "<table><tr><td>甲<td>乙<tr><td>丙<td>丁</table>",
        "<table border=1><tr><td>甲<br>乙<br>丙<br>丁</table>",
        "<table border=1><tr><td>甲<td><table border=1><tr><td>乙</table><tr><td>丙<td>丁</table>",
        "<table border=1 role=presentation><tr><td>甲<td>乙<tr><td>丙<td>丁</table>",
        "<table border=1><tr><td><h2>甲</h2><td>乙<tr><td>丙<td>丁</table>",
    ],
)
def test_a_table_that_only_places_text_is_lines(table: str) -> None:
    found = _lines(table)
    assert [line.text for line in found] == ["甲", "乙", "丙", "丁"]
    assert {line.kind for line in found} == {LineKind.TEXT}


def test_rows_of_figures_are_a_table_without_lines_around_them() -> None:
    found = _only("<table><tr><td>区<td>产值<td>增长<tr><td>甲<td>12.5亿元<td>3%<tr><td>乙<td>7<td>-1%</table>")
    assert found.rows[2] == ("乙", "7", "-1%")


def test_a_table_larger_than_any_is_lines() -> None:
    found = _lines("<table border=1><tr><td colspan=60000 rowspan=60000>甲<td>乙<tr><td>丙<td>丁</table>")
    assert [line.text for line in found] == ["甲", "乙", "丙", "丁"]


# Footnotes


@pytest.mark.parametrize(
    ("reference", "note"),
    [
        (
            '<a href="#fn1" role="doc-noteref"><sup>1</sup></a>',
            '<ol><li id="fn1"><p>注文 <a href="#r">↩︎</a></p></li></ol>',
        ),
        (
            '<a href="#_ftn1"><span>[1]</span></a>',
            '<div id=ftn1><p><a href="#_ftnref1"><sup>[1]</sup></a> 注文</p></div>',
        ),
        ('<sup><a href="#footnote-1">1</a></sup>', "<p id=footnote-1>注文</p>"),
    ],
)  # fmt: skip
def test_a_footnote_stands_below_its_paragraph(reference: str, note: str) -> None:
    found = _lines(f"<p>甲文{reference}被</p><p>截断。</p><p>乙文。</p>{note}")
    assert [(line.kind, line.text) for line in found] == [
        (LineKind.TEXT, "甲文[1]被"),
        (LineKind.TEXT, "截断。"),
        (LineKind.NOTE, "[1] 注文"),
        (LineKind.TEXT, "乙文。"),
    ]


# What the site puts around


_BEFORE = [
    '<nav><a href="/">首页</a><a href="/a">新闻</a></nav>',
    '<div class="breadcrumb"><a href="/">首页</a> &gt; 正文</div>',
    '<div role="navigation"><a href="/">首页</a></div>',
    '<header><a href="/">网站</a></header>',
    "<div>您现在的位置:<a href='/'>首页</a> > 正文</div>",
    '<ul><li><a href="/1">要闻一则</a><li><a href="/2">要闻二则</a><li><a href="/3">要闻三则</a></ul>',
    '<div style="display: none">看不见的文字</div>',
    "<p hidden>看不见</p>",
    '<div aria-hidden="true">看不见</div>',
    "<form><input><button>搜索</button><select><option>全部</select></form>",
]
_AFTER = [
    "<footer><p>地址 <a href='/'>首页</a></p></footer>",
    '<aside><a href="/1">要闻</a></aside>',
    "<p>上一篇:<a href='/1'>要闻</a></p>",
    "<p>下一条: 没有了</p>",
    "<div class='share'>分享到:<a href='/w'>微博</a></div>",
    "<p>版权所有:示例网站 京ICP备12345678号-1</p>",
    "<p>京公网安备 11010202000001号</p>",
    "<h4>相关阅读</h4><ul><li><a href='/1'>要闻</a></ul>",
    "<div>相关链接:<a href='/1'>要闻</a></div>",
    "<p>【打印本页】【关闭窗口】</p>",
    "<p>浏览次数:1024次</p>",
    "<p>字体:[大 中 小]</p>",
    "<p>扫一扫在手机打开当前页</p>",
]


@pytest.mark.parametrize("before", _BEFORE)
def test_what_stands_above_the_content_goes(before: str) -> None:
    assert _texts(f"<body>{before}<div><h1>标题</h1><p>{_PROSE}</p><p>{_PROSE}</p></div></body>") == [
        "标题", _PROSE, _PROSE,
    ]  # fmt: skip


@pytest.mark.parametrize("after", _AFTER)
def test_what_stands_below_the_content_goes(after: str) -> None:
    found = _texts(f"<body><div><h1>标题</h1><p>{_PROSE}</p></div><div>{after}</div></body>")
    assert found in (["标题", _PROSE], ["标题", _PROSE, "相关阅读"])


@pytest.mark.parametrize(
    "kept",
    [
        "<header><h1>火炬动态</h1></header>",
        "<div class=banner>2022年第5期(总第534期)<a href='/'>首页</a></div>",
        "<nav><a href='#a'>文章一题</a><a href='#b'>文章二题</a></nav>",
        f"<div class=footer><p>{_PROSE}{_PROSE}{_PROSE}{_PROSE}{_PROSE}</p></div>",
        f"<aside><p>{_PROSE * 6}</p></aside>",
        "<div class=copyright>(供稿:南昌高新区)</div>",
        f"<form><p>{_PROSE}</p></form>",
        f"<div style='display:none'><p>{_PROSE * 3}</p></div>",
        "<p>首页的版权所有人不明,法院于近日作出了判决。</p>",
        "<p>上一期火炬动态刊登了全文。</p>",
    ],
)
def test_what_may_be_of_the_issue_stays(kept: str) -> None:
    wanted = "".join(_texts(kept))
    found = "".join(_texts(f"<body>{kept}<div><p>{_PROSE}</p><p>{_PROSE}</p><p>{_PROSE}</p></div></body>"))
    assert wanted
    assert wanted in found


def test_a_list_of_links_whose_words_come_again_is_the_contents_list() -> None:
    titles = ["南昌高新区打造增长极", "潍坊高新区多措并举", "苏州高新区实现突破"]
    contents = "".join(f"<li><a href='/{at}'>{title}</a>" for at, title in enumerate(titles))
    body = "".join(f"<p>{title}</p><p>{_PROSE}</p>" for title in titles)
    assert _texts(f"<ul>{contents}</ul><div>{body}</div>")[:3] == titles


def test_the_credit_in_the_foot_of_an_article_stays() -> None:
    assert _texts(f"<article><p>{_PROSE}</p><footer>(供稿:甲)</footer></article>")[-1] == "(供稿:甲)"


# Encodings


@pytest.mark.parametrize(
    ("head", "codec"),
    [
        ('<meta charset="gb2312">', "gb18030"),
        ('<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=GBK">', "gb18030"),
        ('<meta charset="big5">', "big5hkscs"),
        ('<meta charset="utf-8">', "gb18030"),  # it lies
        ('<meta charset="gb2312">', "utf-8"),  # it lies
        ('<?xml version="1.0" encoding="GB18030"?>', "gb18030"),
        ('<meta charset="nonsense">', "utf-8"),
        ("", "utf-8"),
        ("", "utf-16"),
        ("", "gb18030"),
    ],
)
def test_encodings(head: str, codec: str) -> None:
    text = "今天在園區舉行了會議,有一百人參加,這是第一次。" if "big5" in codec else _PROSE
    found = html.document(f"{head}<p>{text}</p>".encode(codec), "x").lines
    assert [line.text for line in found] == [text]


def test_the_servers_word_on_the_encoding_counts() -> None:
    data = "<p>链接</p>".encode("gb18030")  # too short to be told by its characters
    assert html.document(data, "x", "GB2312").lines[0].text == "链接"


def test_a_character_that_a_site_cut_in_half_is_said() -> None:
    data = f"<meta charset=gb2312>\n<p>{_PROSE * 50}</p>".encode("gb18030") + b"<p>\xb8</p>"
    found = html.document(data, "x")
    assert found.lines[0].text == _PROSE * 50
    assert found.warnings == ("Line 2: 1 characters of the page are broken and stand as \ufffd.",)
    assert "save it as UTF-8" in _refusal(b"<meta charset=gb2312><p>" + b"\xff\xfe\xfd" * 100)


# Files


def test_a_page_without_text_says_what_may_be_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<html><body><div id=app></div><script>fetch('/x')</script></body></html>")
    with pytest.raises(IntakeError, match=r"page\.html: there is no text in this page.*open the page in a browser"):
        read(path)


def test_a_single_file_needs_a_page_in_it() -> None:
    head = b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n"
    assert "no page" in _refusal(head + b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n--b--")
    inner = b"Content-Type: text/html; charset=gb2312\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"PHA+vNc8L3A+"
    assert [line.text for line in html.document(head + b"--b\r\n" + inner + b"\r\n--b--", "x").lines] == ["甲"]


def test_the_pages_of_one_site_differ_by_what_they_say_alone() -> None:
    page = split_file(FORMS / "html/semantic.html").issue
    assert page == split_file(FORMS / "html/semantic.mhtml").issue


# Hostile pages

_N = 60_000
_FONTS = "".join(f"<font size={size}>" for size in range(400))
_HOSTILE = {
    "nesting": "<div>" * _N,
    "nesting of what may stay open": "<div><p>" * _N,
    "formatting that opens again in each paragraph": f"<p>{_FONTS}</p>" + "<p>x" * _N,
    "ends without a beginning": "<div>" * 500 + "</p>" * _N,
    "attributes": "<p " + "".join(f"x{n}=1 " for n in range(_N)) + ">甲",
    "attributes that never end": '<a "' * _N,
    "quotations": '<a x="' * _N + ">",
    "brackets": "<" * (10_000_000),
    "comments": "<!--" * _N,
    "scripts": "<script>" * _N,
    "data sections": "<![CDATA[" * _N,
    "hidden names": f'<div class="{"nav " * _N}">甲</div>',
    "styles": '<p style="' + "a:" * _N + '">甲',
    "spans": "<table border=1>" + "<tr><td rowspan=9999 colspan=9999>甲" * 2_000,
    "tables": "<table><tr><td>" * _N,
    "navigation": "<nav>" * 500 + "<a href=x>甲</a>" * _N,
    "notes": "<a href=#fn1>1</a>" * 1000 + "<div id=fn1>" + "<p>甲</p>" * _N,
    "references": "&#" * _N + "&" * _N + "&amp" * _N,
    "drawings": "<svg><title><p>" * _N,
    "templates": "<template>" * _N + "甲",
    "blanks": "<p>" + " \n" * 1_000_000 + "甲",
}  # fmt: skip


@pytest.mark.parametrize("name", _HOSTILE)
def test_a_page_made_to_waste_time_ends(name: str) -> None:
    # Were work to grow with the square of the size, or a parser to make the tree it is asked for, this would not end
    # within hours; without an end to recursion it would not end well.
    try:
        found = html.document(_HOSTILE[name].encode(), "page.html").lines
    except IntakeError as error:
        assert str(error).startswith("page.html: ")  # noqa: PT017  # either outcome is right, and each is looked at
        found = ()
    assert len(found) <= 2 * _N


def test_deep_nesting_is_refused_in_words() -> None:
    assert "more than 512 elements stand inside each other" in _refusal(b"<div>" * 100_000 + b"x")
    assert "more than 600000 elements" in _refusal(b"<i>x</i>" * 200_000)


def test_what_cannot_be_seen_or_turns_the_order_is_removed() -> None:
    line = _only("<p>高\u202e新\u200b&#x202E;区&#0;&#xE010;&#xF0000;<b>\u2066发</b>展&#27;</p>")
    assert line.text.replace("\ufffd", "") == "高新区发展"
    assert line.marks[0].end <= len(line.text)


def test_entities_of_its_own_are_not_expanded() -> None:
    source = (
        '<!DOCTYPE x [<!ENTITY a "哈"><!ENTITY b "&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]><p>甲&b;&f;</p>'
    )
    found = "".join(_texts(source))
    assert "甲" in found
    assert "root:" not in found
    assert "哈哈" not in found


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="<>/=\"' abdhilprtu1&;#!-\n高区。\x00\u202e", max_size=200))
def test_no_page_breaks_the_reader(source: str) -> None:
    try:
        found = html.document(("<p>" + source).encode(), "x").lines
    except IntakeError as error:
        assert str(error).startswith("x: ")  # noqa: PT017  # either outcome is right, and each is looked at
        return
    for line in found:
        assert line.text == line.text.strip()
        assert 1 <= line.number <= source.count("\n") + 1
        assert all(0 <= mark.start < mark.end <= len(line.text) for mark in line.marks)


# Tables without lines


def _bare(rows: list[list[str]]) -> str:
    return "<table>" + "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) for row in rows) + "</table>"


def test_two_rows_without_lines_are_a_table_by_their_figures_or_when_announced() -> None:
    line = _only(_bare([["指标", "数值"], ["收入", "10"]]))
    assert (line.kind, line.rows) == (LineKind.TABLE, (("指标", "数值"), ("收入", "10")))
    text, table = _lines("<p>各园区的分工见下表。</p>" + _bare([["园区", "任务"], ["甲园", "建库"]]))
    assert (text.kind, table.kind) == (LineKind.TEXT, LineKind.TABLE)


@pytest.mark.parametrize(
    "rows",
    [
        [["园区", "任务"], ["甲园", "建库"]],
        [["2024年第3期", "(总第27期)"], ["科技局编", "2024年6月18日"]],
        [["题目", "页码"], ["大会召开", "3"]],
        [["大会召开", "1"], ["实验室揭牌", "3"]],
        [["<a href='/1'>大会</a>", "<a href='/2'>揭牌</a>"], ["<a href='/3'>问题</a>", "10"]],
        [["地址", "科技路1号"], ["邮编", "300000"]],
    ],
)
def test_two_rows_that_only_place_text_are_lines(rows: list[list[str]]) -> None:
    assert all(line.kind is LineKind.TEXT for line in _lines(_bare(rows)))
