"""Words of endpoints at rest: what they may be, and that they go where the endpoint goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.reader_words import read, read_marked
from subscribers import audit, directory, words
from subscribers.database import Database
from subscribers.errors import InvalidValue
from subscribers.model import Subscriber, Word
from subscribers.suppression import Hasher
from subscribers.transfer.bulk import Terms
from subscribers.transfer.columns import Columns
from subscribers.transfer.incoming import Import
from subscribers.transfer.outgoing import write_file
from subscribers.transfer.rows import Checker
from subscribers.transfer.tables import read_table
from subscribers.words import MOST, written
from tests.acts import at
from tests.subscribers.conftest import NOW, Add, email
from tests.subscribers.test_transfer import address, tag


def of(db: Database, endpoint: int) -> list[str]:
    return [written(word) for word in words.of_endpoint(db, endpoint)]


def endpoint_of(subscriber: Subscriber) -> int:
    return subscriber.endpoints[0].id


@pytest.mark.parametrize(
    ("text", "folded"), [("区块链", "区块链"), (" ＡＩ  Agent ", "ai agent"), ("區塊 鏈", "区块链"), ("5G", "5g")]
)
def test_a_word_is_looked_for_folded(text: str, folded: str) -> None:
    assert read(text).folded == folded


@pytest.mark.parametrize(
    "text", ["", "a", "x" * 41, "，。", "a;b", "--a", "+ab", "a\u202eb", "a\x00b", "\ud800ab", "㈱" * 20]
)
def test_what_is_no_word_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        read(text)


def test_words_are_added_once_changed_and_removed_on_record(db: Database, add: Add) -> None:
    endpoint = endpoint_of(add(email("a"), follows=("all",)))
    with db.transaction():
        assert words.add(db, endpoint, [read("区块链"), read("广告", excluded=True)], at(NOW))
        assert words.add(db, endpoint, [read("區塊鏈")], at(NOW)) == []
        assert words.add(db, endpoint, [read("广告")], at(NOW)) == [Word("广告", "广告")]
        assert [word.text for word in words.remove(db, endpoint, ["区块链", "没有"], at(NOW))] == ["区块链"]
    assert of(db, endpoint) == ["广告"]
    assert directory.endpoint(db, endpoint).words == (Word("广告", "广告"),)
    acts = [row["detail"] for row in audit.of_subject(db, audit.ENDPOINT, [endpoint]) if row["action"] == "words"]
    assert acts == [{"removed": ["区块链"]}, {"added": ["广告"]}, {"added": ["区块链", "-广告"]}]


def test_an_endpoint_has_twenty_words_at_most(db: Database, add: Add) -> None:
    endpoint = endpoint_of(add(email("a"), follows=("all",)))
    with db.transaction():
        words.add(db, endpoint, [read(f"word{number}") for number in range(MOST)], at(NOW))
        with pytest.raises(InvalidValue, match="at most 20"):
            words.add(db, endpoint, [read("another")], at(NOW))
    assert len(of(db, endpoint)) == MOST


def test_all_subscribers_come_with_their_words(db: Database, add: Add) -> None:
    ids = [endpoint_of(add(email(name), follows=("all",))) for name in "abc"]
    with db.transaction():
        words.add(db, ids[0], [read("xx")], at(NOW))
        words.add(db, ids[2], [read("yy", excluded=True), read("zz")], at(NOW))
    expected = [["xx"], [], ["-yy", "zz"]]
    assert [sorted(map(written, e.words)) for s in directory.everyone(db) for e in s.endpoints] == expected
    assert [sorted(map(written, e.words)) for s in directory.of_endpoints(db, ids) for e in s.endpoints] == expected


def test_who_takes_an_address_over_has_none_of_the_words_before(db: Database, add: Add) -> None:
    subscriber = add(email("a"), follows=("all",))
    endpoint = endpoint_of(subscriber)
    with db.transaction():
        words.add(db, endpoint, [read("广告", excluded=True)], at(NOW))
        directory.remove(db, subscriber, at(NOW))
    assert endpoint_of(add(email("a"), follows=("all",))) == endpoint
    assert of(db, endpoint) == []


def test_who_left_and_comes_back_begins_without_words(db: Database, add: Add) -> None:
    endpoint = endpoint_of(add(email("a"), follows=("all",)))
    with db.transaction():
        words.add(db, endpoint, [read("广告", excluded=True)], at(NOW))
        directory.opt_out(db, endpoint, at(NOW))
        directory.agreed(db, Hasher.load(db), endpoint, "asked again", ("all",), None, at(NOW))
    assert of(db, endpoint) == []


@pytest.mark.parametrize("suffix", ["csv", "json", "xlsx"])
def test_words_go_out_and_come_in(db: Database, add: Add, tmp_path: Path, suffix: str) -> None:
    one = add(email("a"), follows=("all",))
    add(email("b"), follows=("all",))
    with db.transaction():
        words.add(db, endpoint_of(one), map(read_marked, ("区块链", "-广告", "-ＡＩ Agent")), at(NOW))
    file = tmp_path / f"people.{suffix}"
    write_file(directory.everyone(db), file)
    with db.transaction():
        for subscriber in list(directory.everyone(db)):
            directory.remove(db, subscriber, at(NOW))
        db.run("DELETE FROM endpoints")
    with Import(db) as incoming:
        incoming.check(read_table(file), Columns(), Checker(address, tag, NOW, lambda word: read(word).folded))
        assert (incoming.good, incoming.bad) == (2, 0)
        incoming.store(Terms("list"), at(NOW))
    found = {e.address.address: sorted(map(written, e.words)) for s in directory.everyone(db) for e in s.endpoints}
    assert found == {"a@example.com": sorted(["-ＡＩ Agent", "-广告", "区块链"]), "b@example.com": []}


def test_bad_words_of_a_row_are_told(db: Database, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    many = ";".join(f"word{number}" for number in range(21))
    file.write_text(
        f"email,words\na@example.com,x\nb@example.com,{many}\nc@example.com,区块链；-广告\n", encoding="utf-8"
    )
    with Import(db) as incoming:
        incoming.check(read_table(file), Columns(), Checker(address, tag, NOW))
        assert (incoming.good, incoming.bad) == (1, 2)


def test_the_words_of_many_rows_are_written_together(db: Database, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    rows = [f"{number}@example.com,all,{';'.join(f'word{n}' for n in range(MOST))}" for number in range(100)]
    file.write_text("\n".join(["email,follows,words", *rows]), encoding="utf-8")
    with Import(db) as incoming:
        incoming.check(read_table(file), Columns(), Checker(address, tag, NOW))
        incoming.store(Terms("list"), at(NOW))
    assert {len(e.words) for s in directory.everyone(db) for e in s.endpoints} == {MOST}
