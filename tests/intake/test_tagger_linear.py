"""The tagger's work grows with the length of an article and no faster, whatever stands in it."""

from __future__ import annotations

import sys
from types import FrameType
from typing import TYPE_CHECKING, Any, SupportsIndex

import pytest

from dispatch.catalog import load_catalog
from dispatch.intake import tagger
from dispatch.intake.passages import WINDOW, Passage, passages
from dispatch.intake.tagger import Tagger
from dispatch.model import Article, Block, BlockKind, ParkTag, TopicTag

if TYPE_CHECKING:
    from _typeshed import TraceFunction

_TAGGER = Tagger(load_catalog())

# A start, what is repeated, an end. Each makes much of one rule: names one after the other, loose aliases, lists that
# share a word, terms, numbers, blanks, and words that a look-alike or a bare 高新区 is told by.
_HOSTILE = [
    ("", "南昌高新区、", ""),
    ("", "中关村、", ""),
    ("", "中关村、张江、", ""),
    ("", "医药高新区、", "泰州市"),
    ("", "南昌、苏州高新区", ""),
    ("", "南昌、", "苏州高新区"),
    ("", "太仓、", "苏州高新区"),
    ("", "和高新区", ""),
    ("", "江苏中关村", ""),
    ("", "南昌·中关村", ""),
    ("", "书记张江", ""),
    ("", "区块链。", ""),
    ("", "区块链、", ""),
    ("", "人工智能机器人产业集群", ""),
    ("南昌市", "我区", ""),
    ("等", "十", ""),
    ("", "三", ""),
    ("", "国家级", ""),
    ("", "市", "中关村"),
    ("", "昌", "—中关村"),
    ("", "中关村贵阳", "园"),
    ("", "张江药谷嘉善", ""),
    ("", "中关村、武汉东湖、", "张江自创区"),
    ("", "南昌3个", "高新区"),
    ("", "昆山市高新区对标苏州高新区", ""),
    ("", "高新區,新餘市", ""),
    ("", "张店区、南昌高新区、", ""),
    ("", "区和县及市与", "、南昌高新区"),
    ("", "张店区、高新区、", "南昌市"),
    ("", "飞地设在南昌高新区", ""),
    ("", "来自中关村", "的企业"),
    ("", "太仓高新区", ""),
    ("", "花桥经开区、", "南昌高新区"),
    ("", "苏州高新区综合保税区", ""),
    ("", "雄安新区中关村科技园", ""),
    ("", "联合高新区", ""),
    ("", "在南昌高新区举行", ""),
    ("", "南昌、新余2个国家高新区。", ""),
    ("南昌", " ", "高新区"),
    ("南昌", "\u3000\u00a0", "ＶＲ"),
]
_IDS = [f"{start} {unit!r} {end}" for start, unit, end in _HOSTILE]
_MEGABYTE = 1_000_000
# More than twice for twice the text is allowed to what is done once per article; four times is what is refused.
_AT_MOST = 2.2


class _CountedText(str):
    """A text that counts the characters copied out of it."""

    __slots__ = ("copied",)
    copied: int

    def __new__(cls, text: str) -> _CountedText:
        counted = super().__new__(cls, text)
        counted.copied = 0
        return counted

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        taken = super().__getitem__(key)
        self.copied += len(taken)
        return taken


def _article(text: str) -> Article:
    return Article("会议召开", "", (Block(BlockKind.PARAGRAPH, text),))


def _steps(article: Article) -> int:
    """How many steps of the interpreter it takes to tag the article."""
    count = 0

    def note(frame: FrameType, event: str, arg: object) -> TraceFunction:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        _TAGGER.tag(article)
    finally:
        sys.settrace(before)
    return count


def _copied(article: Article, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many characters the rules copy out of the article's texts."""
    counted: list[_CountedText] = []

    def counting(article: Article) -> list[Passage]:
        parts = passages(article)
        for part in parts:
            counted.append(_CountedText(part.text))
            vars(part)["text"] = counted[-1]
        return parts

    with monkeypatch.context() as patch:
        patch.setattr(tagger, "passages", counting)
        _TAGGER.tag(article)
    return sum(text.copied for text in counted)


@pytest.mark.parametrize(("start", "unit", "end"), _HOSTILE, ids=_IDS)
def test_twice_the_text_is_at_most_twice_the_steps(start: str, unit: str, end: str) -> None:
    once, twice = (_steps(_article(start + unit * times + end)) for times in (200, 400))
    assert twice <= _AT_MOST * once


@pytest.mark.parametrize(("start", "unit", "end"), _HOSTILE, ids=_IDS)
def test_twice_the_text_is_at_most_twice_the_characters_looked_at(
    start: str, unit: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    once, twice = (_copied(_article(start + unit * times + end), monkeypatch) for times in (400, 800))
    assert twice <= _AT_MOST * once + WINDOW


def test_many_paragraphs_are_no_more_work_than_one() -> None:
    def steps(times: int) -> int:
        whole = Block(BlockKind.PARAGRAPH, "南昌、苏州高新区的区块链。")
        cut = (Block(BlockKind.PARAGRAPH, "在昆山高"), Block(BlockKind.PARAGRAPH, "新区。"))
        return _steps(Article("会议召开", "", (whole, *cut) * times))

    assert steps(400) <= _AT_MOST * steps(200)


@pytest.mark.parametrize(("start", "unit", "end"), _HOSTILE, ids=_IDS)
def test_a_hostile_megabyte_is_tagged_with_little_evidence(start: str, unit: str, end: str) -> None:
    times = _MEGABYTE // len(unit.encode())
    article = _TAGGER.tag(_article(start + unit * times + end))
    tags: tuple[ParkTag | TopicTag, ...] = (*article.parks, *article.topics)
    for tag in tags:
        assert 0 < len(tag.evidence) <= 12
        assert all(len(passage.text) <= 2 * WINDOW for passage in tag.evidence)


def test_a_name_far_apart_in_blanks_is_none() -> None:
    def parks(blanks: int) -> tuple[Any, ...]:
        return _TAGGER.tag(_article("南昌" + " " * blanks + "高新区")).parks

    assert len(parks(3)) == 1
    assert parks(1000) == ()


def test_the_last_places_of_a_list_without_end_are_found() -> None:
    article = _TAGGER.tag(_article("中关村。" * 5000 + "合肥、" * 5000 + "南昌高新区"))
    assert {park.name for park in article.parks} >= {"合肥高新区", "南昌高新区"}
