"""Makes the sample issue as Word documents, one by the book and one as an editor leaves it.

PYTHONPATH=. python tests/data/forms/make/docx_word.py
"""

from __future__ import annotations

import re
from typing import Any

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Pt
from docx.text.paragraph import Paragraph

from tests.data.forms.make import docx_content as content

_PARTS = f"""
<w:abstractNum {nsdecls("w")} w:abstractNumId="90">
  <w:multiLevelType w:val="multilevel"/>
  <w:lvl w:ilvl="0">
    <w:start w:val="1"/><w:numFmt w:val="chineseCounting"/><w:pStyle w:val="Heading3"/>
    <w:suff w:val="nothing"/><w:lvlText w:val="%1、"/><w:lvlJc w:val="left"/>
  </w:lvl>
  <w:lvl w:ilvl="1">
    <w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%2."/><w:lvlJc w:val="left"/>
  </w:lvl>
</w:abstractNum>"""
_PARTS_NUM = f'<w:num {nsdecls("w")} w:numId="90"><w:abstractNumId w:val="90"/></w:num>'
_CHINESE_NUMBER = re.compile(r"[一二三四五六七八九十]、")
_NUMBER = re.compile(r"\d\. ")


# By the book: styles for all headings, automatic numbers


def styled() -> None:
    """Title, Heading 1 to 3, a list of two levels whose numbers Word counts."""
    document = docx.Document()
    _number_parts(document)
    issue = content.issue()
    document.add_paragraph(issue["title"], style="Title")
    document.add_paragraph(issue["publisher"], style="Subtitle")
    document.add_paragraph(f"{content.NUMBER} {content.DATE}")
    for listed in content.contents():
        document.add_paragraph(f"【{listed.name}】", style="Heading 1")
        for title in listed.titles:
            document.add_paragraph(title)
    for column in issue["columns"]:
        document.add_paragraph(column["name"], style="Heading 1")
        for article in column["articles"]:
            document.add_paragraph(article["title"], style="Heading 2")
            for block in article["blocks"]:
                _styled_block(document, block)
            document.add_paragraph(content.credit(article))
    for line in filter(None, content.colophon()):
        document.add_paragraph(line)
    document.save(str(content.FORMS / "styled.docx"))


def _number_parts(document: Any) -> None:
    numbering = document.part.numbering_part.element
    numbering.insert(0, parse_xml(_PARTS))
    numbering.append(parse_xml(_PARTS_NUM))
    heading = document.styles["Heading 3"].element.get_or_add_pPr()
    heading.append(parse_xml(f'<w:numPr {nsdecls("w")}><w:numId w:val="90"/></w:numPr>'))


def _styled_block(document: Any, block: dict[str, str]) -> None:
    text = block["text"]
    if block["kind"] == "heading":
        document.add_paragraph(_CHINESE_NUMBER.sub("", text, count=1), style="Heading 3")
    elif _NUMBER.match(text):
        paragraph = document.add_paragraph(_NUMBER.sub("", text, count=1), style="List Paragraph")
        _number(paragraph)
    else:
        document.add_paragraph(text)


def _number(paragraph: Paragraph) -> None:
    properties = paragraph._p.get_or_add_pPr()
    properties.append(parse_xml(f'<w:numPr {nsdecls("w")}><w:ilvl w:val="1"/><w:numId w:val="90"/></w:numPr>'))


# As an editor leaves it: no styles, only sizes, bold and centring


def plain() -> None:
    """Masthead in a table without lines, contents as a field with dots and pages, credits on the right, text in many
    runs; the page's number in the foot, the bulletin's name in the head."""
    document = docx.Document()
    _page_furniture(document)
    issue = content.issue()
    _line(document, " ".join(issue["title"]), size=42, bold=True, centred=True)
    _line(document, issue["publisher"], size=18, centred=True)
    table = document.add_table(rows=1, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = content.NUMBER, content.DATE
    _line(document, "目  录", size=16, bold=True, centred=True)
    _contents(document)
    document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)
    for column in issue["columns"]:
        _line(document, f"【{column['name']}】", size=22, bold=True)
        for article in column["articles"]:
            _line(document, article["title"], size=18, bold=True, centred=True)
            for block in article["blocks"]:
                _plain_block(document, block)
            _line(document, content.credit(article), align=WD_ALIGN_PARAGRAPH.RIGHT)
            document.add_paragraph()
    _colophon(document)
    document.save(str(content.FORMS / "plain.docx"))


def _page_furniture(document: Any) -> None:
    section = document.sections[0]
    section.header.paragraphs[0].text = "火炬动态  2022年第5期"
    _field(section.footer.paragraphs[0], " PAGE ", "1")


def _line(
    document: Any,
    text: str,
    *,
    size: int = 0,
    bold: bool = False,
    centred: bool = False,
    align: WD_ALIGN_PARAGRAPH | None = None,
) -> None:
    paragraph = document.add_paragraph()
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER if centred else align
    run = paragraph.add_run(text)
    run.bold = bold or None
    if size:
        run.font.size = Pt(size)


def _contents(document: Any) -> None:
    """The field of a contents list begins in its first entry and ends in its last one."""
    entries = [text for listed in content.contents() for text in (f"【{listed.name}】", *listed.titles)]
    for index, text in enumerate(entries):
        paragraph = document.add_paragraph()
        paragraph._p.get_or_add_pPr().append(
            parse_xml(f'<w:tabs {nsdecls("w")}><w:tab w:val="right" w:leader="dot" w:pos="8296"/></w:tabs>')
        )
        if index == 0:
            _field_part(paragraph, "begin")
            _instruction(paragraph, ' TOC \\o "1-3" \\h \\z \\u ')
            _field_part(paragraph, "separate")
        paragraph.add_run(text)
        paragraph.add_run("\t")
        _field(paragraph, f" PAGEREF _Toc{index} \\h ", str(index // 3 + 1))
        if index == len(entries) - 1:
            _field_part(paragraph, "end")


def _field(paragraph: Paragraph, code: str, result: str) -> None:
    _field_part(paragraph, "begin")
    _instruction(paragraph, code)
    _field_part(paragraph, "separate")
    paragraph.add_run(result)
    _field_part(paragraph, "end")


def _field_part(paragraph: Paragraph, kind: str) -> None:
    element = OxmlElement("w:fldChar")
    element.set(qn("w:fldCharType"), kind)
    paragraph.add_run()._r.append(element)


def _instruction(paragraph: Paragraph, code: str) -> None:
    element = OxmlElement("w:instrText")
    element.set(qn("xml:space"), "preserve")
    element.text = code
    paragraph.add_run()._r.append(element)


def _plain_block(document: Any, block: dict[str, str]) -> None:
    text = block["text"]
    if block["kind"] == "heading":
        _line(document, text, bold=True)
        return
    paragraph = document.add_paragraph()
    paragraph.add_run("\u3000\u3000")
    for start in range(0, len(text), 37):  # as spelling checks and later changes leave it
        paragraph.add_run(text[start : start + 37])


def _colophon(document: Any) -> None:
    paragraph = document.add_paragraph()
    for index, line in enumerate(content.colophon()):
        if index:
            paragraph.add_run().add_break()
        paragraph.add_run(line)


if __name__ == "__main__":
    styled()
    plain()
