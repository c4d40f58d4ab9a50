"""Bulletins of other makes, of which no profile tells anything, give the right articles by general means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dispatch.catalog import load_catalog
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


# A bulletin with a profile of its own

SAMPLE = Path(__file__).parents[2] / "config" / "samples" / "haiyue-2024-07.md"


def test_a_second_bulletin_by_its_profile() -> None:
    found = split(read(SAMPLE), load_catalog().bulletins, SAMPLE.name)
    issue = found.issue
    assert (issue.bulletin, issue.ref, issue.title) == ("haiyue", "2024-07", "海岳科技月报")
    assert (issue.publisher, issue.total, issue.date) == ("海岳市科学技术服务中心", 0, None)
    assert _outline(issue) == {
        "海岳观察": [["潮汐电站并网满一年", "苏渔 范立言"], ["观鸟记录突破三百种", "海岳湿地志愿队"]],
        "车间里的科技": [["老钳工和他的机械臂", "本报 钟一舟"]],
        "问与答": [["手机快充伤不伤电池", "科普热线"]],
    }
    kinds = [
        [block.kind.value[0] for block in article.blocks] for column in issue.columns for article in column.articles
    ]
    assert kinds == [["p", "p"], ["p"], ["p", "h", "p", "h", "p"], ["p", "p"]]
    assert found.warnings == ("The masthead does not give the date.",)


def test_its_columns_are_followed_by_keys() -> None:
    """Also the one that the issue spells in its other way."""
    catalog = load_catalog()
    issue = split(read(SAMPLE), catalog.bulletins, SAMPLE.name).issue
    keys = [catalog.column_spec(issue.bulletin, column.name).key for column in issue.columns]
    assert keys == ["observatory", "workshop", "questions"]
    assert catalog.resolve("column:问与答") == "column:haiyue/questions"


def test_readers_are_not_offered_an_invented_bulletin() -> None:
    assert [bulletin.key for bulletin in load_catalog().offered] == ["huoju"]
