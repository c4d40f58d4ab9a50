"""Files made to waste time: each is read or refused after work that grows no faster than the file.

The sizes are such that work in the square of them would take hours: a test that ends has shown it.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from dispatch.catalog import load_catalog
from dispatch.errors import IntakeError
from dispatch.intake.line import Line, LineKind, table_text
from dispatch.intake.readers import markdown, read
from dispatch.intake.splitter import split

SAMPLE = Path(__file__).resolve().parents[2] / "config" / "samples" / "huoju-2022-05.md"
N = 200_000

HOSTILE = {
    "blanks": " " * N + "x",
    "a table's rule that is none": "-|" + " " * N + "x",
    "backticks": "x" + "`" * N,
    "stars": "*" * N + "a",
    "pairs of stars": "**a " * N,
    "underscores": "_a" * N,
    "square brackets": "[" * N,
    "images": "![" * N,
    "links": "[a](" * N,
    "tags": "<a b " * N,
    "comments": "<!--" * N,
    "entities": "&#" * N,
    "quotations": "> " * N,
    "formulas": "$" * N + "$a" * N + "\\frac{" * N,
    "links in brackets": "[a](()" * N,
    "links by reference": "[a][" * N,
    "tables of pipes": "a|" * N + "\n|-|\n" + "|" * N,
    "tables of HTML": "<table>" * N,
    "rows of HTML": "<table>" + "<tr><td>x" * 20_000 + "</table>",
    "notes": "[^1]" * N,
    "lists in lists": "\n".join(" " * depth + "- x" for depth in range(500)),
    "credits": "(供稿:" * N,
    "column brackets": "【" * N,
    "leaders": "标题" + "." * N + "x",
    "marks of numbers": "第" * N + "期",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_line_made_to_waste_time_ends(tmp_path: Path, name: str) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    marker = "创新生态日趋完善。"
    assert marker in text
    for suffix in (".md", ".txt", ".html"):
        path = tmp_path / f"issue{suffix}"
        path.write_text(text.replace(marker, f"{HOSTILE[name]}\n\n{marker}", 1), encoding="utf-8")
        try:
            found = split(read(path), load_catalog().bulletins, path.name)
        except IntakeError:
            continue
        assert found.issue.total == 534


MANY = 40_000
HOSTILE_LINES = {
    "texts that go on elsewhere": ("文字(下转第2页)", "(上接第1页)"),
    "texts that never come back": ("文字(下转第2页)",),
    "texts that come from nowhere": ("(上接第1页)文字",),
    "columns": ("【园区发展】", "【创业孵化】"),
    "columns of other names": ("【栏目{n}】", "标题{n}", "正文{n}。"),
    "titles": ("## 标题{n}", "正文。", "(供稿:甲)"),
    "heads of pages": (
        "园区发展",
        "近日,高新区在科技创新大会上发布了一批新的成果,与会的专家认为,这些成果将有力推动园区的",
    ),
    "halves": ("推动高新区高质量发展的" + "若干意见" * 5 + "和",),
    "halves marked as headings": ("## 推动,高新区高质量发展的若干意见和",),
    "captions": ("近日,高新区在科技创新大会上发布了一批新的成果并且", "图1 现场"),
    "dates": ("2022年3月15日",),
    "mastheads": ("第5期", "2022年增刊"),
    "doubled characters": ("高新区", "区块链"),
}


@pytest.mark.parametrize("name", HOSTILE_LINES)
def test_many_lines_made_to_waste_time_end(name: str) -> None:
    words = HOSTILE_LINES[name]
    head = ["火炬动态", "2022年第5期(总第534期)"]
    many = [words[at % len(words)].replace("{n}", str(at)) for at in range(MANY)]
    found = markdown.lines("\n\n".join([*head, *many]))
    try:
        assert split(found, load_catalog().bulletins, "x.md").issue.total == 534
    except IntakeError as error:
        assert "x.md" in str(error)  # noqa: PT017  # either outcome is right


@pytest.mark.parametrize("kind", [LineKind.TABLE, LineKind.NOTE, LineKind.ITEM])
def test_many_lines_of_a_kind_end(kind: LineKind) -> None:
    head = [Line("火炬动态", 1), Line("总第534期", 2), Line("## 园区发展", 3), Line("标题", 4)]
    body = [
        Line("近日,高新区在科技创新大会上发布了一批新的成果并且", n, gap=True, page=n, kind=kind) for n in range(MANY)
    ]
    with suppress(IntakeError):
        assert split([*head, *body], load_catalog().bulletins, "x").issue.total == 534


def test_a_table_of_many_cells_ends() -> None:
    rows = tuple((f"标题{n}", "栏目", "1") for n in range(MANY))
    lines = [Line("火炬动态", 1), Line("总第534期", 2), Line(table_text(rows), 3, kind=LineKind.TABLE, rows=rows)]
    with suppress(IntakeError):
        split(lines, load_catalog().bulletins, "x")
