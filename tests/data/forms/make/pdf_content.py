"""The sample issue as its parts, for the scripts that lay it out: whole paragraphs, as its author wrote them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[4]
_SAMPLE = _ROOT / "config" / "samples" / "huoju-2022-05.md"
_EXPECTED = _ROOT / "tests" / "data" / "huoju-2022-05.expected.json"
_CREDIT = re.compile(r"(?P<before>[\n ])(?P<credit>\((?:供稿:|科技部火炬中心 )[^()]*\))")


@dataclass(frozen=True)
class Article:
    title: str
    blocks: tuple[tuple[str, str], ...]  # kind and text
    credit: str
    credit_apart: bool  # on a line of its own


@dataclass(frozen=True)
class Issue:
    title: str
    publisher: str
    number: str
    contents: tuple[tuple[str, tuple[str, ...]], ...]
    columns: tuple[tuple[str, tuple[Article, ...]], ...]
    colophon: tuple[str, ...]


def issue() -> Issue:
    source = _SAMPLE.read_text(encoding="utf-8")
    expected = json.loads(_EXPECTED.read_text(encoding="utf-8"))
    head = [line.strip() for line in source.split("\n## 火炬在行动\n")[0].splitlines() if line.strip()]
    credits_ = iter(_CREDIT.finditer(source))
    columns = tuple(
        (column["name"], tuple(_article(article, next(credits_)) for article in column["articles"]))
        for column in expected["columns"]
    )
    colophon = tuple(line.strip() for line in source.split("\n---\n")[1].splitlines() if line.strip())
    return Issue(head[0].strip("# "), head[1], head[2], _contents(head[3:]), columns, colophon)


def _article(article: dict[str, object], credit: re.Match[str]) -> Article:
    blocks = article["blocks"]
    assert isinstance(blocks, list)
    return Article(
        str(article["title"]),
        tuple((block["kind"], block["text"]) for block in blocks),
        credit["credit"],
        credit["before"] == "\n",
    )


def _contents(lines: list[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found: list[tuple[str, list[str]]] = []
    for line in lines:
        if match := re.search("【(.+?)】[*]*(.*)", line):
            found.append((match[1], [match[2].strip()] if match[2].strip() else []))
        else:
            found[-1][1].append(line)
    return tuple((name, tuple(titles)) for name, titles in found)
