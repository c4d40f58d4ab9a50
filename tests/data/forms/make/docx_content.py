"""What the forms of the sample issue are made of: its own contents list and colophon, and the text of its right
reading."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[4]
FORMS = ROOT / "tests" / "data" / "forms" / "docx"
_SAMPLE = ROOT / "config" / "samples" / "huoju-2022-05.md"
_EXPECTED = ROOT / "tests" / "data" / "huoju-2022-05.expected.json"

NUMBER = "2022年第5期(总第534期)"
DATE = "2022年3月15日"


@dataclass(frozen=True)
class Listed:
    """A column of the contents list with its titles."""

    name: str
    titles: tuple[str, ...]


def issue() -> dict[str, Any]:
    """The right reading of the sample."""
    found: dict[str, Any] = json.loads(_EXPECTED.read_text(encoding="utf-8"))
    return found


def contents() -> list[Listed]:
    """The contents list as it is printed, which is not quite what the text says."""
    found: list[Listed] = []
    head = _SAMPLE.read_text(encoding="utf-8").partition("\n## 火炬在行动\n")[0]
    for line in head[head.index("**【") :].splitlines():
        name, _, title = line.strip("#* ").removeprefix("【").partition("】") if "【" in line else ("", "", line)
        if name:
            found.append(Listed(name, ()))
        if title := title.strip("* "):
            found[-1] = Listed(found[-1].name, (*found[-1].titles, title))
    return found


def colophon() -> list[str]:
    """The lines below the last article; "" between its two addresses."""
    return [line.strip() for line in _SAMPLE.read_text(encoding="utf-8").rpartition("\n---\n")[2].strip().splitlines()]


def credit(article: dict[str, Any]) -> str:
    """An article's credit as it is printed: the last one, by the bulletin's own people, has no label."""
    return f"({article['credit']})" if "张木" in article["credit"] else f"(供稿:{article['credit']})"
