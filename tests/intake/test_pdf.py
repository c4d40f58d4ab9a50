"""PDF: the sample in four layouts, what a page's print says, and files that are refused."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from importlib.util import find_spec
from pathlib import Path

import pytest

from dispatch.catalog import load_catalog
from dispatch.errors import IntakeError
from dispatch.intake.line import Document, Line, LineKind
from dispatch.intake.readers import document as read
from dispatch.intake.readers import pdf
from dispatch.intake.readers.pdf_characters import normal
from dispatch.intake.readers.pdf_paragraphs import seam
from dispatch.intake.splitter import split
from dispatch.model import Mark, MarkKind

_ROOT = Path(__file__).parents[2]
_FORMS = _ROOT / "tests" / "data" / "forms" / "pdf"
_EXPECTED = json.loads((_ROOT / "tests/data/huoju-2022-05.expected.json").read_text(encoding="utf-8"))

_A4 = (595, 842)
_FONTS = {"F1": "STSong-Light", "F2": "STSong-Light,Bold"}


def _file(objects: list[bytes], trailer: bytes = b"") -> bytes:
    """A PDF of numbered objects, the first of which is the catalog."""
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer << /Size %d /Root 1 0 R %b >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return bytes(out)


def _stream(content: bytes, entries: bytes = b"") -> bytes:
    packed = zlib.compress(content)
    return b"<< /Length %d /Filter /FlateDecode %b >>\nstream\n%b\nendstream" % (len(packed), entries, packed)


def _pdf(*pages: str, more: bytes = b"", resources: bytes = b"", extra: tuple[bytes, ...] = ()) -> bytes:
    """A PDF with a page for each content, `more` in each page's dictionary, `extra` objects from number 100 on."""
    fonts = b" ".join(
        b"/%b << /Type /Font /Subtype /Type0 /BaseFont /%b /Encoding /UniGB-UCS2-H /DescendantFonts [ << /Type /Font "
        b"/Subtype /CIDFontType0 /BaseFont /%b /DW 1000 /W [ 1 95 500 814 939 500 ] "
        b"/CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> "
        b"/FontDescriptor << /Type /FontDescriptor /FontName /%b /Flags 4 /FontBBox [ 0 -200 1000 900 ] "
        b"/ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 700 /StemV 80 >> >> ] >>"
        % (key.encode(), name.encode(), name.encode(), name.encode())
        for key, name in _FONTS.items()
    )
    fonts += b" /F3 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    count = len(pages)
    kids = b" ".join(b"%d 0 R" % (3 + 2 * index) for index in range(count))
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count %d /Kids [ %b ] >>" % (count, kids)]
    for index, content in enumerate(pages):
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [ 0 0 %d %d ] /Contents %d 0 R "
            b"/Resources << /Font << %b >> %b >> %b >>" % (*_A4, 4 + 2 * index, fonts, resources, more),
            _stream(content.encode()),
        ]
    if extra:
        objects += [b"null"] * (99 - len(objects))
    return _file([*objects, *extra])


def _at(x: float, y: float, text: str, size: float = 10, font: str = "F1") -> str:
    """A text at x from the left and y from the top."""
    return f"BT /{font} {size} Tf {x} {_A4[1] - y} Td <{text.encode('utf-16-be').hex()}> Tj ET\n"


def _lines(*pages: str, more: bytes = b"") -> tuple[Line, ...]:
    return _read(_pdf(*pages, more=more)).lines


def _read(data: bytes) -> Document:
    return pdf.document(data, "x.pdf")


def _texts(*pages: str) -> list[str]:
    return [line.text for line in _lines(*pages)]


def _refusal(data: bytes) -> str:
    with pytest.raises(IntakeError) as caught:
        _read(data)
    message = str(caught.value)
    assert message.startswith("x.pdf: ")
    return message


def _paragraph(y: float, text: str, *, left: float = 60, wide: int = 40, indent: int = 2, step: float = 16) -> str:
    """A text set in lines of `wide` characters of 10 points, the first one indented."""
    lines = [text[: wide - indent]] + [text[at : at + wide] for at in range(wide - indent, len(text), wide)]
    return "".join(
        _at(left + (0 if index else 10 * indent), y + step * index, line) for index, line in enumerate(lines)
    )


_PROSE = (
    "高新区持续优化创新生态体系一方面科学规划布局以推进示范区建设为引领重点布局区域创新中心和各类研发平台" * 3 + "。"
)


# The sample


@pytest.mark.parametrize("form", ["chromium", "chromium-columns", "reportlab", "libreoffice"])
def test_the_sample_is_read_exactly(form: str) -> None:
    file = _FORMS / f"{form}.pdf"
    found = split(read(file).lines, load_catalog().bulletins, file.name)
    issue = found.issue
    assert (issue.bulletin, issue.title, issue.publisher) == ("huoju", _EXPECTED["title"], _EXPECTED["publisher"])
    assert (issue.year, issue.number, issue.total, str(issue.date)) == (2022, 5, 534, _EXPECTED["date"])
    assert [(column.name, column.contents_name) for column in issue.columns] == [
        (column["name"], column["contents_name"]) for column in _EXPECTED["columns"]
    ]
    for column, wanted in zip(issue.columns, _EXPECTED["columns"], strict=True):
        assert [(article.title, article.credit) for article in column.articles] == [
            (article["title"], article["credit"]) for article in wanted["articles"]
        ]
        for article, right in zip(column.articles, wanted["articles"], strict=True):
            assert [(block.kind.value, block.text) for block in article.blocks] == [
                (block["kind"], block["text"]) for block in right["blocks"]
            ]
    assert len(found.warnings) == 2  # the column and the title that the contents list spells otherwise


def test_lines_know_their_page_and_are_counted() -> None:
    lines = read(_FORMS / "chromium.pdf").lines
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert {line.page for line in lines} == set(range(1, 12))


def test_a_process_that_reads_no_pdf_does_without_pdfium() -> None:
    program = "import sys, dispatch.intake.readers; sys.exit('pypdfium2' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=_ROOT)


# Lines and paragraphs


def test_printed_lines_of_a_paragraph_are_one_line_and_an_indent_begins_the_next() -> None:
    assert _texts(_paragraph(100, _PROSE) + _paragraph(180, _PROSE)) == [_PROSE, _PROSE]


def test_a_paragraph_goes_on_over_the_end_of_a_page() -> None:
    cut = 40 * 2 - 2
    top = "".join(_paragraph(100 + 80 * index, _PROSE) for index in range(2)) + _paragraph(260, _PROSE[:cut])
    rest = "".join(_at(60, 100 + 16 * at, _PROSE[cut + 40 * at :][:40]) for at in range(2))
    assert _texts(top, rest + _paragraph(148, _PROSE)) == [_PROSE] * 4


def test_blanks_between_lines_are_put_where_words_of_latin_meet() -> None:
    assert seam("深度融合", "应用") == ""
    assert seam("the open", "source way") == " "
    assert seam("first,", "second") == " "
    assert seam("2022年1", "9月") == ""
    assert seam("同时,", "以区") == ""


def test_a_typed_blank_stays_and_spread_characters_get_none() -> None:
    spread = "".join(_at(60 + 11.5 * at, 200, char) for at, char in enumerate("高新区持续优化创新生态"))
    assert _texts(_at(60, 100, "张木 陈力 2022年 a b") + spread) == ["张木 陈力 2022年 a b", "高新区持续优化创新生态"]


def test_a_text_printed_twice_for_a_shadow_is_read_once() -> None:
    assert _texts(_at(60, 100, "高新区动态") + _at(60.4, 100.4, "高新区动态")) == ["高新区动态"]


def test_what_runs_across_the_page_and_what_is_beside_it_are_left_out() -> None:
    watermark = f"BT /F1 40 Tf 0.7 0.7 -0.7 0.7 100 300 Tm <{'内部资料'.encode('utf-16-be').hex()}> Tj ET\n"
    assert _texts(_at(60, 100, "高新区动态") + watermark + _at(700, 100, "看不见")) == ["高新区动态"]


def test_a_page_on_its_side_is_read_as_it_runs() -> None:
    turned = "".join(
        f"BT /F1 10 Tf 0 1 -1 0 {x} 60 Tm <{text.encode('utf-16-be').hex()}> Tj ET\n"
        for x, text in ((100, "第一行文字"), (140, "第二行文字"))
    )
    assert [line.text for line in _lines(turned, more=b"/Rotate 90")] == ["第一行文字", "第二行文字"]


@pytest.mark.parametrize(
    ("given", "wanted"), [("⼯", "工"), ("⻓", "长"), ("⻰", "龙"), ("\uf0b7", "•"), ("\ue123", "")]
)
def test_characters_of_fonts_are_made_normal(given: str, wanted: str) -> None:
    assert normal(given) == wanted


def test_an_invisible_layer_of_text_counts_as_text() -> None:
    assert _texts("3 Tr\n" + _at(60, 100, "看不见的文字层")) == ["看不见的文字层"]


# Columns, heads, leaders


def test_two_columns_are_read_one_after_the_other_below_what_goes_across() -> None:
    across = _at(60, 80, "横跨两栏的一个很长的标题它一直写到右边才算完结没有在中间断开", 15)
    left = "".join(_at(60, 120 + 16 * at, f"左栏的第{at}行文字一直写到边上为止了了") for at in range(5))
    right = "".join(_at(310, 125 + 16 * at, f"右栏的第{at}行文字一直写到边上为止了了") for at in range(5))
    text = "".join(_texts(across + left + right))
    places = [text.index(word) for word in ("横跨", "左栏的第0", "左栏的第4", "右栏的第0", "右栏的第4")]
    assert places == sorted(places)


def test_numbers_at_the_right_of_a_list_are_no_column() -> None:
    entries = "".join(_at(60, 100 + 20 * at, f"第{at}个题目") + _at(500, 100 + 20 * at, "三页") for at in range(5))
    assert _texts(entries) == [f"第{at}个题目 三页" for at in range(5)]


def test_dotted_leaders_and_page_numbers_go() -> None:
    assert _texts(_at(60, 100, "创新生态" + "." * 40 + "12") + _at(60, 120, "园区发展" + "…" * 12 + " 3")) == [
        "创新生态",
        "园区发展",
    ]


def test_running_heads_feet_and_page_numbers_go() -> None:
    pages = [
        _at(60, 40, f"科技动态 第{number}页")
        + _paragraph(100, f"第{'一二三四'[number]}页的文字。")
        + _at(290, 810, str(number))
        for number in range(4)
    ]
    assert _texts(*pages) == [f"第{char}页的文字。" for char in "一二三四"]


def test_a_head_that_alone_says_the_number_of_the_issue_stays_once() -> None:
    pages = [_at(60, 40, "科技动态 2022年第5期") + _paragraph(100, f"第{char}页的文字。") for char in "一二三"]
    assert _texts(*pages) == ["科技动态 2022年第5期", *(f"第{char}页的文字。" for char in "一二三")]


def test_headings_have_levels_by_size_and_bold_lines_a_hint() -> None:
    head = _at(60, 60, "火炬动态", 30) + _at(60, 110, "园区发展", 18) + _at(60, 150, "一个题目", 14)
    lines = _lines(head + _at(60, 180, "小标题", 10, "F2") + _paragraph(200, _PROSE))
    assert [(line.level, line.bold) for line in lines] == [(1, False), (2, False), (3, False), (0, True), (0, False)]


# Items, emphasis, links, tables


def test_bullets_make_items() -> None:
    lines = _lines(_paragraph(100, _PROSE) + _at(60, 200, "• 第一项") + _at(60, 216, "• 第二项"))
    assert [(line.kind, line.text) for line in lines[1:]] == [
        (LineKind.ITEM, "第一项"),
        (LineKind.ITEM, "第二项"),
    ]


def test_bold_words_in_a_text_are_marked() -> None:
    line = _lines(_at(60, 100, "创新生态完善。", 10, "F2") + _at(130, 100, "高新区持续优化创新体系的建设"))[0]
    assert line.marks == (Mark(MarkKind.STRONG, 0, 7),)
    assert not line.bold


@pytest.mark.parametrize("href", ["https://example.org/a?b=1", "mailto:a@example.org"])
def test_an_address_behind_words_is_a_link(href: str) -> None:
    data = _with_link(href)
    assert _read(data).lines[0].marks == (Mark(MarkKind.LINK, 2, 4, href),)


@pytest.mark.parametrize("href", ["javascript:alert(1)", "file:///etc/passwd", "relative.html"])
def test_an_address_that_is_none_of_the_web_is_no_link(href: str) -> None:
    assert _read(_with_link(href)).lines[0].marks == ()


def _with_link(href: str) -> bytes:
    rect = b"[ 80 735 100 755 ]"
    link = b"/Annots [ << /Type /Annot /Subtype /Link /Rect %b /A << /S /URI /URI (%b) >> >> ]" % (rect, href.encode())
    return _pdf(_at(60, 100, "请看此处的说明"), more=link)


def test_ruling_lines_that_make_a_grid_are_a_table() -> None:
    edges = [f"60 {y} m 360 {y} l S\n" for y in (700, 670, 640)] + [
        f"{x} 640 m {x} 700 l S\n" for x in (60, 160, 260, 360)
    ]
    cells = "".join(
        _at(65 + 100 * column, 842 - 680 + 30 * row, f"{row}行{column}列") for row in range(2) for column in range(3)
    )
    lines = _lines(_paragraph(60, "表格之前的文字。") + "".join(edges) + cells + _paragraph(260, "表格之后的文字。"))
    assert [line.kind for line in lines] == [LineKind.TEXT, LineKind.TABLE, LineKind.TEXT]
    assert lines[1].rows == tuple(tuple(f"{row}行{column}列" for column in range(3)) for row in range(2))
    assert lines[1].text == "0行0列 | 0行1列 | 0行2列\n1行0列 | 1行1列 | 1行2列"


def test_a_frame_around_a_text_is_no_table() -> None:
    assert _texts("50 600 400 150 re S\n" + _at(60, 150, "框里的文字")) == ["框里的文字"]


# Raised and lowered, and fonts of shapes


@pytest.mark.parametrize(
    ("before", "small", "rise", "after", "expected"),
    [
        ("用水10", "4", 3, "立方米", "用水10⁴立方米"),
        ("用水10", "4", 5, "立方米", "用水10⁴立方米"),  # a row of its own but for what it stands beside
        ("面积5m", "2", 4, "左右", "面积5m²左右"),
        ("减排CO", "2", -2, "三成", "减排CO₂三成"),
        ("完成评审", "1", 4, ",开工", "完成评审[1],开工"),
        ("细颗粒物PM", "2.5", -2, "下降", "细颗粒物PM2.5下降"),
    ],
)
def test_smaller_characters_above_and_below_the_line(
    before: str, small: str, rise: float, after: str, expected: str
) -> None:
    x = 60 + sum(5 if char.isascii() else 10 for char in before)
    raised = f"BT /F3 6 Tf {x} {_A4[1] - 100 + rise} Td ({small}) Tj ET\n"
    line = _at(60, 100, before) + raised + _at(x + 3 * len(small), 100, after)
    assert _texts(_paragraph(60, _PROSE[:40]) + line) == [_PROSE[:40], expected]


def test_a_small_line_above_a_large_one_stays_a_line() -> None:
    assert _texts(_at(60, 90, "123 abc", 6) + _at(60, 112, "火炬动态", 20)) == ["123 abc", "火炬动态"]


def test_a_face_of_shapes_has_no_blanks_within_words_and_drawn_bullets_are_items() -> None:
    lines = read(_FORMS.parent / "type3" / "type3.pdf").lines
    assert [(line.kind, line.text) for line in lines] == [
        (LineKind.TEXT, "截至6月底,重大项目的目标日期是七月底,用水10⁴m³,减排CO₂,见项目目标[1]。"),
        (LineKind.ITEM, "重大项目;"),
        (LineKind.ITEM, "六月的目标;"),
        (LineKind.ITEM, "七月底,见目标日期。"),
    ]


def test_a_dash_is_a_bullet_where_the_line_is_indented() -> None:
    page = _paragraph(100, _PROSE) + _at(80, 200, "- 第一项") + _at(80, 216, "- 第二项") + _at(60, 240, "- 文字")
    assert [(line.kind, line.text) for line in _lines(page)[1:]] == [
        (LineKind.ITEM, "第一项"),
        (LineKind.ITEM, "第二项"),
        (LineKind.TEXT, "- 文字"),
    ]


def test_a_shape_amid_a_line_is_no_bullet() -> None:
    assert _texts(_at(60, 100, "前面的文字") + _at(120, 100, "后面的文字") + "112 743 4 4 re f\n") == [
        "前面的文字 后面的文字"
    ]


# Refusals


def test_an_encrypted_pdf_is_refused() -> None:
    lock = b"/Encrypt << /Filter /Standard /V 1 /R 2 /O <%b> /U <%b> /P -44 >> /ID [ <00> <00> ]" % (
        b"41" * 32,
        b"42" * 32,
    )
    message = _refusal(_file([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 0 /Kids [] >>"], lock))
    assert "password" in message
    assert "save it without one" in message


@pytest.mark.parametrize("data", [b"%PDF-1.7\n", b"%PDF-1.4\n" + bytes(range(256)) * 20])
def test_a_damaged_pdf_is_refused(data: bytes) -> None:
    assert "damaged" in _refusal(data)


def test_a_pdf_without_pages_is_refused() -> None:
    message = _refusal(_file([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 0 /Kids [] >>"]))
    assert "no pages" in message or "damaged" in message


def test_a_pdf_of_too_many_pages_is_refused() -> None:
    assert f"more than {pdf.MAX_PAGES}" in _refusal(_pdf(*[""] * (pdf.MAX_PAGES + 1)))


def test_a_page_of_too_many_characters_is_refused() -> None:
    lines = (_at(10, 10 + 8 * at, "新" * 1_000, 1) for at in range(pdf.MAX_PAGE_CHARACTERS // 1_000 + 1))
    assert "characters on page 1" in _refusal(_pdf("".join(lines)))


def test_an_empty_page_says_that_there_is_no_text() -> None:
    assert "no text" in _refusal(_pdf("100 100 m 200 200 l S"))


def test_the_fixture_cut_short_anywhere_is_read_or_refused_with_words() -> None:
    data = (_FORMS / "reportlab.pdf").read_bytes()
    for size in range(0, len(data), len(data) // 40):
        try:
            assert _read(data[:size]).lines
        except IntakeError as error:
            assert str(error).startswith("x.pdf: ")  # noqa: PT017 - both are right


# Scans


def _scan(source: Path) -> bytes:
    """The first page of a PDF as a picture in another one."""
    import pypdfium2

    with pypdfium2.PdfDocument(source) as pages:
        bitmap = pages[0].render(scale=2, grayscale=True)
        packed = zlib.compress(bytes(bitmap.buffer))
        size = (bitmap.stride, bitmap.height)
    picture = (
        b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 "
        b"/Filter /FlateDecode /Length %d >>\nstream\n%b\nendstream" % (*size, len(packed), packed)
    )
    return _pdf("595 0 0 842 0 0 cm /P Do", resources=b"/XObject << /P 100 0 R >>", extra=(picture,))


def test_a_scan_is_refused_with_the_extra_that_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)  # as where the extra is not installed
    message = _refusal(_scan(_FORMS / "libreoffice.pdf"))
    assert "scan" in message
    assert 'pip install "huoju-dispatch[ocr]"' in message


@pytest.mark.skipif(find_spec("rapidocr") is None, reason='OCR is not installed: pip install "huoju-dispatch[ocr]"')
def test_a_scan_is_read_by_ocr_and_says_so() -> None:
    found = _read(_scan(_FORMS / "libreoffice.pdf"))
    assert found.warnings == ("Page 1 was read by OCR: compare it with the picture.",)
    text = "".join(line.text for line in found.lines)
    assert "科技部火炬高技术产业开发中心" in text
    assert "总第534期" in text.replace(" ", "")
