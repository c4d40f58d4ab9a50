"""The sample issue taken apart, for the scripts that write it in other forms."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[4]
FORMS = Path(__file__).parents[1]
_SAMPLE = ROOT / "config" / "samples" / "huoju-2022-05.md"
_EXPECTED = ROOT / "tests" / "data" / "huoju-2022-05.expected.json"
_BODY = "\n## 火炬在行动\n"
_CREDIT = re.compile(r"^(.*?)\s*(\((?:供稿:[^()]*|科技部火炬中心 张木 陈力)\))$")


@dataclass(frozen=True)
class Part:
    """A line of the body: `kind` is column, title, part, text or credit. A paragraph that a page cuts is two."""

    kind: str
    text: str


@dataclass(frozen=True)
class Sample:
    """The issue: lines of the masthead, the contents list as columns with titles, the body, lines of the colophon."""

    masthead: tuple[str, ...]
    contents: tuple[tuple[str, tuple[str, ...]], ...]
    body: tuple[Part, ...]
    colophon: tuple[str, ...]


def sample() -> Sample:
    """The sample as it stands in config/samples."""
    source = _SAMPLE.read_text(encoding="utf-8")
    head, rest = source.split(_BODY)
    body, colophon = (_BODY + rest).split("\n---\n")
    masthead, contents = head.split("**【", 1)
    return Sample(
        masthead=tuple(line.lstrip("# ") for line in masthead.splitlines() if line.strip()),
        contents=tuple(_contents("**【" + contents)),
        body=tuple(_body(body)),
        colophon=tuple(line.strip() for line in colophon.splitlines() if line.strip()),
    )


def mended(issue: Sample) -> Sample:
    """The sample with the paragraphs whole that its pages cut, by the right reading of it."""
    expected: dict[str, Any] = json.loads(_EXPECTED.read_text(encoding="utf-8"))
    found: list[Part] = []
    for column in expected["columns"]:
        found.append(Part("column", column["name"]))
        for article in column["articles"]:
            found.append(Part("title", article["title"]))
            kinds = {"heading": "part", "paragraph": "text"}
            found += [Part(kinds[block["kind"]], block["text"]) for block in article["blocks"]]
            credit = article["credit"]
            found.append(Part("credit", f"({credit})" if " " in credit else f"(供稿:{credit})"))
    return Sample(issue.masthead, issue.contents, tuple(found), issue.colophon)


def _contents(text: str) -> list[tuple[str, tuple[str, ...]]]:
    found: list[tuple[str, tuple[str, ...]]] = []
    for line in filter(None, (line.strip(" *#") for line in text.splitlines())):
        column = re.match(r"【(.*?)】(?:\*\*)?\s*(.*)", line)
        if column:
            found.append((column[1], (column[2],) if column[2] else ()))
        else:
            found[-1] = (found[-1][0], (*found[-1][1], line))
    return found


def _body(text: str) -> list[Part]:
    expected: dict[str, Any] = json.loads(_EXPECTED.read_text(encoding="utf-8"))
    columns = {column["name"] for column in expected["columns"]}
    titles = {article["title"] for column in expected["columns"] for article in column["articles"]}
    found: list[Part] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        bare = line.lstrip("# ")
        credit = _CREDIT.match(line)
        if bare in columns:
            found.append(Part("column", bare))
        elif bare in titles:
            found.append(Part("title", bare))
        elif line.startswith("#"):
            found.append(Part("part", bare))
        elif credit:
            found += [Part("text", credit[1])] if credit[1] else []
            found.append(Part("credit", credit[2]))
        else:
            found.append(Part("text", line))
    return found
