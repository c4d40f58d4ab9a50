"""Writes the sample as Markdown in the manner of several converters: tests/data/forms/md.

.venv/bin/python -m tests.data.forms.make.md_converters
"""

from __future__ import annotations

import re

from tests.data.forms.make.html_content import FORMS, Part, Sample, mended, sample


def mineru(issue: Sample) -> str:
    """MinerU, from a PDF: every heading of one rank, formulas for figures, images, tables of HTML, cuts as they are."""
    lines = [f"# {issue.masthead[0]}", *issue.masthead[1:], "![](images/0a1b2c.jpg)"]
    for column, titles in issue.contents:
        lines += [f"# 【{column}】", "  \n".join(titles)]
    for part in issue.body:
        head = "# " if part.kind in {"column", "title", "part"} else ""
        lines.append(head + (part.text if head else _with_formulas(part.text)))
    return "\n\n".join([*lines, *issue.colophon]) + "\n"


def _with_formulas(text: str) -> str:
    """Percentages as MinerU writes them: 9 4 . 8 2 \\% between dollar signs, every sign apart."""
    return re.sub(r"(\d+(?:\.\d+)?)%", lambda found: f"${' '.join(found[1])} \\%$", text)


def markitdown(issue: Sample) -> str:
    """MarkItDown, from a Word file: headings are bold lines, the contents a list with bullets, signs escaped."""
    bold = {"column", "title", "part"}
    lines = [f"**{line}**" if at == 0 else line for at, line in enumerate(issue.masthead)]
    for column, titles in issue.contents:
        lines += [f"**【{column}】**", "\n".join(f"* {title}" for title in titles)]
    lines += [f"**{part.text}**" if part.kind in bold else _escaped(part.text) for part in issue.body]
    return "\n\n".join([*lines, *issue.colophon]) + "\n"


def _escaped(text: str) -> str:
    return re.sub(r"^(\d)\. ", r"\1\\. ", text).replace("+", "\\+").replace("-", "\\-")


def pandoc(issue: Sample) -> str:
    """pandoc, from HTML: divisions, attributes behind headings, contents of links, hard breaks by a backslash."""
    levels = {"column": "## ", "title": "### ", "part": "#### "}
    name, publisher, number = issue.masthead
    lines = [
        "---",
        f"title: {name}",
        "lang: zh-CN",
        "---",
        "",
        "::: {#page .content}",
        f"# {name} {{#top .unnumbered}}",
    ]
    lines += ["", f"{publisher}\\\n{number}", ""]
    for column, titles in issue.contents:
        lines += [
            f"-   [【{column}】]{{.lanmu}}",
            *(f"    -   [{title}](#{at})" for at, title in enumerate(titles)),
            "",
        ]
    for at, part in enumerate(issue.body):
        head = levels.get(part.kind, "")
        text = re.sub(r"^(\d\.) ", r"\1  ", part.text)
        lines += [f"{head}{text} {{#s{at}}}" if head else text, ""]
    return "\n".join([*lines, ":::", "", *(f"{line}\\" for line in issue.colophon)]) + "\n"


def marker(issue: Sample) -> str:
    """marker, from a PDF, by pages: a rule with the number of each page, anchors in front of headings, bold in them."""
    levels = {"column": "# ", "title": "## ", "part": "#### "}
    rule = "-" * 48
    lines = ["", f"{{0}}{rule}", "", f'# <span id="page-0-0"></span>**{issue.masthead[0]}**', *issue.masthead[1:]]
    for column, titles in issue.contents:
        lines += [f"## **【{column}】**", *(f"[{title}](#page-{at}-0)" for at, title in enumerate(titles))]
    page = 0
    for part, following in zip(issue.body, [*issue.body[1:], Part("", "")], strict=True):
        head = levels.get(part.kind, "")
        lines.append(f'{head}<span id="page-{page}-1"></span>**{part.text}**' if head else part.text)
        if part.kind == following.kind == "text" and part.text[-1] not in "。；":
            page += 1
            lines += [f"![](_page_{page}_Picture_1.jpeg)", f"{{{page}}}{rule}"]
    return "\n\n".join([*lines, "---", "<br>".join(issue.colophon)]) + "\n"


def tagged(issue: Sample) -> str:
    """A converter that leaves HTML where it knows no Markdown, with comments where pages end."""
    levels = {"column": "<h2 align='center'>{}</h2>", "title": "<h3>{}</h3>", "part": "<p><b>{}</b></p>"}
    lines = [f"<h1 align='center'>{issue.masthead[0]}</h1>"]
    lines += [f"<p align='center'>{line}</p>" for line in issue.masthead[1:]]
    for column, titles in issue.contents:
        lines += [f"<p><b>【{column}】</b></p>", "<p>" + "<br/>".join(titles) + "</p>"]
    for at, part in enumerate(issue.body):
        lines.append(levels.get(part.kind, "{}").format(part.text))
        lines += [f'<!-- PageNumber="{at}" -->\n<!-- PageBreak -->'] if at % 9 == 8 else []
    return "\n\n".join([*lines, "<hr/>", *issue.colophon]) + "\n"


def main() -> None:
    """Write all files."""
    cut = sample()
    forms = {
        "mineru": mineru(cut),
        "markitdown": markitdown(mended(cut)),
        "pandoc": pandoc(mended(cut)),
        "marker": marker(cut),
        "tagged": tagged(cut),
    }
    for name, text in forms.items():
        (FORMS / "md" / f"{name}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
