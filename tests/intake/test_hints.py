"""Marks that running text carries too are no hints."""

from __future__ import annotations

import re

import pytest

from dispatch.intake.hints import telling
from dispatch.intake.line import Line
from tests.intake import perturb

_TEXT = "近日,高新区在科技创新大会上发布了一批新的成果。"


def _document(bold: int, levelled: int) -> list[Line]:
    return [
        Line("标题", 1, level=2, bold=True),
        *(Line(_TEXT, at + 2, bold=at < bold, level=3 if at < levelled else 0) for at in range(10)),
    ]


@pytest.mark.parametrize(
    ("bold", "levelled", "head"),
    [
        (0, 0, (2, True)),
        (2, 2, (2, True)),
        (3, 0, (2, False)),
        (0, 3, (0, True)),
        (10, 10, (0, False)),
    ],
)
def test_marks_count_while_few_lines_of_text_have_them(bold: int, levelled: int, head: tuple[int, bool]) -> None:
    first, *rest = telling(_document(bold, levelled))
    assert (first.level, first.bold) == head
    assert [line.text for line in rest] == [_TEXT] * 10


@pytest.mark.parametrize("marks", [r"**\1**", r"## \1", r"###### \1", r"## **\1**"])
@pytest.mark.parametrize("kept", [0, 7, 3])
def test_an_issue_marked_all_over_or_nearly_is_read_all_the_same(marks: str, kept: int) -> None:
    """Every `kept`th line stays as it is."""
    lines = [
        line if not line or line == "---" or (kept and number % kept == 0)
        else re.sub(r"^#* ?(.*)$", marks, line.replace("**", "").strip())
        for number, line in enumerate(perturb.SAMPLE.split("\n"))
    ]  # fmt: skip
    found = perturb.split_markdown("\n".join(lines))
    assert perturb.reading(found.issue) == perturb.EXPECTED
