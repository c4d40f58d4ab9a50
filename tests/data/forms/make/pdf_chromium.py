"""The sample issue as a web page, printed by Chromium: `pdf_chromium.py FOLDER`.

`chromium.pdf` has one column of text with indented paragraphs and a page number at the foot; `chromium-columns.pdf` has
two columns of text, with paragraphs set apart by gaps, and a ruled box around the contents list.
"""

from __future__ import annotations

import html
import subprocess
import sys
import tempfile
from pathlib import Path

from pdf_content import Article, Issue, issue
from pdf_fonts import subset

_ONE = """
@page { size: A4; margin: 25mm 24mm 22mm; @bottom-center { content: "— " counter(page) " —"; font-size: 9pt } }
body { font: 11.5pt/1.75 "Bulletin"; margin: 0; text-align: justify }
h1 { font-size: 34pt; letter-spacing: .5em; text-align: center; color: #b00; margin: 0 }
.head { text-align: center; border-bottom: 2px solid #b00; padding-bottom: 4pt }
.contents b { display: block; margin-top: 6pt } .contents p { text-indent: 0; margin-left: 2em }
h2 { font-size: 20pt; color: #b00; margin: 18pt 0 6pt } h3 { font-size: 15pt; text-align: center; margin: 14pt 0 6pt }
h4 { font-size: 12.5pt; margin: 8pt 0 4pt 2em } p { text-indent: 2em; margin: 0 }
.credit { text-align: right } .colophon { border-top: 1px solid; margin-top: 20pt; font-size: 9.5pt }
.colophon p, .head p { text-indent: 0 }
"""
_TWO = """
@page { size: A4; margin: 18mm 16mm; @top-left { content: "火炬动态"; font-size: 8pt }
 @top-right { content: "2022年第5期(总第534期)  第" counter(page) "页"; font-size: 8pt } }
@page :first {
 @top-left { content: none } @top-right { content: none } }
body { font: 10pt/1.6 "Bulletin"; margin: 0; text-align: justify }
h1 { font-size: 30pt; margin: 0 } .head p { margin: 0 }
.contents { border: 1px solid #888; padding: 4mm; margin: 5mm 0 }
.contents b { display: block } .contents p { margin: 0 } .body { columns: 2; column-gap: 8mm }
h2 { font-size: 15pt; margin: 10pt 0 4pt } h3 { font-size: 12pt; margin: 8pt 0 4pt }
h4 { font-size: 10pt; margin: 6pt 0 }
p { margin: 0 0 6pt } .credit { text-align: left } .colophon { column-span: all; border-top: 1px solid }
"""


def page(found: Issue, style: str) -> str:
    contents = "".join(
        f"<b>【{name}】</b>" + "".join(f"<p>{html.escape(title)}</p>" for title in titles)
        for name, titles in found.contents
    )
    body = "".join(f"<h2>{name}</h2>" + "".join(map(_article, articles)) for name, articles in found.columns)
    colophon = "".join(f"<p>{html.escape(line)}</p>" for line in found.colophon)
    return (
        f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>火炬动态</title><style>{style}</style>'
        f'<div class="head"><h1>{found.title}</h1><p>{found.publisher}</p><p>{found.number}</p></div>'
        f'<div class="contents">{contents}</div><div class="body">{body}'
        f'<div class="colophon">{colophon}</div></div></html>'
    )


def _article(article: Article) -> str:
    blocks = [
        f"<h4>{html.escape(text)}</h4>" if kind == "heading" else f"<p>{html.escape(text)}</p>"
        for kind, text in article.blocks
    ]
    credit = html.escape(article.credit)
    if article.credit_apart:
        blocks.append(f'<p class="credit">{credit}</p>')
    else:
        blocks[-1] = blocks[-1].removesuffix("</p>") + f" {credit}</p>"
    return f"<h3>{html.escape(article.title)}</h3>" + "".join(blocks)


def printed(style: str, family: str, target: Path) -> None:
    faces = "".join(
        f'@font-face {{ font-family: "Bulletin"; font-weight: {weight.lower()}; src: url("{weight}.ttf") }}\n'
        for weight in ("Normal", "Bold")
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "issue.html"
        source = page(issue(), faces + style)
        file.write_text(source, encoding="utf-8")
        subset(family, "Regular", source, Path(folder) / "Normal.ttf")
        subset(family, "Bold", source, Path(folder) / "Bold.ttf")
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile",
             "--no-pdf-header-footer", f"--print-to-pdf={target}", file.as_uri()],
            check=True,
        )  # fmt: skip


if __name__ == "__main__":
    out = Path(sys.argv[1])
    printed(_ONE, "Serif", out / "chromium.pdf")
    printed(_TWO, "Sans", out / "chromium-columns.pdf")
