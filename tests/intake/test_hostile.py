"""Files made to waste time: each is read or refused after work that grows no faster than the file.

The sizes are such that work in the square of them would take hours: a test that ends has shown it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.catalog import load_catalog
from dispatch.errors import IntakeError
from dispatch.intake.readers import read
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
