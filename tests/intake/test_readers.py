"""Readers give clean lines with hints, and refuse what is no text, in one clear sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dispatch.errors import IntakeError
from dispatch.intake import readers
from dispatch.intake.cleaning import clean
from dispatch.intake.line import Line
from dispatch.intake.readers import MAX_BYTES, MAX_LINES, markdown, read, read_article, text
from dispatch.intake.readers.decoding import decode
from dispatch.intake.suffixes import SUFFIXES
from dispatch.model import BlockKind

_OF_TEXT = (".md", ".markdown", ".txt")
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


@pytest.mark.parametrize("suffix", [*_OF_TEXT, ".MD", ".Txt"])
def test_formats_are_known_by_their_suffix(tmp_path: Path, suffix: str) -> None:
    assert read(_file(tmp_path, "标题\n", f"a{suffix}")) == (Line("标题", 1),)


@pytest.mark.parametrize("name", ["issue.odt", "issue", "issue.md.bak"])
def test_another_format_is_refused_with_those_that_are_read(tmp_path: Path, name: str) -> None:
    message = _refusal(_file(tmp_path, "x", name))
    assert all(suffix in message for suffix in SUFFIXES)
    assert "save it as PDF, Word (.docx), HTML, Markdown or plain text" in message


def test_a_name_that_promises_another_form_is_said(tmp_path: Path) -> None:
    assert "its name says .pdf, but it does not begin like one" in _refusal(_file(tmp_path, "x", "issue.pdf"))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in _refusal(tmp_path / "none.md")
    os.mkfifo(tmp_path / "pipe.md")
    assert "not a regular file" in _refusal(tmp_path / "pipe.md")


@pytest.mark.parametrize("name", ["folder", "folder.md", "folder.pdf"])
def test_a_directory_is_called_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert "this is a directory" in _refusal(tmp_path / name)
    with pytest.raises(IntakeError, match="this is a directory"):
        read_article(tmp_path / name)


@pytest.mark.parametrize("name", ["issue.md", "issue.txt", "issue.pdf", "issue.docx", "issue"])
@pytest.mark.parametrize(
    ("data", "what", "to_do"),
    [
        (b"PK\x03\x04\x14\x00", "Word", "save"),
        (b"PK\x05\x06" + bytes(18), "ZIP", "unpack"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Word", "save"),
        (b"{\\rtf1\\ansi", "RTF", "save"),
        (b"\x89PNG\r\n\x1a\n\x00", "image", "recogni"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image", "recogni"),
        (b"GIF89a\x01\x00", "image", "recogni"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image", "recogni"),
        (b"II*\x00", "image", "recogni"),
        (b"BM\x9a\x00\x00\x00\x00\x00\x00\x00", "image", "recogni"),
    ],
)
def test_a_form_that_is_no_text_is_named_whatever_the_suffix(
    tmp_path: Path, data: bytes, what: str, to_do: str, name: str
) -> None:
    message = _refusal(_file(tmp_path, data, name))
    assert what in message
    assert to_do in message


@pytest.mark.parametrize("start", ["PK赛", "BM公司", "GIF动图", "II*号", "RIFF"])
def test_text_that_begins_like_another_form_is_text(tmp_path: Path, start: str) -> None:
    assert read(_file(tmp_path, f"{start}{_CHINESE}"))[0].text.startswith(start)


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


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_told_by_its_characters(encoding: str) -> None:
    text = f"一、总第534期\n{_CHINESE}一二三\n"
    assert decode(text.encode(encoding), "x") == text
    assert decode(b"plain text in Latin letters\n".decode().encode(encoding), "x") == "plain text in Latin letters\n"


def test_big5_is_told_from_gb18030_by_which_looks_chinese() -> None:
    traditional = "園區今天舉行了會議,來自各地的一百位專家參加了這次會議,會中發表了新的成果,深水埗的團隊也在其中。\n"
    assert decode(traditional.encode("big5hkscs"), "x") == traditional
    assert decode(traditional.encode("gb18030"), "x") == traditional
    assert decode(_CHINESE.encode("gb18030"), "x") == _CHINESE


@pytest.mark.parametrize("data", [b"\x7fELF\x02\x01\x01\x00", "高".encode("utf-16-le") + b"a\x00", b"a\x00b"])
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
@example(b"\xde\xb2")
@example(b"\xdc\x8f")
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


# Plain text


def test_plain_text_has_no_hints() -> None:
    assert text.lines("刊名\n\n  一、 *不是* 斜体\n　　正文\n————\n# 一\n") == (
        Line("刊名", 1),
        Line("一、 *不是* 斜体", 3, gap=True, indent=2),
        Line("正文", 4, indent=4),
        Line("", 5, rule=True),
        Line("# 一", 6),
    )


def test_a_form_feed_ends_a_page_and_a_line() -> None:
    assert text.lines("甲\n乙\f丙\n") == (Line("甲", 1, page=1), Line("乙", 2, page=1), Line("丙", 3, page=2))
    assert clean("甲\f乙", pages=True) == "甲\f乙"
    assert [line.text for line in markdown.lines("甲\f乙")] == ["甲", "乙"]


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


@pytest.mark.parametrize("suffix", _OF_TEXT)
def test_a_short_paragraph_of_a_single_article_may_be_cut(tmp_path: Path, suffix: str) -> None:
    source = "昆山高新区开工\n\n项目在昆山高\n\n新区开工。\n\n下一步打算\n\n高新区将加快建设,力争年内建成投产。\n"
    assert [(block.kind, block.text) for block in read_article(_file(tmp_path, source, f"a{suffix}")).blocks] == [
        (BlockKind.PARAGRAPH, "项目在昆山高新区开工。"),
        (BlockKind.HEADING, "下一步打算"),
        (BlockKind.PARAGRAPH, "高新区将加快建设,力争年内建成投产。"),
    ]


def test_a_single_article_in_bold_all_over(tmp_path: Path) -> None:
    source = "**标题**\n\n**近日,项目在昆山高**\n\n**新区正式开工建设,总投资达到了十亿元。**\n"
    assert [block.text for block in read_article(_file(tmp_path, source)).blocks] == [
        "近日,项目在昆山高新区正式开工建设,总投资达到了十亿元。"
    ]


def test_an_article_needs_text(tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match="no text"):
        read_article(_file(tmp_path, "---\n\n***\n"))


def test_each_suffix_that_is_named_has_a_reader_and_no_other() -> None:
    assert {*readers._TEXTS, *readers._PAGES, *(f".{form}" for form in readers._BYTES)} == set(SUFFIXES)
