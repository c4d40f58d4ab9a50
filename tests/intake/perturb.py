"""Changes to the text of an issue that leave its meaning alone, and how two readings are compared."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dispatch.catalog import Bulletin
from dispatch.intake.cleaning import clean
from dispatch.intake.readers import markdown, text
from dispatch.intake.splitter import Split, split
from dispatch.model import Issue

ROOT = Path(__file__).parents[2]
SAMPLE = (ROOT / "config/samples/huoju-2022-05.md").read_text(encoding="utf-8")
EXPECTED: dict[str, Any] = json.loads((ROOT / "tests/data/huoju-2022-05.expected.json").read_text(encoding="utf-8"))
for _column in EXPECTED["columns"]:
    for _article in _column["articles"]:
        del _article["parks"]

Change = Callable[[str], str]

_BODY = "\n## 火炬在行动\n"
_WIDE = {"(": "（", ")": "）", ",": "，", ":": "：", ";": "；", "?": "？", "!": "！"}
_CREDIT = re.compile(r"[ \n]*\((供稿:[^()\n]+|科技部火炬中心 张木 陈力)\)\n")


def reading(issue: Issue) -> dict[str, Any]:
    """An issue in the form of the expected file."""
    columns = [
        {
            "name": column.name,
            "contents_name": column.contents_name,
            "articles": [
                {
                    "title": article.title,
                    "credit": article.credit,
                    "blocks": [{"kind": block.kind.value, "text": block.text} for block in article.blocks],
                }
                for article in column.articles
            ],
        }
        for column in issue.columns
    ]
    head = {name: getattr(issue, name) for name in ("title", "publisher", "year", "number", "total")}
    return {**head, "date": issue.date.isoformat() if issue.date else None, "columns": columns}


def split_markdown(source: str, *profiles: Bulletin) -> Split:
    return split(markdown.lines(clean(source)), profiles, "issue.md")


def split_text(source: str, *profiles: Bulletin) -> Split:
    return split(text.lines(clean(source)), profiles, "issue.txt")


def folded(value: Any) -> Any:
    """A reading without the difference of full-width and half-width signs."""
    if isinstance(value, str):
        return unicodedata.normalize("NFKC", value).replace("。", ".")
    if isinstance(value, list):
        return [folded(entry) for entry in value]
    return {name: folded(entry) for name, entry in value.items()} if isinstance(value, dict) else value


def without_contents_names(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "columns": [{**column, "contents_name": ""} for column in value["columns"]]}


def body_reversed(source: str) -> str:
    head, body = source.split(_BODY)
    body, colophon = (_BODY + body).split("\n---\n")
    names = "|".join(column["name"] for column in EXPECTED["columns"])
    parts = re.split(rf"(?m)^(?=## (?:{names})$)", body)
    return head + "\n" + "\n".join(part.rstrip("\n") + "\n" for part in reversed(parts)) + "\n---\n" + colophon


def contents_reversed(source: str) -> str:
    head, body = source.split(_BODY)
    masthead, *parts = re.split(r"(?m)^(?=## 【|\*\*【)", head)
    return masthead + "\n".join(part.rstrip() + "\n" for part in reversed(parts)) + _BODY + body


def contents_dropped(source: str) -> str:
    head, body = source.split(_BODY)
    return head[: head.index("**【")] + _BODY + body


def same_levels(source: str) -> str:
    return re.sub(r"(?m)^#+ ", "## ", source)


def no_headings(source: str) -> str:
    return re.sub(r"(?m)^#+ ", "", source)


def bold_headings(source: str) -> str:
    return re.sub(r"(?m)^#+ (.*)$", r"**\1**", source)


def all_headings(source: str) -> str:
    return re.sub(r"(?m)^(?=[^\n#])(?!---)", "# ", source)


def all_bold(source: str) -> str:
    return re.sub(r"(?m)^(?:#+ )?(?!---)(?!\*\*)([^\n]*[^\s\n])[ ]*$", r"**\1**", source)


def wide_signs(source: str) -> str:
    return source.translate({ord(narrow): wide for narrow, wide in _WIDE.items()})


def narrow_signs(source: str) -> str:
    back = {ord(wide): narrow for narrow, wide in _WIDE.items()}
    return source.translate({**back, ord("。"): "."})


def wide_digits(source: str) -> str:
    end = max(source.find("日\n", 0, 200), 0)
    head, body = source[:end], source[end:]
    return head.translate({code: code + 0xFEE0 for code in range(0x30, 0x3A)}) + body


def more_blanks(source: str) -> str:
    return re.sub(r"\n\n+", "\n \n\n\n", source)


def no_blanks(source: str) -> str:
    return re.sub(r"\n\n+", "\n", source)


def blank_everywhere(source: str) -> str:
    return re.sub(r"\n+", "\n\n", source)


def crlf(source: str) -> str:
    return source.replace("\n", "\r\n")


def credits_apart(source: str) -> str:
    return _CREDIT.sub(r"\n\n(\1)\n", source)


def credits_inside(source: str) -> str:
    return _CREDIT.sub(r"(\1)\n", source)


def credits_spaced(source: str) -> str:
    return _CREDIT.sub(r"   ( \1 )  \n", source)


def credits_wide(source: str) -> str:
    return _CREDIT.sub(r"\n（\1）\n", source).replace("（供稿:", "（供稿：")


def credits_bare(source: str) -> str:
    return re.sub(r"\n?[ \n]*\((供稿:[^()\n]+)\)\n", r"\n\n\1\n", source)


def no_colophon(source: str) -> str:
    return source.split("\n---\n")[0] + "\n"


def no_rule(source: str) -> str:
    return source.replace("\n---\n", "\n")


def publisher_last(source: str) -> str:
    name = EXPECTED["publisher"]
    return source.replace(f"{name}\n\n2022", "2022", 1).replace("3月15日\n", f"3月15日\n\n{name}\n", 1)


def masthead_in_lines(source: str) -> str:
    return source.replace("2022年第5期(总第534期) 2022年3月15日", "第5期\n\n(总第534期)\n\n2022年3月15日")


def chinese_numerals(source: str) -> str:
    return source.replace("2022年第5期(总第534期) 2022年3月15日", "第五期（总第五百三十四期）\n二〇二二年三月十五日")


def at_page_ends(source: str, furniture: str, blank: str = "\n") -> str:
    """Something at each cut sentence of the body."""
    head, body = source.split(_BODY)
    cut = re.compile(r"(?m)([\u4e00-\u9fff”])\n\n(?=[^#\n*（(【《])")
    body, count = cut.subn(lambda found: f"{found[1]}\n{blank}{furniture}\n{blank}", _BODY + body)
    assert count >= 4
    return head + body


def page_furniture(source: str) -> str:
    """A page number and a running head at each cut sentence."""
    return at_page_ends(source, "- 3 -\n\n火炬动态 2022年第5期")


def as_text(source: str) -> str:
    """What remains when a program copies the text only."""
    return re.sub(r"(?m)^#+ |\*\*|^---$|[ ]+$", "", source)


def titles_in_contents_differ(source: str) -> str:
    head, body = source.split(_BODY)
    for one, other in (
        ("青年干部作", "青年干部做"),
        ("打造区域", "打造区域性"),
        ("重大产业项目", "重点产业项目"),
        ("高新区7家", "高新区七家"),
        ("推进区块链", "推动区块链"),
    ):
        assert one in head
        head = head.replace(one, other)
    return head + _BODY + body


def contents_with_pages(source: str) -> str:
    head, body = source.split(_BODY)
    masthead, contents = head.split("**【", 1)
    numbered = re.sub(r"(?m)^(?!## |$)(.*?)[ ]*$", r"\1 ……………… 12  ", "**【" + contents)
    return masthead + "目 录\n\n" + numbered + _BODY + body


def contents_without_brackets(source: str) -> str:
    return re.sub(r"(?m)^(?:## |\*\*)【(.*?)】(?:\*\*)?[ ]?(?=(.?))", lambda m: m[1] + ("\n" if m[2] else ""), source)
