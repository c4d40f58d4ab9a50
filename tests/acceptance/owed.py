"""Issues and readers made up for a test, what each reader is owed of them, and whether that is what arrived.

Every paragraph and title carries a code, `文901-2-1-3` and `题901-2-1`: issue, column, article, paragraph. So each
message tells whose it should be. What is owed is worked out here anew, and nothing of the program is asked.
"""

from __future__ import annotations

import email
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from tests.acceptance.receivers import CHANNELS, Accepted

COLUMNS = ("园区发展", "创业孵化", "研究报告")
# The parks of each column's articles; "" is an article of none.
PARKS = (("南昌高新区", "潍坊高新区"), ("苏州高新区", "南昌高新区", ""), ("", "大连高新区"))
_PARAGRAPHS = 2
_LONG = 9  # paragraphs of the last column's first article: too much for one message of Telegram
_SENTENCE = "这一段介绍园区一年来的工作情况和下一步的打算。"
_FILLING = "of no interest " * 32  # few bytes for its length: a webhook has a bound, too
# Each reader follows one of these; together they make many different digests of each column.
FOLLOWS = (
    ("all",),
    ("park:南昌高新区",),
    ("column:创业孵化",),
    ("park:潍坊高新区", "park:大连高新区"),
    ("column:研究报告", "park:苏州高新区"),
    ("park:苏州高新区", "column:园区发展"),
)

Code = tuple[int, ...]
Unit = tuple[int, frozenset[int]]  # an issue, and those of its columns that come in one message
_TEXT = re.compile(r"文(\d+)-(\d+)-(\d+)-(\d+)")
_TITLE = re.compile(r"题(\d+)-(\d+)-(\d+)")


def issue_text(number: int) -> str:
    """An issue in Markdown."""
    return "\n\n".join(["# 火炬动态", f"2022年第1期(总第{number}期) 2022年3月15日", *_columns(number)])


def _columns(number: int) -> Iterator[str]:
    for column, name in enumerate(COLUMNS):
        yield f"## {name}"
        for article, park in enumerate(PARKS[column]):
            yield f"### {park or '有关单位'}的工作 题{number}-{column}-{article}"
            for code in _paragraphs(number, column, article):
                text = _FILLING if _is_long(column, article) else _SENTENCE
                yield f"文{'-'.join(map(str, code))} {text}"


def _is_long(column: int, article: int) -> bool:
    return (column, article) == (len(COLUMNS) - 1, 0)


def _paragraphs(number: int, column: int, article: int) -> list[Code]:
    count = _LONG if _is_long(column, article) else _PARAGRAPHS
    return [(number, column, article, paragraph) for paragraph in range(count)]


@dataclass(frozen=True, slots=True)
class Reader:
    """A person with an address on each channel."""

    number: int

    @property
    def follows(self) -> tuple[str, ...]:
        return FOLLOWS[self.number % len(FOLLOWS)]

    @property
    def bundled(self) -> bool:
        return self.number % 10 == 0

    @property
    def addresses(self) -> dict[str, str]:
        return {"email": f"r{self.number}@x.test", "telegram": str(9000 + self.number), "webhook": f"/r{self.number}"}

    def owed(self, issue: int) -> dict[Unit, frozenset[Code]]:
        """The messages that this reader is owed of an issue, each with the paragraphs that must stand in it."""
        columns = {column: codes for column in range(len(COLUMNS)) if (codes := self._codes(issue, column))}
        if self.bundled:
            return {(issue, frozenset(columns)): frozenset(chain(*columns.values()))}
        return {(issue, frozenset([column])): codes for column, codes in columns.items()}

    def digests(self) -> int:
        """How many digests of each issue."""
        return sum(bool(self._codes(0, column)) for column in range(len(COLUMNS)))

    def _codes(self, issue: int, column: int) -> frozenset[Code]:
        follows = set(self.follows)
        wanted = [
            article
            for article, park in enumerate(PARKS[column])
            if follows & {"all", f"column:{COLUMNS[column]}", f"park:{park}"}
        ]
        return frozenset(chain(*(_paragraphs(issue, column, article) for article in wanted)))


def write_readers(path: Path, readers: Iterable[Reader], hooks_url: str) -> None:
    """The file for `dispatch subscribers import`."""
    lines = ["name,email,telegram,webhook,follows,bundle"]
    for reader in readers:
        mail, chat, hook = reader.addresses.values()
        bundle = "yes" if reader.bundled else "no"
        lines.append(f"r{reader.number},{mail},{chat},{hooks_url}{hook},{';'.join(reader.follows)},{bundle}")
    path.write_text("\n".join(lines), encoding="utf-8")


@dataclass
class Verdict:
    """What is wrong with what arrived, in words; and the repeats of each channel, which are not wrong."""

    missing: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    repeats: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CHANNELS, 0))

    @property
    def repeated(self) -> int:
        return sum(self.repeats.values())


@dataclass(frozen=True, slots=True)
class _Message:
    """A message read: the paragraphs in it, the issue's columns that it is about, its id, and all of its text."""

    id: str
    text: str
    codes: tuple[Code, ...]
    about: frozenset[tuple[int, int]]


def judge(entries: Iterable[Accepted], readers: Sequence[Reader], issues: Sequence[int]) -> Verdict:
    """Hold what was accepted against what was owed."""
    verdict = Verdict()
    arrived: defaultdict[tuple[str, str], list[_Message]] = defaultdict(list)
    whose: defaultdict[str, set[str]] = defaultdict(set)
    for entry in entries:
        message = _read(entry)
        arrived[entry.channel, entry.address].append(message)
        if message.id:
            whose[message.id].add(f"{entry.address} {sorted(message.about)}")
    for reader in readers:
        owed = dict(chain.from_iterable(reader.owed(issue).items() for issue in issues))
        for channel, address in reader.addresses.items():
            _judge_address(verdict, channel, address, owed, arrived.pop((channel, address), []))
    verdict.wrong += [f"{channel} {address} is nobody's" for channel, address in arrived]
    verdict.wrong += [f"{id_} is the id of {sorted(all_)}" for id_, all_ in whose.items() if len(all_) > 1]
    return verdict


def _judge_address(
    verdict: Verdict, channel: str, address: str, owed: dict[Unit, frozenset[Code]], messages: list[_Message]
) -> None:
    found: defaultdict[Unit, list[_Message]] = defaultdict(list)
    for message in messages:
        unit = next((unit for unit in owed if message.about and message.about <= _places(unit)), None)
        if unit is None:
            verdict.wrong.append(f"{channel} {address}: about {sorted(message.about)}, which is not owed")
        else:
            found[unit].append(message)
    for unit, codes in owed.items():
        what = f"{channel} {address}: {unit[0]} {sorted(unit[1])}"
        if not found[unit]:
            verdict.missing.append(what)
            continue
        fault = _fault(channel, found[unit], codes)
        if fault:
            verdict.wrong.append(f"{what}: {fault}")
        verdict.repeats[channel] += len(found[unit]) - len({message.text for message in found[unit]})


def _places(unit: Unit) -> frozenset[tuple[int, int]]:
    return frozenset((unit[0], column) for column in unit[1])


def _fault(channel: str, messages: Sequence[_Message], owed: frozenset[Code]) -> str:
    """What is wrong with the messages that brought something; repeats are the same to the letter."""
    different = list({message.text: message for message in messages}.values())
    if channel != "telegram" and len(different) > 1:
        return f"{len(different)} different messages"
    if len({message.id for message in messages}) > 1:
        return "repeated under another id"
    codes = [code for message in different for code in message.codes]
    if len(codes) != len(set(codes)):
        return "paragraphs twice in different messages"
    if set(codes) != owed:
        return f"too much: {sorted(set(codes) - owed)}; lacking: {sorted(owed - set(codes))}"
    return ""


def _read(entry: Accepted) -> _Message:
    id_, text = _mail(entry.content) if entry.channel == "email" else (entry.id, entry.content.decode())
    if entry.channel == "webhook":
        text = json.dumps(json.loads(text)["data"], ensure_ascii=False)
    codes = tuple(dict.fromkeys(_numbers(_TEXT, text)))
    about = {(code[0], code[1]) for code in chain(codes, _numbers(_TITLE, text))}
    return _Message(id_, text, codes, frozenset(about))


def _numbers(pattern: re.Pattern[str], text: str) -> Iterator[Code]:
    for found in pattern.findall(text):
        yield tuple(map(int, found))


def _mail(content: bytes) -> tuple[str, str]:
    """The Message-ID and the plain text of a mail."""
    parsed = email.message_from_bytes(content)
    plain = next(part for part in parsed.walk() if part.get_content_type() == "text/plain")
    payload = plain.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return str(parsed["Message-ID"]), payload.decode()
