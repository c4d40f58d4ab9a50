"""Where previews are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.archive import StoredIssue
from dispatch.model import Issue, IssueState
from dispatch.preview import folder_of


def stored(name: str) -> StoredIssue:
    issue = Issue(name.partition(":")[0], "", "", 2022, 5, 534, None, ())
    return StoredIssue(1, name, IssueState.HELD, issue, "a.md", 1, (), 0, None, "")


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("534", "534"),
        ("huoju:2022-03", "huoju-2022-03"),
        ("火炬动态:534", "火炬动态-534"),
        ("../../elsewhere:1", "-elsewhere-1"),
        ("/etc:1", "-etc-1"),
        ("..", "-"),
        ("火" * 300, "火" * 60),
    ],
)
def test_an_issue_is_previewed_in_a_folder_below(name: str, folder: str) -> None:
    assert folder_of(stored(name)) == Path("preview") / folder
