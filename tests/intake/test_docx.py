"""Word documents: the sample exactly, each feature by itself, and refusals of what strangers make."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import pytest

from dispatch.catalog import load_catalog
from dispatch.errors import IntakeError
from dispatch.intake.line import Line, LineKind
from dispatch.intake.readers import document, read
from dispatch.intake.readers import docx as reader
from dispatch.intake.readers.docx.numerals import numeral
from dispatch.intake.splitter import split
from dispatch.model import Mark, MarkKind
from tests.intake.perturb import EXPECTED, reading

_FORMS = Path(__file__).parents[1] / "data" / "forms" / "docx"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT = {
    _W: "http://purl.oclc.org/ooxml/wordprocessingml/main",
    _R: "http://purl.oclc.org/ooxml/officeDocument/relationships",
}
_SPACES = (
    f'xmlns:w="{_W}" xmlns:r="{_R}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
)


def _xml(root: str, inner: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><w:{root} {_SPACES}>{inner}</w:{root}>'


def _package(parts: dict[str, str | bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def _rels(**targets: str) -> str:
    entries = "".join(
        f'<Relationship Id="{key}" Type="{_R}/{key}" Target="{target}"/>'
        if "://" not in target and not target.startswith(("javascript", "mailto", "file"))
        else f'<Relationship Id="{key}" Type="{_R}/hyperlink" Target="{target}" TargetMode="External"/>'
        for key, target in targets.items()
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{entries}</Relationships>'
    )


def _docx(body: str, links: dict[str, str] | None = None, **parts: str) -> bytes:
    """A document of a body; `parts` are the contents of styles, numbering, footnotes, endnotes."""
    found: dict[str, str | bytes] = {
        "_rels/.rels": _rels(officeDocument="word/document.xml"),
        "word/document.xml": _xml("document", f"<w:body>{body}</w:body>"),
        "word/_rels/document.xml.rels": _rels(**{kind: f"{kind}.xml" for kind in parts}, **(links or {})),
    }
    for kind, inner in parts.items():
        found[f"word/{kind}.xml"] = _xml(kind, inner)
    return _package(found)


def _lines(body: str, links: dict[str, str] | None = None, **parts: str) -> tuple[Line, ...]:
    return reader.document(_docx(body, links, **parts), "x.docx").lines


def _texts(body: str, links: dict[str, str] | None = None, **parts: str) -> list[str]:
    return [line.text for line in _lines(body, links, **parts)]


def _p(text: str, properties: str = "", run: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:rPr>{run}</w:rPr><w:t>{text}</w:t></w:r></w:p>"


def _r(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def _refusal(data: bytes) -> str:
    with pytest.raises(IntakeError) as caught:
        reader.document(data, "x.docx")
    message = str(caught.value)
    assert message.startswith("x.docx: ")
    assert "\n" not in message
    return message


# The sample


@pytest.mark.parametrize("name", ["styled", "plain", "libreoffice"])
def test_the_sample_is_read_exactly(name: str) -> None:
    found = split(read(_FORMS / f"{name}.docx"), load_catalog().bulletins, name)
    assert reading(found.issue) == EXPECTED
    assert len(found.warnings) == 2  # a title and a column that the contents list has otherwise


@pytest.mark.parametrize("name", ["styled", "plain", "libreoffice"])
def test_the_strict_form_says_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / "strict.docx"
    parts: dict[str, str | bytes] = {}
    with zipfile.ZipFile(_FORMS / f"{name}.docx") as archive:
        for part in archive.namelist():
            content = archive.read(part)
            for uri, strict in _STRICT.items():
                content = content.replace(uri.encode(), strict.encode())
            parts[part] = content
    path.write_bytes(_package(parts))
    assert document(path).lines == document(_FORMS / f"{name}.docx").lines


# Headings


def test_levels_come_from_outline_and_style_names() -> None:
    styles = (
        '<w:style w:type="paragraph" w:styleId="1"><w:name w:val="heading 2"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="2"><w:name w:val="栏目"/><w:basedOn w:val="1"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="3"><w:name w:val="x"/><w:basedOn w:val="3"/>'
        '<w:pPr><w:outlineLvl w:val="3"/></w:pPr></w:style>'
        '<w:style w:type="paragraph" w:styleId="4"><w:name w:val="标题 3"/></w:style>'
    )
    body = "".join(_p(f"甲{key}", f'<w:pStyle w:val="{key}"/>') for key in "12345")
    body += _p("乙", '<w:outlineLvl w:val="0"/>') + _p("丙", '<w:pStyle w:val="1"/><w:outlineLvl w:val="9"/>')
    assert [line.level for line in _lines(body, styles=styles)] == [2, 2, 4, 3, 0, 1, 0]


def test_without_styles_larger_letters_are_headings() -> None:
    text = _p("正文" * 50, run='<w:sz w:val="24"/>')
    body = (
        _p("刊名", run='<w:sz w:val="72"/>')
        + _p("题目", run='<w:sz w:val="32"/>')
        + text
        + _p("短", run='<w:sz w:val="24"/>')
    )
    assert [line.level for line in _lines(body)] == [1, 2, 0, 0]


def test_a_heading_that_is_broken_is_one_and_a_paragraph_is_several_lines() -> None:
    inner = "<w:r><w:t>以科技创新</w:t><w:br/><w:t>推进区块链</w:t></w:r>"
    body = f'<w:p><w:pPr><w:outlineLvl w:val="1"/></w:pPr>{inner}</w:p><w:p>{inner}</w:p>'
    found = _lines(body)
    assert [(line.text, line.number, line.gap) for line in found] == [
        ("以科技创新推进区块链", 1, True),
        ("以科技创新", 2, True),
        ("推进区块链", 2, False),
    ]


# Lists

_NUMBERING = (
    '<w:abstractNum w:abstractNumId="1">'
    '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/><w:lvlText w:val="%1、"/></w:lvl>'
    '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%2."/></w:lvl>'
    '<w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:isLgl/><w:lvlText w:val="%1.%2.%3"/></w:lvl>'
    "</w:abstractNum>"
    '<w:abstractNum w:abstractNumId="2"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="•"/></w:lvl>'
    '<w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/><w:lvlText w:val="-"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>'
    '<w:num w:numId="2"><w:abstractNumId w:val="2"/></w:num>'
    '<w:num w:numId="3"><w:abstractNumId w:val="1"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/>'
    "</w:lvlOverride></w:num>"
)


def _listed(text: str, list_: int, depth: int = 0) -> str:
    return _p(text, f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{list_}"/></w:numPr>')


def test_numbers_are_counted_as_word_counts_them() -> None:
    order = [(1, 0), (1, 1), (1, 1), (1, 0), (1, 1), (1, 2), (3, 0), (3, 0), (0, 0), (9, 0)]
    body = "".join(_listed("甲" * 90, *place) for place in order)
    assert [text.rstrip("甲") for text in _texts(body, numbering=_NUMBERING)] == [
        "一、",
        "1. ",
        "2. ",
        "二、",
        "1. ",
        "2.1.1 ",
        "五、",
        "六、",
        "",
        "",
    ]


def test_short_numbered_lines_beside_one_another_are_items_and_bullets_go() -> None:
    body = _listed("甲", 1, 1) + _listed("乙", 1, 1) + _p("文") + _listed("丙", 1, 1) + _p("文")
    body += _listed("丁", 2) + _listed("戊", 2, 1)
    found = _lines(body, numbering=_NUMBERING)
    assert [(line.text, line.kind, line.depth) for line in found if line.text != "文"] == [
        ("1. 甲", LineKind.ITEM, 1),
        ("2. 乙", LineKind.ITEM, 1),
        ("3. 丙", LineKind.TEXT, 1),
        ("丁", LineKind.ITEM, 0),
        ("戊", LineKind.ITEM, 1),
    ]


@pytest.mark.parametrize(
    ("number", "form", "shown"),
    [
        (21, "chineseCounting", "二十一"),
        (110, "chineseCountingThousand", "一百一十"),
        (105, "chineseCountingThousand", "一百零五"),
        (10, "ideographDigital", "一〇"),
        (12, "japaneseCounting", "十二"),
        (3, "ideographTraditional", "丙"),
        (25, "chineseLegalSimplified", "贰拾伍"),
        (20, "decimalEnclosedCircle", "⑳"),
        (51, "decimalEnclosedCircle", "51"),
        (14, "upperRoman", "XIV"),
        (28, "lowerLetter", "bb"),
        (12, "ordinal", "12th"),
        (7, "unheardOf", "7"),
        (-3, "upperRoman", "-3"),
    ],
)
def test_forms_of_numbers(number: int, form: str, shown: str) -> None:
    assert numeral(number, form) == shown


# Tables


def _table(rows: list[list[str]], *, borders: bool = True) -> str:
    line = '<w:tblBorders><w:top w:val="single"/></w:tblBorders>' if borders else ""
    cells = "".join("<w:tr>" + "".join(f"<w:tc>{cell}</w:tc>" for cell in row) + "</w:tr>" for row in rows)
    return f"<w:tbl><w:tblPr>{line}</w:tblPr>{cells}</w:tbl>"


def test_a_table_keeps_rows_and_columns() -> None:
    wide = '<w:tcPr><w:gridSpan w:val="2"/></w:tcPr>'
    begun, on = ('<w:tcPr><w:vMerge w:val="restart"/></w:tcPr>', "<w:tcPr><w:vMerge/></w:tcPr>")
    nested = _table([[_p("内"), _p("外")]]) + _p("")
    rows = [
        [_p("指标"), wide + _p("数值")],
        [begun + _p("产值"), _p("1"), _p("2") + _p("亿元")],
        [on + _p(""), nested, _p("4")],
    ]
    found = _lines(_table(rows))
    assert [line.kind for line in found] == [LineKind.TABLE]
    assert found[0].rows == (("指标", "数值", ""), ("产值", "1", "2 亿元"), ("", "内 外", "4"))
    assert found[0].text.splitlines()[1] == "产值 | 1 | 2 亿元"


@pytest.mark.parametrize(
    "table",
    [
        _table([[_p("甲")], [_p("乙")]]),  # a frame
        _table([[_p("甲"), _p("乙")]]),  # a masthead in one row
        _table([[_p("甲"), _p("乙")], [_p("丙"), _p("丁")]], borders=False),
        _table([[_p("甲"), _p("1")], [_p("乙"), _p("3")]]),  # a contents list with its pages
    ],
)
def test_a_table_that_only_arranges_text_is_lines(table: str) -> None:
    found = _lines(table)
    assert len(found) >= 2
    assert {line.kind for line in found} == {LineKind.TEXT}
    assert found[0].text == "甲"


def test_a_hostile_width_makes_no_wide_row() -> None:
    wide = '<w:tcPr><w:gridSpan w:val="999999999"/></w:tcPr>'
    found = _lines(_table([[wide + _p("甲"), _p("乙")], [_p("丙"), _p("丁")]]))
    assert max(len(line.rows[0]) if line.rows else 1 for line in found) <= 63


# Notes, links, marks, fields


def test_a_note_follows_the_paragraph_that_refers_to_it() -> None:
    body = (
        f'<w:p>{_r("增长")}<w:r><w:footnoteReference w:id="7"/></w:r>'
        f'{_r("一成")}<w:r><w:endnoteReference w:id="7"/></w:r>'
        f'<w:r><w:footnoteReference w:id="99"/></w:r></w:p>{_p("后文")}'
    )
    found = _lines(
        body,
        footnotes=f'<w:footnote w:id="7">{_p("来源:统计局")}{_p("二")}</w:footnote>',
        endnotes=f'<w:endnote w:id="7">{_p("同上")}</w:endnote>',
    )
    assert [(line.text, line.kind) for line in found] == [
        ("增长[1]一成[2]", LineKind.TEXT),
        ("[1] 来源:统计局 二", LineKind.NOTE),
        ("[2] 同上", LineKind.NOTE),
        ("后文", LineKind.TEXT),
    ]


def test_marks_of_runs_are_merged_and_bold_heads_are_told() -> None:
    plain = '<w:b w:val="0"/>'
    runs = [_r("一是", "<w:b/>"), _r("创新。 ", "<w:b/>"), _r("后"), _r("文", "<w:i/>"), _r("完", plain)]
    body = f"<w:p>{''.join(runs)}</w:p>"
    line = _lines(body)[0]
    assert (line.text, line.bold) == ("一是创新。 后文完", True)
    assert line.marks == (Mark(MarkKind.STRONG, 0, 5), Mark(MarkKind.EMPHASIS, 7, 8))


def test_links_are_absolute_or_none() -> None:
    body = (
        f'<w:p><w:hyperlink r:id="a">{_r("网站")}</w:hyperlink><w:hyperlink r:id="b">{_r("坏")}</w:hyperlink>'
        f'<w:fldSimple w:instr=" HYPERLINK &quot;mailto:a@example.org&quot; ">{_r("信")}</w:fldSimple>'
        '<w:r><w:fldChar w:fldCharType="begin"/><w:instrText>HYPERLINK "https://example.org/x"</w:instrText>'
        f'<w:fldChar w:fldCharType="separate"/></w:r>{_r("域")}'
        f'<w:r><w:fldChar w:fldCharType="end"/></w:r>{_r("尾")}</w:p>'
    )
    line = _lines(body, {"a": "https://example.org/?a=1", "b": "javascript:alert(1)"})[0]
    assert line.text == "网站坏信域尾"
    assert [(mark.start, mark.end, mark.href) for mark in line.marks] == [
        (0, 2, "https://example.org/?a=1"),
        (3, 4, "mailto:a@example.org"),
        (4, 5, "https://example.org/x"),
    ]


def test_a_contents_field_loses_its_pages_and_their_dots() -> None:
    field = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
    entry = f"{_r('南昌高新区')}<w:r><w:tab/></w:r>{_r('12')}"
    body = (
        f"<w:p>{field.format('begin')}<w:r><w:instrText> TOC \\o </w:instrText></w:r>"
        f"{field.format('separate')}{entry}</w:p>"
        f"<w:p>{_r('苏州高新区…………')}<w:r><w:tab/></w:r>{_r('- 3 -')}{field.format('end')}</w:p>"
        f"<w:p>{_r('产值')}<w:r><w:tab/></w:r>{_r('12')}</w:p>"
    )
    assert _texts(body) == ["南昌高新区", "苏州高新区", "产值 12"]


# What is shown, and what is not


def test_hidden_deleted_and_replaced_text_is_left_out() -> None:
    body = (
        f"<w:p>{_r('甲')}{_r('藏', '<w:vanish/>')}<w:del><w:r><w:delText>删</w:delText></w:r></w:del>"
        f"<w:ins>{_r('乙')}</w:ins><w:moveFrom>{_r('移')}</w:moveFrom><w:moveTo>{_r('丙')}</w:moveTo>"
        "<w:ruby><w:rt><w:r><w:t>yin</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>音</w:t></w:r></w:rubyBase></w:ruby>"
        f"<w:sdt><w:sdtContent>{_r('丁')}</w:sdtContent></w:sdt><w:smartTag>{_r('戊')}</w:smartTag>"
        f"<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{_r('请输入')}</w:sdtContent></w:sdt>"
        '<w:r><w:sym w:font="Wingdings" w:char="F0FC"/><w:sym w:char="4E00"/>'
        "<w:noBreakHyphen/><w:tab/><w:t>己</w:t></w:r>"
        "<m:oMath><m:r><m:t>x=1</m:t></m:r></m:oMath></w:p>"
    )
    found = reader.document(_docx(body), "x.docx")
    assert [line.text for line in found.lines] == ["甲乙丙音丁戊一- 己x=1"]
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("Paragraph 1: there are changes")


def test_a_paragraph_whose_end_was_deleted_goes_on_in_the_next() -> None:
    mark = "<w:rPr><w:del/></w:rPr>"
    assert _texts(_p("上", mark) + _p("下") + _p("尾", mark)) == ["上下", "尾"]


def test_a_text_box_is_read_once_and_before_its_paragraph() -> None:
    box = f"<w:drawing><w:txbxContent>{_p('火炬动态')}</w:txbxContent></w:drawing>"
    old = f"<w:pict><v:textbox><w:txbxContent>{_p('火炬动态')}</w:txbxContent></v:textbox></w:pict>"
    art = '<w:pict><v:shape><v:textpath string="园区专刊"/></v:shape></w:pict>'
    body = (
        "<w:p><w:r><mc:AlternateContent>"
        f"<mc:Choice>{box}</mc:Choice><mc:Fallback>{old}</mc:Fallback></mc:AlternateContent></w:r>{_r('正文')}</w:p>"
        f"<w:p><w:r>{art}</w:r></w:p>"
        '<w:p><w:r><w:pict><v:rect o:hr="t"/></w:pict></w:r></w:p>'
    )
    found = _lines(body)
    assert [line.text for line in found] == ["火炬动态", "正文", "园区专刊", ""]
    assert [line.rule for line in found] == [False, False, False, True]


def test_an_embedded_document_is_told() -> None:
    assert reader.document(_docx(_p("甲") + '<w:altChunk r:id="x"/>'), "x").warnings == (
        "Paragraph 1: another document is embedded below it, and is not read.",
    )


def test_control_and_bidi_characters_go() -> None:
    assert _texts(_p("甲\u202e乙\u200b\u00a0丙")) == ["甲乙 丙"]


# Refusals


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ({"xl/workbook.xml": "x"}, "Excel"),
        ({"ppt/presentation.xml": "x"}, "PowerPoint"),
        ({"mimetype": "x", "content.xml": "x"}, "OpenDocument"),
        ({"a.txt": "x"}, "ZIP archive"),
        ({"[Content_Types].xml": "x"}, "missing"),
        ({"_rels/.rels": _rels(officeDocument="word/document.xml")}, "missing"),
        ({"word/document.xml": "no XML"}, "damaged"),
        ({"word/document.xml": ""}, "damaged"),
        ({"word/document.xml": _xml("document", "<w:body>")}, "damaged"),
        ({"word/document.xml": _xml("document", "<w:body/>")}, "no text"),
        ({"word/document.xml": _xml("document", "<w:body><w:p><w:r><w:drawing/></w:r></w:p></w:body>")}, "pictures"),
    ],
)
def test_what_is_no_document_is_named(parts: dict[str, str | bytes], what: str) -> None:
    assert what in _refusal(_package(parts))


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE w:document [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE w:document SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE w:document [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused(declaration: str, encoding: str) -> None:
    source = _xml("document", f"<w:body>{_p('甲')}</w:body>").replace("UTF-8", encoding.upper())
    head, end, rest = source.partition("?>")
    data = f"{head}{end}{declaration}{rest}".encode(encoding)
    assert "DTD" in _refusal(_package({"word/document.xml": data}))


def test_deep_nesting_is_refused() -> None:
    for depth in (200, 100_000):
        body = "<w:sdt><w:sdtContent>" * depth
        assert "deep" in _refusal(_package({"word/document.xml": _xml("document", f"<w:body>{body}")}))


def test_bombs_are_refused_whatever_they_declare() -> None:
    data = _docx(_p("甲" + " " * 30_000_000))
    assert "times its size" in _refusal(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = archive.getinfo("word/document.xml").file_size
    lying = data.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert lying != data
    _refusal(lying)


def test_too_many_parts_are_refused() -> None:
    assert "parts" in _refusal(_package({f"word/{index}": "" for index in range(10_001)}))


def test_damaged_archives_are_refused() -> None:
    whole = (_FORMS / "plain.docx").read_bytes()
    assert "damaged" in _refusal(whole[:-200])
    stored = _package({"word/document.xml": _xml("document", f"<w:body>{_p('原文')}</w:body>")}, zipfile.ZIP_STORED)
    assert "damaged" in _refusal(stored.replace("原文".encode(), "改文".encode()))


@pytest.mark.parametrize("name", ["styled", "plain", "libreoffice"])
def test_a_damaged_document_is_read_or_refused(name: str) -> None:
    chance = random.Random(name)
    with zipfile.ZipFile(_FORMS / f"{name}.docx") as archive:
        parts = {part: archive.read(part) for part in archive.namelist() if part.endswith((".xml", ".rels"))}
    for _ in range(40):
        damaged: dict[str, str | bytes] = dict(parts)
        part = chance.choice(sorted(parts))
        at = chance.randrange(len(parts[part]))
        damaged[part] = parts[part][:at] + chance.choice([b"", b"<w:p>", b'"', b"-9"]) + parts[part][at + 9 :]
        try:
            assert reader.document(_package(damaged), "x.docx").lines
        except IntakeError as error:
            assert str(error).startswith("x.docx: ")  # noqa: PT017 - both outcomes are right


def test_a_locked_archive_and_a_strange_packing_are_refused() -> None:
    data = _package({"word/document.xml": "x"})
    at = data.index(b"PK\x01\x02")
    locked = data[: at + 8] + b"\x01" + data[at + 9 :]
    assert "password" in _refusal(locked)
    strange = _package({"word/document.xml": "x"}, zipfile.ZIP_LZMA)
    assert "damaged" in _refusal(strange)


@pytest.mark.parametrize(
    ("stream", "what"),
    [
        ("EncryptedPackage", "password"),
        ("WordDocument", "save it as .docx or as a PDF"),
        ("Workbook", "Excel"),
        ("PowerPoint Document", "PowerPoint"),
        ("", "save it as .docx or as a PDF"),
    ],
)
def test_old_and_locked_files_of_office_are_refused_with_advice(tmp_path: Path, stream: str, what: str) -> None:
    path = tmp_path / "x.docx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + stream.encode("utf-16-le"))
    with pytest.raises(IntakeError, match=what):
        read(path)


# Raised and lowered


def test_raised_and_lowered_runs_are_no_digits_more() -> None:
    up, down = '<w:vertAlign w:val="superscript"/>', '<w:vertAlign w:val="subscript"/>'
    body = "".join(
        f"<w:p>{inner}</w:p>"
        for inner in (
            _r("用水10") + _r("4", up) + _r("m") + _r("3", up) + _r(",CO") + _r("2", down) + _r("下降"),
            _r("完成评审") + _r("1", up) + _r("2", up) + _r(",") + _r("开工", "<w:b/>"),
            _r("10") + _r("4", '<w:rStyle w:val="Up"/>'),
        )
    )
    styles = f'<w:style w:type="character" w:styleId="Up"><w:name w:val="up"/><w:rPr>{up}</w:rPr></w:style>'
    lines = _lines(body, styles=styles)
    assert [line.text for line in lines] == ["用水10⁴m³,CO₂下降", "完成评审[12],开工", "10⁴"]
    assert lines[1].marks == (Mark(MarkKind.STRONG, 9, 11),)


def test_formulas_keep_powers_and_fractions() -> None:
    def text(name: str, inner: str) -> str:
        return f"<m:{name}><m:r><m:t>{inner}</m:t></m:r></m:{name}>"

    power = f"<m:sSup>{text('e', '10')}{text('sup', '-3')}</m:sSup>"
    fraction = f"<m:f>{text('num', '1')}{text('den', '2')}</m:f>"
    assert _texts(f"<w:p>{_r('约')}<m:oMath>{power}</m:oMath>{_r('与')}<m:oMath>{fraction}</m:oMath></w:p>") == [
        "约10⁻³与1/2"
    ]


# Tables without lines


def _cells(rows: list[list[str]]) -> str:
    return _table([[_p(cell) for cell in row] for row in rows], borders=False)


def test_two_columns_without_lines_are_a_table_by_their_figures_or_when_announced() -> None:
    (line,) = _lines(_cells([["指标", "数值"], ["收入", "10"]]))
    assert line.rows == (("指标", "数值"), ("收入", "10"))
    text, table = _lines(_p("分工见下表。") + _cells([["园区", "任务"], ["甲园", "建库"]]))
    assert (text.kind, table.kind) == (LineKind.TEXT, LineKind.TABLE)


@pytest.mark.parametrize(
    "rows",
    [
        [["园区", "任务"], ["甲园", "建库"]],
        [["2024年第3期", "(总第27期)"], ["科技局编", "2024年6月18日"]],
        [["题目", "页码"], ["大会召开", "3"]],
        [["地址", "科技路1号"], ["邮编", "300000"]],
    ],
)
def test_two_columns_that_only_place_text_are_lines(rows: list[list[str]]) -> None:
    assert _texts(_cells(rows)) == [cell for row in rows for cell in row]
