"""The sample as pages, as Markdown of several converters and as plain text reads like the sample, block for block."""

from __future__ import annotations

import pytest

from dispatch.intake.readers import document
from tests.intake.forms import EXPECTED, FORMS, files, read_form, split_file


@pytest.mark.parametrize("name", [*files("html"), *files("md"), *files("txt")])
def test_every_form_gives_the_expected_issue(name: str) -> None:
    assert read_form(name) == EXPECTED


@pytest.mark.parametrize("name", [*files("html"), *files("md"), *files("txt")])
def test_nothing_of_a_site_or_a_page_is_left_in_an_issue(name: str) -> None:
    warnings = split_file(FORMS / name).warnings
    assert not [warning for warning in warnings if "fits nowhere" in warning or "left out" in warning]


@pytest.mark.parametrize("name", [*files("html"), *files("md"), *files("txt")])
def test_marks_stay_within_the_text_and_in_order(name: str) -> None:
    for line in document(FORMS / name).lines:
        assert all(0 <= mark.start < mark.end <= len(line.text) for mark in line.marks)
        assert [mark.start for mark in line.marks] == sorted(mark.start for mark in line.marks)


def test_a_bulletin_in_traditional_script_and_big5() -> None:
    issue = split_file(FORMS / "big5/traditional.txt").issue
    assert (issue.title, issue.number, str(issue.date)) == ("園區科技通訊", 3, "2021-09-15")
    assert [
        (column.name, [(article.title, article.credit, len(article.blocks)) for article in column.articles])
        for column in issue.columns
    ] == [
        (
            "園區要聞",
            [
                ("新竹園區舉辦產學合作成果發表會", "新竹園區協會", 2),
                ("南部園區啟用創新育成中心", "南部園區育成中心", 2),
            ],
        ),
        ("人物專訪", [("從實驗室走向市場:一位創業者的十年", "林嘉瑋", 2)]),
    ]
    text = issue.columns[0].articles[1].blocks[1].text
    assert "深水埗和葵涌" in text  # characters of Hong Kong


def test_pages_of_a_text_are_counted() -> None:
    lines = document(FORMS / "txt/paged.txt").lines
    pages = [line.page for line in lines]
    assert pages == sorted(pages)
    assert pages[0] == 1
    assert pages[-1] > 5
