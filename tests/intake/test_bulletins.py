"""Bulletins of other makes, of which no profile tells anything, give the right articles by general means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dispatch.intake.readers import read
from dispatch.intake.splitter import Split, split
from dispatch.model import Issue

FOLDER = Path(__file__).parents[1] / "data" / "bulletins"
FILES = sorted(path for path in FOLDER.iterdir() if path.suffix in (".md", ".txt"))


def _split(path: Path) -> Split:
    return split(read(path), (), path.name)


def _wanted(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.with_suffix(".expected.json").read_text(encoding="utf-8"))
    return found


def _outline(issue: Issue) -> dict[str, list[list[str]]]:
    return {column.name: [[article.title, article.credit] for article in column.articles] for column in issue.columns}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_unknown_bulletin_by_general_means(path: Path) -> None:
    wanted, issue = _wanted(path), _split(path).issue
    assert _outline(issue) == {
        name: [[title, credit] for title, credit, _ in articles] for name, articles in wanted["columns"].items()
    }
    assert (issue.title, issue.publisher, issue.ref) == (wanted["title"], wanted["publisher"], wanted["ref"])
    assert (issue.date.isoformat() if issue.date else None) == wanted["date"]
    for column in issue.columns:
        for article, (_, _, blocks) in zip(column.articles, wanted["columns"][column.name], strict=True):
            assert blocks in (None, len(article.blocks)), [block.text for block in article.blocks]
    texts = [block.text for column in issue.columns for article in column.articles for block in article.blocks]
    assert [end for end in wanted["ends"] if not any(text.endswith(end) for text in texts)] == []


def test_what_is_unsure_is_said_with_its_place() -> None:
    warnings = {path.stem: _split(path).warnings for path in FILES}
    assert len(warnings) >= 5
    for name, found in warnings.items():
        assert found[0].startswith("No profile is known for"), name
    assert any("known by its date, as 2023-09-10" in warning for warning in warnings["county-journal"])
    assert warnings["law-brief"][1:] == ("The masthead does not give the number in the year, date.",)
