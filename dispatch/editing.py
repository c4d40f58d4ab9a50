"""An issue as a small text that an editor changes: titles, columns, credits and tags. What comes back is checked line
by line before anything is changed.

    == 火炬在行动
    1. 邵新宇在“火炬讲堂”为青年干部作专题报告
       credit: 科技部火炬中心
       about: 南昌高新区
       mentions: 昆山高新区
       topics: innovation-points, incubation
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from dispatch.catalog import Catalog
from dispatch.errors import UsageError
from dispatch.model import Article, Column, Issue, ParkTag, Role, TopicTag

_HELP = """\
# {name} {title}
#
# Change titles, columns, credits and tags; save, and close the editor. Nothing changes until all of it is right.
#   == NAME          a column; what follows is in it. Move an article's lines to move the article.
#   1. TITLE         an article. Its number says which it is: each stands here once, in any order.
#   credit:          who it comes from
#   about:           parks that it is about: who follows one gets it
#   mentions:        parks that it only names
#   topics:          topics, the most important first
# Several are parted by commas. Lines that begin with # are notes.
"""
_ARTICLE = re.compile(r"(\d{1,4})\s*[.、．]\s*(.+)")
_FIELD = re.compile(r"([A-Za-z]+)\s*[:：]\s*(.*)")
_PARTED = re.compile(r"[,，、;；]")
_FIELDS = ("credit", "about", "mentions", "topics")
LONGEST = 500  # characters of a title, a credit or a column's name
_HAND_SCORE = 1.0  # of a topic that a person gave


class EditError(UsageError):
    """A line of an edited text that cannot be taken. The message names it."""


@dataclass
class _Entry:
    """An article as the text has it."""

    number: int
    line: int
    title: str
    fields: dict[str, tuple[int, str]] = field(default_factory=dict)


@dataclass
class _Section:
    name: str
    line: int
    entries: list[_Entry] = field(default_factory=list)


def text_of(issue: Issue, catalog: Catalog) -> str:
    """The text of an issue, with notes on how to change it."""
    topics = ", ".join(f"{topic.key} ({topic.name})" for topic in catalog.topics)
    lines = [_HELP.format(name=f"{issue.bulletin}:{issue.ref}", title=issue.title) + f"# The topics: {topics}"]
    number = 0
    for column in issue.columns:
        lines += ["", f"== {_one_line(column.name)}"]
        for article in column.articles:
            number += 1
            lines += [f"{number}. {_one_line(article.title)}", *_field_lines(article), ""]
    return "\n".join(lines).rstrip() + "\n"


def _field_lines(article: Article) -> Iterable[str]:
    values = {
        "credit": _one_line(article.credit),
        "about": ", ".join(park.name for park in article.parks if park.role is Role.SUBJECT),
        "mentions": ", ".join(park.name for park in article.parks if park.role is Role.MENTION),
        "topics": ", ".join(topic.key for topic in article.topics),
    }
    return (f"   {name}: {values[name]}".rstrip() for name in _FIELDS)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def edited(issue: Issue, text: str, catalog: Catalog) -> Issue:
    """The issue with what a changed text says. What stands as it was keeps its evidence.

    Raises EditError: what is wrong, in which line.
    """
    sections = _sections(text, Counter(_one_line(column.name) for column in issue.columns))
    articles = [article for column in issue.columns for article in column.articles]
    known: defaultdict[str, deque[Column]] = defaultdict(deque)
    for column in issue.columns:
        known[_one_line(column.name)].append(column)
    _check_numbers([entry for section in sections for entry in section.entries], len(articles))
    columns = []
    for section in sections:
        column = known[section.name].popleft() if known[section.name] else Column(section.name, "", ())
        made = tuple(_article(articles[entry.number - 1], entry, catalog) for entry in section.entries)
        columns.append(replace(column, articles=made))
    return replace(issue, columns=tuple(columns))


def _sections(text: str, before: Counter[str]) -> list[_Section]:
    found: list[_Section] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("=="):
            found.append(_Section(_named(line.lstrip("= \u3000"), "the column", number), number))
        elif not found:
            raise _wrong(number, f"{_excerpt(line)} stands before the first column; a column begins with == NAME")
        elif article := _ARTICLE.fullmatch(line):
            title = _named(article[2].strip(), "the title", number)
            found[-1].entries.append(_Entry(int(article[1]), number, title))
        else:
            _add_field(found[-1].entries, line, number)
    _check_columns(found, before)
    return found


def _add_field(entries: Sequence[_Entry], line: str, number: int) -> None:
    match = _FIELD.fullmatch(line)
    name = match[1].lower() if match else ""
    if not match or name not in _FIELDS:
        raise _wrong(number, f"{_excerpt(line)} is neither == COLUMN, nor 1. TITLE, nor one of {', '.join(_FIELDS)}")
    if not entries:
        raise _wrong(number, f"{name}: belongs below an article; the column has none yet")
    if name in entries[-1].fields:
        raise _wrong(number, f"{name}: stands twice below article {entries[-1].number}")
    entries[-1].fields[name] = (number, match[2].strip())


def _check_columns(sections: Sequence[_Section], before: Counter[str]) -> None:
    """No column stands twice that did not do so before: the text of a bulletin may have one in two places."""
    names: defaultdict[str, list[int]] = defaultdict(list)
    for section in sections:
        if not section.entries:
            raise _wrong(section.line, f"the column {section.name} has no article; remove the line")
        if len(names[section.name]) >= max(1, before[section.name]):
            raise _wrong(section.line, f"the column {section.name} stands in line {names[section.name][0]} already")
        names[section.name].append(section.line)


def _check_numbers(entries: Sequence[_Entry], count: int) -> None:
    lines: dict[int, int] = {}
    for entry in entries:
        if not 1 <= entry.number <= count:
            raise _wrong(entry.line, f"there is no article {entry.number}: they are 1 to {count}")
        if entry.number in lines:
            raise _wrong(entry.line, f"article {entry.number} stands in line {lines[entry.number]} already")
        lines[entry.number] = entry.line
    missing = [str(number) for number in range(1, count + 1) if number not in lines]
    if missing:
        raise EditError(
            f"the text has no article {', '.join(missing[:10])}: each must stand in it; nothing was changed"
        )


def _article(article: Article, entry: _Entry, catalog: Catalog) -> Article:
    line, credit = entry.fields.get("credit", (entry.line, ""))
    title = article.title if entry.title == _one_line(article.title) else entry.title
    credit = article.credit if credit == _one_line(article.credit) else credit
    if len(credit) > LONGEST:
        raise _wrong(line, f"the credit is longer than {LONGEST} characters")
    parks, topics = _parks(article, entry, catalog), _topics(article, entry, catalog)
    return replace(article, title=title, credit=credit, parks=parks, topics=topics)


def _parks(article: Article, entry: _Entry, catalog: Catalog) -> tuple[ParkTag, ...]:
    before = {(park.name, park.role): park for park in article.parks}
    found: dict[str, ParkTag] = {}
    for name, role in (("about", Role.SUBJECT), ("mentions", Role.MENTION)):
        for line, word in _words(entry, name):
            park = catalog.park(word)
            if park is None:
                raise _wrong(line, f"the park {word} is not known; see: dispatch catalog parks")
            if park.name in found:
                raise _wrong(line, f"the park {park.name} is named twice in article {entry.number}")
            found[park.name] = before.get((park.name, role), ParkTag(park.name, role))
    return tuple(found.values())


def _topics(article: Article, entry: _Entry, catalog: Catalog) -> tuple[TopicTag, ...]:
    before = {topic.key: topic for topic in article.topics}
    found: dict[str, TopicTag] = {}
    for line, word in _words(entry, "topics"):
        topic = catalog.topic(word)
        if topic is None:
            raise _wrong(line, f"the topic {word} is not known; see: dispatch catalog topics")
        if topic.key in found:
            raise _wrong(line, f"the topic {topic.key} is named twice in article {entry.number}")
        found[topic.key] = before.get(topic.key, TopicTag(topic.key, topic.name, _HAND_SCORE))
    return tuple(found.values())


def _words(entry: _Entry, name: str) -> list[tuple[int, str]]:
    line, value = entry.fields.get(name, (entry.line, ""))
    return [(line, word.strip()) for word in _PARTED.split(value) if word.strip()]


def _named(text: str, what: str, line: int) -> str:
    text = _one_line(text)
    if not text:
        raise _wrong(line, f"{what} has no name")
    if len(text) > LONGEST:
        raise _wrong(line, f"{what} is longer than {LONGEST} characters")
    return text


def _excerpt(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"


def _wrong(line: int, why: str) -> EditError:
    return EditError(f"line {line}: {why}; nothing was changed")
