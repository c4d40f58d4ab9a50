"""Words by which readers choose count at the claim, like follows."""

from __future__ import annotations

import pytest

from dispatch.delivery import claims, settles
from dispatch.delivery.ledger import Attempt, Work
from dispatch.model import Retry, Sent
from dispatch.reader_words import read_marked
from subscribers import words
from tests.acts import at
from tests.delivery.conftest import Desk, FakeChannel

COLUMNS = {"一": ["a 区块链", "a 广告", "a b 区块链 广告", "b"], "二": ["a"]}


def choose(desk: Desk, endpoint: int, *given: str) -> None:
    with desk.db.transaction():
        words.add(desk.db, endpoint, map(read_marked, given), at(desk.clock.now()))


def claim(desk: Desk) -> list[Work]:
    return claims.claim(desk.db, "email", 100, "me", desk.clock.now(), 300_000)


def bits(work: Work) -> list[int]:
    return [owed.variant for owed in work.owed]


@pytest.mark.parametrize(
    ("given", "variant", "tags"),
    [
        ((), 0b0111, ("topic:a",)),
        (("区块链",), 0b0101, ("topic:a",)),
        (("區塊鏈",), 0b0101, ("topic:a",)),
        (("-广告",), 0b0001, ("topic:a",)),
        (("区块链", "-广告"), 0b0001, ("topic:a",)),
        (("区块链", "广告"), 0b0111, ("topic:a",)),
        (("一段话", "-ＢＢ"), 0b0111, ("topic:a",)),
    ],
)
def test_of_what_is_followed_the_articles_that_pass_go(
    desk: Desk, given: tuple[str, ...], variant: int, tags: tuple[str, ...]
) -> None:
    reader = desk.reader("a@example.com", "topic:a")
    choose(desk, reader, *given)
    desk.issue({"一": COLUMNS["一"]})
    desk.plan()
    [work] = claim(desk)
    assert bits(work) == [variant]
    assert work.owed[0].tags == tags


def test_the_reasons_are_those_of_what_is_left(desk: Desk) -> None:
    reader = desk.reader("a@example.com", "topic:a", "topic:b")
    choose(desk, reader, "-区块链", "-广告")
    desk.issue({"一": COLUMNS["一"]})
    desk.plan()
    [work] = claim(desk)
    assert (bits(work), work.owed[0].tags) == ([0b1000], ("topic:b",))


def test_where_nothing_passes_the_delivery_ends_with_the_reason(desk: Desk) -> None:
    reader = desk.reader("a@example.com", "topic:a")
    other = desk.reader("b@example.com", "topic:a")
    choose(desk, reader, "量子")
    desk.issue(COLUMNS)
    desk.plan()
    works = claim(desk)
    assert {work.endpoint_id for work in works} == {other}
    assert desk.states()["a@example.com 一"] == "cancelled"
    rows = desk.db.all("SELECT DISTINCT reason FROM deliveries WHERE endpoint_id = :id", {"id": reader})
    assert rows == [{"reason": claims.NO_WORD}]


def test_a_word_counts_up_to_the_claim(desk: Desk) -> None:
    reader = desk.reader("a@example.com", "topic:a")
    desk.issue({"一": ["a 区块链", "a"]})
    desk.plan()
    choose(desk, reader, "区块链")
    assert [bits(work) for work in claim(desk)] == [[1]]


def test_words_of_one_do_not_touch_another(desk: Desk) -> None:
    one, two = desk.reader("a@example.com", "topic:a"), desk.reader("b@example.com", "topic:a")
    choose(desk, one, "-广告")
    choose(desk, two, "广告")
    desk.issue({"一": ["a 广告", "a"]})
    desk.plan()
    assert {work.endpoint_id: bits(work) for work in claim(desk)} == {one: [2], two: [1]}


def test_credits_and_texts_are_looked_through_and_no_word_goes_over_the_end_of_a_part(desk: Desk) -> None:
    reader = desk.reader("a@example.com", "topic:a")
    choose(desk, reader, "-a一段")  # the end of the title, and the beginning of the text
    desk.issue({"一": ["a"]})
    desk.plan()
    assert [bits(work) for work in claim(desk)] == [[1]]


def test_the_rest_of_a_message_that_no_word_lets_through_is_not_sent(desk: Desk) -> None:
    reader = desk.reader("a@example.com", "topic:a")
    desk.issue({"一": ["a 广告"]})
    desk.plan()
    [work] = claim(desk)
    now = desk.clock.now()
    first = Attempt(work, 0, Sent(), now, 5, False, "id", "email:a", now)
    assert settles.settle(desk.db, [first], now) == [True]
    again = Attempt(work, 1, Retry("busy"), now, 5, True, "id", "email:a", now + 1000)
    settles.settle(desk.db, [again], now)
    choose(desk, reader, "-广告")
    desk.clock.ms += 2000
    assert claim(desk) == []
    assert "nothing more of it is owed" in str(desk.message("a@example.com")["reason"])


def test_a_text_that_is_changed_is_looked_through_anew(desk: Desk) -> None:
    one = desk.reader("a@example.com", "topic:a")
    choose(desk, one, "-广告")
    desk.issue({"一": ["a"]})
    desk.plan()
    with desk.db.transaction():
        desk.db.run("UPDATE articles SET credit = '廣告部'")
    assert claim(desk) == []
    assert desk.states() == {"a@example.com 一": "cancelled"}


async def test_what_a_reader_excludes_is_not_even_named(desk: Desk) -> None:
    choose(desk, desk.reader("a@example.com", "topic:b"), "-广告")
    choose(desk, desk.reader("b@example.com", "topic:b"), "区块链", "-量子")
    desk.reader("c@example.com", "topic:b")
    choose(desk, desk.reader("d@example.com", "topic:b"), "-量子")
    desk.issue({"一": ["a 区块链", "a 广告", "b 区块链"]})
    desk.plan()
    channel = FakeChannel()
    await desk.drain(channel)
    named = {
        address: [entry.article.title for section in page.content.sections for entry in section.others]
        for address, page in zip(channel.addresses, channel.pages, strict=True)
    }
    assert named.pop("a@example.com") == ["a 区块链"]
    assert list(named.values()) == [["a 区块链", "a 广告"]] * 3
    assert len(channel.renders) == 2  # a word that leaves nothing out makes no content of its own


async def test_the_rest_of_a_message_in_parts_names_no_more_than_its_beginning(desk: Desk) -> None:
    reader = desk.reader("a@example.com", "topic:b")
    choose(desk, reader, "-广告")
    desk.issue({"一": ["a 区块链", "a 广告", "b"]})
    desk.plan()
    channel = FakeChannel(parts=2, answer=lambda envelope, part: Retry("later", after=1) if part else Sent())
    await desk.drain(channel)
    with desk.db.transaction():
        words.remove(desk.db, reader, ["广告"], at(desk.clock.now()))
    desk.clock.ms += 86_400_000
    [work] = claim(desk)
    assert (work.parts_done, work.owed[0].variant, work.owed[0].left_out) == (1, 0b100, 0b010)
