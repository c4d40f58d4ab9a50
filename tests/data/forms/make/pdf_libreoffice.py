"""The sample issue as a text of LibreOffice Writer, exported by it: `pdf_libreoffice.py FOLDER`.

`libreoffice.pdf`: a running head with the page's number on each page, a contents list with leaders, justified text with
indented paragraphs, headings in another font, a pagination with widows and orphans kept together.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

from pdf_content import Article, Issue, issue

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"
 xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"
 office:version="1.3" office:mimetype="application/vnd.oasis.opendocument.text">
<office:font-face-decls><style:font-face style:name="Serif" svg:font-family="'Noto Serif CJK SC'"/>
<style:font-face style:name="Sans" svg:font-family="'Noto Sans CJK SC'"/></office:font-face-decls><office:styles>
<style:default-style style:family="paragraph"><style:paragraph-properties fo:orphans="2" fo:widows="2"/>
<style:text-properties fo:language="none" style:language-asian="zh" style:country-asian="CN"/></style:default-style>
"""
_PAGE = """</office:styles><office:automatic-styles><style:page-layout style:name="P"><style:page-layout-properties
 fo:page-width="21cm" fo:page-height="29.7cm" fo:margin-top="2cm" fo:margin-bottom="2cm" fo:margin-left="2.8cm"
 fo:margin-right="2.6cm"/><style:header-style><style:header-footer-properties fo:min-height="1cm"/></style:header-style>
</style:page-layout></office:automatic-styles><office:master-styles><style:master-page style:name="Standard"
 style:page-layout-name="P"><style:header><text:p text:style-name="Running">火炬动态 2022年第5期(总第534期)<text:tab/>
<text:page-number/> / <text:page-count/></text:p></style:header></style:master-page></office:master-styles>
<office:body><office:text>
"""
_STYLES = (
    # name, points, font, bold, paragraph properties
    ("Title", 32, "Serif", True, 'fo:text-align="center"'),
    ("Imprint", 12, "Sans", False, 'fo:text-align="center" fo:margin-bottom="0.2cm"'),
    ("Group", 12, "Serif", True, 'fo:margin-top="0.3cm"'),
    ("Column", 18, "Serif", True, 'fo:margin-top="0.6cm" fo:margin-bottom="0.3cm" fo:keep-with-next="always"'),
    ("Article", 15, "Serif", True, 'fo:text-align="center" fo:margin-top="0.4cm" fo:keep-with-next="always"'),
    ("Part", 12, "Serif", True, 'fo:text-indent="0.85cm" fo:margin-top="0.2cm" fo:keep-with-next="always"'),
    ("Text", 12, "Sans", False, 'fo:text-indent="0.85cm" fo:text-align="justify" fo:line-height="150%"'),
    ("Credit", 12, "Sans", False, 'fo:text-align="end"'),
    ("Small", 10, "Sans", False, ""),
)
_TABBED = (
    # name, points, paragraph properties, position of the tab, its leader
    ("Entry", 11, 'fo:margin-left="0.5cm"', "15.1cm", 'style:leader-style="dotted" style:leader-text="."'),
    ("Running", 9, "", "15.6cm", ""),
)


def _style(name: str, size: int, font: str, bold: bool, properties: str, tabs: str = "") -> str:
    weight = "bold" if bold else "normal"
    return (
        f'<style:style style:name="{name}" style:family="paragraph"><style:paragraph-properties {properties}>{tabs}'
        f'</style:paragraph-properties><style:text-properties style:font-name="{font}" fo:font-size="{size}pt" '
        f'style:font-name-asian="{font}" style:font-size-asian="{size}pt" fo:font-weight="{weight}" '
        f'style:font-weight-asian="{weight}"/></style:style>'
    )


def _styles() -> str:
    tabbed = (
        _style(
            name,
            size,
            "Sans",
            False,
            properties,
            f'<style:tab-stops><style:tab-stop style:position="{position}" style:type="right" {leader}/>'
            "</style:tab-stops>",
        )
        for name, size, properties, position, leader in _TABBED
    )
    return "".join([*(_style(*style) for style in _STYLES), *tabbed])


def _text(found: Issue) -> str:
    parts = [_p("Title", found.title), _p("Imprint", found.publisher), _p("Imprint", found.number), _p("Group", "目录")]
    number = 1
    for name, titles in found.contents:
        parts.append(_p("Group", name))
        for title in titles:
            number += 1
            parts.append(f'<text:p text:style-name="Entry">{escape(title)}<text:tab/>{number}</text:p>')
    for name, articles in found.columns:
        parts += [_p("Column", name), *(part for article in articles for part in _article(article))]
    return "".join([*parts, *(_p("Small", line) for line in found.colophon)])


def _article(article: Article) -> list[str]:
    texts = list(article.blocks)
    if not article.credit_apart:
        texts[-1] = (texts[-1][0], f"{texts[-1][1]} {article.credit}")
    parts = [_p("Article", article.title)]
    parts += [_p("Part" if kind == "heading" else "Text", text) for kind, text in texts]
    return [*parts, _p("Credit", article.credit)] if article.credit_apart else parts


def _p(style: str, text: str) -> str:
    return f'<text:p text:style-name="{style}">{escape(text)}</text:p>'


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "libreoffice.fodt"
        source.write_text(
            f"{_HEAD}{_styles()}{_PAGE}{_text(issue())}</office:text></office:body></office:document>", encoding="utf-8"
        )
        subprocess.run(
            ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "pdf",
             "--outdir", str(target), str(source)],
            check=True,
        )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
