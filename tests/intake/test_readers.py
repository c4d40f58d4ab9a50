"""Readers give clean lines with hints, and refuse what is no text, in one clear sentence."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.errors import IntakeError
from dispatch.intake.line import Line
from dispatch.intake.readers import MAX_BYTES, MAX_LINES, SUFFIXES, markdown, read, read_article, text
from dispatch.intake.readers.decoding import clean, decode
from dispatch.model import BlockKind

_CHINESE = "近日,高新区在科技创新大会上发布了一批新的成果,来自全国的企业和大学参加了会议。\n"


def _file(folder: Path, data: bytes | str, name: str = "issue.md") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def _refusal(path: Path) -> str:
    with pytest.raises(IntakeError) as caught:
        read(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


# Which files


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".MD", ".Txt"])
def test_formats_are_known_by_their_suffix(tmp_path: Path, suffix: str) -> None:
    assert read(_file(tmp_path, "标题\n", f"a{suffix}")) == (Line("标题", 1),)


@pytest.mark.parametrize("name", ["issue.pdf", "issue.docx", "issue", "issue.md.bak"])
def test_another_format_is_refused_with_those_that_are_read(tmp_path: Path, name: str) -> None:
    message = _refusal(_file(tmp_path, "x", name))
    assert all(suffix in message for suffix in SUFFIXES)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in _refusal(tmp_path / "none.md")
    (tmp_path / "folder.md").mkdir()
    assert "folder" in _refusal(tmp_path / "folder.md")
    os.mkfifo(tmp_path / "pipe.md")
    assert "not a regular file" in _refusal(tmp_path / "pipe.md")


@pytest.mark.parametrize("data", [b"", b"\n \n\t\n", b"\xef\xbb\xbf", "\u200b\ufeff\n".encode()])
def test_an_empty_file_is_refused(tmp_path: Path, data: bytes) -> None:
    assert "empty" in _refusal(_file(tmp_path, data))


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, b"")
    os.truncate(path, MAX_BYTES + 1)
    assert "20 MB" in _refusal(path)
    assert str(MAX_LINES) in _refusal(_file(tmp_path, "\n" * (MAX_LINES + 1)))


def test_errors_call_the_file_what_the_caller_calls_it(tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match=r"^https://example.org/5.md: "):
        read(_file(tmp_path, b""), "https://example.org/5.md")


# Encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "gbk"])
def test_encodings_that_circulate(tmp_path: Path, encoding: str) -> None:
    assert [line.text for line in read(_file(tmp_path, _CHINESE.encode(encoding)))] == [_CHINESE.strip()]


def test_utf_16_of_both_byte_orders() -> None:
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        assert decode(mark + _CHINESE.encode(encoding), "x") == _CHINESE


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n\x00\x00\x00", "高".encode("utf-16-le") + b"a\x00", b"a\x00b"])
def test_binary_data_is_refused(tmp_path: Path, data: bytes) -> None:
    assert "binary" in _refusal(_file(tmp_path, data))


def test_a_broken_encoding_is_refused_with_its_place(tmp_path: Path) -> None:
    good = _CHINESE.encode()
    message = _refusal(_file(tmp_path, good + b"ab\xff\xfecd" + good))
    assert f"byte {len(good) + 2} (line 2)" in message
    assert "UTF-8" in message


@pytest.mark.parametrize(
    "data",
    [
        "Ein schöner Text über Möbel, größer als üblich.\n".encode("latin-1") * 20,
        _CHINESE.encode()[:-3] + b"\xe9\n",
        _CHINESE.encode("shift_jis", "ignore"),
        b"\xff\xfe\x00",
        b"\xff\xfe\x00\x00a\x00\x00\x00",
    ],
)
def test_bytes_that_are_not_chinese_text_are_not_guessed_at(tmp_path: Path, data: bytes) -> None:
    assert "save the file as UTF-8" in _refusal(_file(tmp_path, data))


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_give_clean_text_or_a_refusal(data: bytes) -> None:
    try:
        content = clean(decode(data, "x"))
    except IntakeError as error:
        assert str(error).startswith("x: ")  # noqa: PT017  # either outcome is right, and each is looked at
        return
    for line in (*markdown.lines(content), *text.lines(content)):
        assert all(char.isprintable() or char == "\u3000" for char in line.text if ord(char) < 0x3000)
        assert line.text or line.rule


# Characters


def test_characters_that_cannot_be_seen_are_removed() -> None:
    hidden = "\u200b\u200d\u2060\ufeff\u00ad\u202a\u202e\u2066\u2069\u061c\x07\x1b\x7f\x80\ue000\uf8ff\U000f0001\ufffe"
    assert clean(f"高{hidden}新") == "高新"


def test_line_ends_and_blanks_are_of_one_sort() -> None:
    assert clean("a\r\nb\rc\u2028d\fe\x85f\xa0g\th\u3000i") == "a\nb\nc\nd\ne\nf g h\u3000i"


def test_character_references_bring_nothing_hidden_back() -> None:
    assert markdown.lines("&#xE000;高&#x202E;新&#0;区&amp;&lt;b&gt;")[0].text.replace("\ufffd", "") == "高新区&<b>"


# Markdown


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
        Line("栏目 标题", 3, bold=True, gap=True),
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
def test_marks_take_linear_time(piece: str) -> None:
    start = time.perf_counter()
    markdown.lines(piece * 20_000)
    assert time.perf_counter() - start < 3


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="高新区 \n#*_`[]()<>!&;|-=~\\1.（）【】\u3000", max_size=200))
def test_no_markdown_breaks_the_reader(source: str) -> None:
    for line in markdown.lines(source):
        assert line.text == line.text.strip()
        assert "\n" not in line.text
        assert 1 <= line.number <= source.count("\n") + 1


# Plain text


def test_plain_text_has_no_hints() -> None:
    assert text.lines("刊名\n\n  一、 *不是* 斜体\n　　正文\n————\n# 一\n") == (
        Line("刊名", 1),
        Line("一、 *不是* 斜体", 3, gap=True, indent=2),
        Line("正文", 4, indent=4),
        Line("", 5, rule=True),
        Line("# 一", 6),
    )


def test_markdown_in_a_text_file_is_read_as_markdown() -> None:
    source = "# 刊名\n\n## 栏目\n\n### 标题\n\n正文。\n"
    assert text.lines(source) == markdown.lines(source)


# One article


def test_a_single_article(tmp_path: Path) -> None:
    article = read_article(_file(tmp_path, "# 标题\n\n## 一、小标题\n\n第一段。\n\n第二段被\n\n截断了。\n"))
    assert (article.title, article.credit) == ("标题", "")
    assert [(block.kind, block.text) for block in article.blocks] == [
        (BlockKind.HEADING, "一、小标题"),
        (BlockKind.PARAGRAPH, "第一段。"),
        (BlockKind.PARAGRAPH, "第二段被截断了。"),
    ]


def test_an_article_needs_text(tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match="no text"):
        read_article(_file(tmp_path, "---\n\n***\n"))
