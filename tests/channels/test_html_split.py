"""Telegram's HTML in parts: nothing lost, nothing torn."""

from __future__ import annotations

import re
import sys
from html import escape
from html.parser import HTMLParser
from types import FrameType
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.channels.html_split import Reserve, split, utf16_units, visible_units
from dispatch.digests.slots import Slotted, slot

if TYPE_CHECKING:
    from _typeshed import TraceFunction

RESERVES = {"follows": Reserve(50, 4), "unsubscribe": Reserve(20, 1)}


class Parsed(HTMLParser):
    """The text, the number of entities, the links and the pieces of block quotes of one part."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.text = ""
        self.entities = 0
        self.links: list[str] = []
        self.feed(html)
        self.close()
        assert self.stack == [], "tags are closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not (tag == "blockquote" and tag in self.stack)
        self.stack.append(tag)
        self.entities += 1
        if tag == "a":
            self.links.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "a" in self.stack:
            self.links[-1] += data


def squeezed(text: str) -> str:
    return "".join(text.split())


CHINESE = st.text("高新区发展创业孵化，。；“”（）、", min_size=1, max_size=30)
LATIN = st.sampled_from(
    [
        "C919",
        "CAR-T",
        "1160.5",
        "ARJ21、",
        "innovation",
        "a<b",
        "R&D",
        "😀😀",
        "e\u0301te",
        "a&amp;b",
        " ",
        "\n",
        "\n\n",
    ]
)
WORDS = st.lists(CHINESE | LATIN, min_size=1, max_size=12).map("".join)


@st.composite
def markup(draw: st.DrawFn) -> str:
    pieces = []
    for text in draw(st.lists(WORDS, min_size=1, max_size=12)):
        safe = escape(text, quote=False)
        form = draw(
            st.sampled_from(["{}", "<b>{}</b>", "<i>{}</i>", "<blockquote expandable><b>{0}</b>{0}</blockquote>"])
        )
        pieces.append(form.format(safe))
    return draw(st.sampled_from(["", "\n", "\n\n"])).join(pieces)


@given(markup(), st.integers(20, 200), st.integers(3, 10))
def test_parts_fit_and_together_say_everything(html: str, units: int, entities: int) -> None:
    parts = [Parsed(part) for part in split(html, {}, units, entities)]
    assert squeezed("".join(part.text for part in parts)) == squeezed(Parsed(html).text)
    for part in parts:
        assert utf16_units(part.text) <= units
        assert part.entities <= entities
        assert part.text == part.text.strip() != "" or len(parts) == 1


@given(st.lists(st.from_regex(r"[A-Za-z0-9.%-]{1,15}", fullmatch=True), min_size=1, max_size=60), st.integers(15, 80))
def test_no_word_is_divided(words: list[str], units: int) -> None:
    parts = split("<i>" + " ".join(words) + "</i>", {}, units)
    assert [word for part in parts for word in Parsed(part).text.split()] == words


@given(st.lists(st.text("高新区。", min_size=1, max_size=18), min_size=1, max_size=20), st.integers(20, 60))
def test_no_link_is_divided(titles: list[str], units: int) -> None:
    html = "\n".join(f'• <a href="https://x/?a=1&amp;b={place}">{title}</a>' for place, title in enumerate(titles))
    parts = split(html, {}, units)
    assert [link for part in parts for link in Parsed(part).links] == titles
    assert [url for part in parts for url in re.findall('href="([^"]*)"', part)] == [
        f"https://x/?a=1&amp;b={place}" for place in range(len(titles))
    ]


@given(st.integers(0, 300), st.integers(60, 150))
def test_a_slot_has_its_room(length: int, units: int) -> None:
    html = f"{slot('follows')}\n{'高' * length}\n{slot('unsubscribe')}"
    parts = [Slotted.parse(part) for part in split(html, RESERVES, units)]
    assert [name for part in parts for name in part.pieces[1::2]] == ["follows", "unsubscribe"]
    filled = [part.fill({"follows": "f" * 50, "unsubscribe": "u" * 20}) for part in parts]
    assert all(utf16_units(text) <= units for text in filled)
    assert filled[0].startswith("f")
    assert filled[-1].endswith("u")


def test_a_part_ends_between_paragraphs_where_it_can() -> None:
    html = "一" * 30 + "。\n\n" + "二" * 40 + "。" + "三" * 40
    assert split(html, {}, 40)[0] == "一" * 30 + "。"
    assert split("一" * 30 + "。二二二二\n\n" + "三" * 30, {}, 40)[0] == "一" * 30 + "。二二二二"


def test_a_part_ends_after_a_sentence_and_its_closing_quotes() -> None:
    html = "说：“" + "一" * 28 + "。”" + "二" * 30
    assert split(html, {}, 40)[0] == "说：“" + "一" * 28 + "。”"


def test_no_part_begins_with_a_closing_mark() -> None:
    html = "一" * 39 + "，" + "二" * 10
    assert [part[0] for part in split(html, {}, 39)] == ["一", "一"]


def test_open_tags_are_closed_and_opened_again() -> None:
    html = f"<blockquote expandable><u>{'一' * 30}</u>\n\n{'二' * 30}</blockquote>"
    assert split(html, {}, 40) == (
        f"<blockquote expandable><u>{'一' * 30}</u></blockquote>",
        f"<blockquote expandable>{'二' * 30}</blockquote>",
    )


def test_neighbouring_block_quotes_stay_two() -> None:
    html = "<blockquote>a</blockquote><blockquote>b</blockquote>"
    assert split(html, {}) == (html,)


def test_what_is_longer_than_a_message_is_cut_all_the_same() -> None:
    assert split("x" * 25, {}, 10) == ("x" * 10, "x" * 10, "x" * 5)
    link = split(f'<a href="https://x/">{"高" * 25}</a>', {}, 10)
    assert [Parsed(part).text for part in link] == ["高" * 10, "高" * 10, "高" * 5]
    assert all(part.startswith('<a href="https://x/">') for part in link)


def test_length_counts_utf16_units_after_parsing() -> None:
    assert visible_units('<a href="https://long.example/address">a&amp;b😀</a>') == 5
    assert [Parsed(part).text for part in split("😀" * 5, {}, 4)] == ["😀😀", "😀😀", "😀"]


def test_only_entities_that_telegram_knows_come_out() -> None:
    assert split("&#34;&mdash;&nbsp;x&quot; &lt;b&gt; &amp;amp;", {}) == ('"—\xa0x" &lt;b&gt; &amp;amp;',)


def test_a_hundred_entities_a_part() -> None:
    parts = split("\n".join(f"<b>{number}</b>" for number in range(150)), {})
    assert [Parsed(part).entities for part in parts] == [100, 50]


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("<p>x</p>", "knows no <p>"),
        ("<b><i>x</b></i>", "closes what is not open"),
        ("<b>x", "<b> is not closed"),
        ("x</b>", "closes what is not open"),
        ("<blockquote>x<blockquote>y</blockquote></blockquote>", "within"),
    ],
)
def test_markup_that_telegram_would_refuse_is_an_error(html: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        split(html, {})


def test_an_unknown_slot_is_an_error() -> None:
    with pytest.raises(KeyError):
        split(slot("nobody_knows"), RESERVES)


def test_nothing_is_one_empty_part() -> None:
    assert split("  \n ", {}) == ("",)


@pytest.mark.parametrize("piece", ["a) ", "字", "）", "（", "。", " ", "\n", "a", "<b>x</b>", "&amp;"])
def test_twice_the_text_is_at_most_twice_the_steps(piece: str) -> None:
    once, twice = (_steps(piece * times) for times in (500, 1_000))
    assert twice <= 2.2 * once  # four times is what a look back at all that stands before would take


def _steps(html: str) -> int:
    """How many lines of Python it takes to split a text into parts of a hundred units."""
    count = 0

    def note(frame: FrameType, event: str, arg: object) -> TraceFunction:
        nonlocal count
        count += event == "line"
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        split(html, {}, 100)
    finally:
        sys.settrace(before)
    return count


def test_a_heading_stays_with_what_follows_it() -> None:
    before, after = "一" * 25, "二" * 20
    assert split(f"{before}\n\n<b>题</b>\n\n{after}", {}, 40) == (before, f"<b>题</b>\n\n{after}")
    assert split(f"{before}\n\n<b>题</b>\n{after}", {}, 40) == (before, f"<b>题</b>\n{after}")
    assert split(f"{before}\n\n<i>题</i>\n{after}", {}, 40) == (before, f"<i>题</i>\n{after}")
    assert split(f"{before}\n\n<i>题</i>\n\n{after}", {}, 40) == (f"{before}\n\n<i>题</i>", after)
    assert split(f"{before}\n\n<b>题</b>上\n\n{after}", {}, 40) == (f"{before}\n\n<b>题</b>上", after)
