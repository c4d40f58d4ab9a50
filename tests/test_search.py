"""Search finds what holds the words, in Chinese too, on both kinds of database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dispatch import archive, search
from dispatch.archive import ColumnName
from dispatch.errors import UsageError
from dispatch.model import Article, Block, BlockKind, Column, Issue, IssueState
from dispatch.search import Order, Within, fold, parse, terms
from dispatch.web import reading
from subscribers.database import SCHEMA, Database

TEXTS = {
    "南昌高新区建设算力中心": "算力 中心位于南昌。企业超过300家,５Ｇ网络全覆盖。",
    "科技金融服务创业孵化": "金融机构与孵化器合作,推进区块链技术。区块链带来机会。",
    "Green Growth in the Parks": "High-tech parks reduce carbon. 绿色低碳是方向。",
}


def _issue(number: int, texts: dict[str, str]) -> Issue:
    articles = tuple(
        Article(title, "南昌高新区管委会", (Block(BlockKind.PARAGRAPH, text),)) for title, text in texts.items()
    )
    return Issue(
        "huoju", "火炬动态", "中心", 2022, number, 500 + number, dt.date(2022, number, 1), (Column("一", "", articles),)
    )  # fmt: skip


def _add(db: Database, issue: Issue) -> int:
    with db.transaction():
        return archive.add(
            db,
            issue,
            source="x.md",
            warnings=(),
            column_name=lambda *_: ColumnName("one", "One"),
            tags_of=lambda article, _: ("topic:fintech",) if "金融" in article.title else ("park:南昌高新区",),
            now=1,
        ).id


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """An archive with an issue, on each kind of database."""
    found = Database.open(database_url, (SCHEMA, archive.SCHEMA))
    _add(found, _issue(1, TEXTS))
    yield found
    found.close()


def _titles(db: Database, text: str, within: Within | None = None) -> list[str]:
    return [hit.title.text for hit in search.search(db, parse(text), within).hits]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("算力", "南昌高新区建设算力中心"),
        ("算力中心", "南昌高新区建设算力中心"),  # over a blank in the text
        ("算 力", "南昌高新区建设算力中心"),
        ("区块链", "科技金融服务创业孵化"),
        ("链", "科技金融服务创业孵化"),
        ("5G", "南昌高新区建设算力中心"),
        ("300家", "南昌高新区建设算力中心"),
        ("5G网络 南昌", "南昌高新区建设算力中心"),
        ("“High-tech parks”", "Green Growth in the Parks"),
        ("green 低碳", "Green Growth in the Parks"),
        ("ＰＡＲＫＳ", "Green Growth in the Parks"),
    ],
)
def test_words_of_any_length_are_found(db: Database, words: str, found: str) -> None:
    assert _titles(db, words) == [found]


@pytest.mark.parametrize("words", ["金算", "心算力", "区块块链", "parks high", '"parks high"', "算力 区块链", "arbo"])
def test_what_does_not_hold_the_words_is_not_found(db: Database, words: str) -> None:
    assert _titles(db, words) in ([], ["Green Growth in the Parks"] if words == "parks high" else [])


def test_a_word_with_a_minus_is_in_none_that_is_found(db: Database) -> None:
    assert len(_titles(db, "南昌高新区")) == 3  # who it comes from is searched too
    assert _titles(db, "南昌高新区 -区块链 -carbon") == ["南昌高新区建设算力中心"]


def test_places_in_the_archive(db: Database) -> None:
    later = _add(db, _issue(7, {"南昌又一篇": "算力。"}))
    with db.transaction():
        db.run("UPDATE issues SET state = 'sent' WHERE id = :id", {"id": later})
    assert len(_titles(db, "算力")) == 2
    assert _titles(db, "算力", Within(since="2022-02-01")) == ["南昌又一篇"]
    assert _titles(db, "算力", Within(until="2022-02-01")) == ["南昌高新区建设算力中心"]
    assert _titles(db, "算力", Within(public=True)) == ["南昌又一篇"]
    assert _titles(db, "算力", Within(bulletin="other")) == []
    assert len(_titles(db, "算力", Within(column="one"))) == len(_titles(db, "算力", Within(column="一"))) == 2
    assert _titles(db, "南昌", Within(tags=("topic:fintech", "topic:other"))) == ["科技金融服务创业孵化"]


def test_the_best_come_first_or_the_newest_page_by_page(db: Database) -> None:
    _add(db, _issue(7, {"园区": "算力一次。"}))
    best = search.search(db, parse("算力"))
    assert [hit.title.text for hit in best.hits] == ["南昌高新区建设算力中心", "园区"]
    newest = search.search(db, parse("算力"), order=Order.NEWEST)
    assert [hit.title.text for hit in newest.hits] == ["园区", "南昌高新区建设算力中心"]
    second = search.search(db, parse("算力"), most=1, skip=1)
    assert (second.total, [hit.title.text for hit in second.hits]) == (2, ["园区"])
    assert search.search(db, parse("算力"), most=1, skip=2).hits == ()


def test_a_hit_shows_the_words_where_they_stand(db: Database) -> None:
    (hit,) = search.search(db, parse("5g网络 算力")).hits
    assert [hit.passage.text[start:end] for start, end in hit.passage.marks] == ["算力", "５Ｇ网络"]
    assert [hit.title.text[start:end] for start, end in hit.title.marks] == ["算力"]


def test_what_was_changed_is_found_by_its_new_words_alone(db: Database) -> None:
    (hit,) = search.search(db, parse("算力")).hits
    with db.transaction():
        db.run("UPDATE articles SET title = '量子', blocks = '[]' WHERE id = :id", {"id": hit.article_id})
        search.forget(db, [hit.article_id])
    assert _titles(db, "算力") == []
    assert _titles(db, "量子") == ["量子"]


def test_a_replaced_issue_is_found_by_its_new_words_alone(db: Database) -> None:
    assert _titles(db, "算力")
    _add(db, _issue(1, {"量子": "新的文章。"}))
    assert _titles(db, "算力") == []
    assert _titles(db, "量子") == ["量子"]


def test_the_index_can_be_made_anew(db: Database) -> None:
    assert search.index(db) == 3
    assert search.index(db) == 0
    search.clear(db)
    assert search.unindexed(db) == 3
    assert search.index(db) == 3
    assert _titles(db, "算力") == ["南昌高新区建设算力中心"]


@pytest.mark.parametrize("words", ["", "  ", "-区块链", '""', "。，", "一" * 101, " ".join(f"w{n}" for n in range(17))])
def test_a_search_that_says_nothing_or_too_much_is_refused(words: str) -> None:
    with pytest.raises(UsageError):
        parse(words)


_TEXT = st.text(st.sampled_from("南昌高新区算力中心五5gGａ -。\n𠀀é%_'\"\\ "), max_size=30)


@given(_TEXT, st.integers(0, 30), st.integers(1, 30))
@example("𠀀昌", 0, 1)
def test_any_part_of_a_text_without_half_a_word_has_its_terms(text: str, start: int, length: int) -> None:
    folded = fold(text)
    part = folded[start : start + length]
    beside = folded[start - 1 : start] if start else "", folded[start + length : start + length + 1]
    if not any(char.isascii() and char.isalnum() for char in beside):
        assert terms(part) <= terms(folded)


@given(_TEXT)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_what_the_pages_show_the_public_can_find(db: Database) -> None:
    """An approved issue is on the pages before its first message goes out."""
    for state in IssueState:
        _state(db, 1, state)
        shown = reading.ReadingCache(1).find(db, "huoju", "501") is not None
        assert bool(_titles(db, "区块链", Within(public=True))) is shown, state


def test_the_newest_are_indexed_first_whenever_they_were_taken_in(db: Database) -> None:
    for number in (12, 3, 2):
        _add(db, _issue(number, {f"第{number}期的文章{n}": "算力" for n in range(20)}))
    order = []
    while search.index_some(db):
        order.append(len(_titles_now(db, "算力")))
        assert _titles_now(db, "第12期的文章7") == ["第12期的文章7"]
    assert order == [20, 40, 60, 61]


def _titles_now(db: Database, text: str) -> list[str]:
    """What is found by what is indexed by now."""
    found = search.search(db, parse(text), order=Order.NEWEST, most=100, catch_up=0)
    return [hit.title.text for hit in found.hits]


def _state(db: Database, issue_id: int, state: IssueState) -> None:
    with db.transaction():
        db.run("UPDATE issues SET state = :state WHERE id = :id", {"state": state, "id": issue_id})


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("3. 推动区块链应用。", "推动区块链"),
        ("（三）推动区块链应用。", "推动区块链"),
        ("一、推动区块链应用。", "推动区块链"),
        ("一、二、三产业融合，推动区块链应用。", "一、二、三产业"),
        ("3.5亿元投资支持区块链。", "3.5亿元"),
        ("2022年，推动区块链应用。", "2022年"),
        ("部署各项重点任务，细化分工方案，并且逐项检查落实情况，按月通报。3. 推动区块链技术应用。", "…推动区块链"),
        ("部署各项重点任务，细化分工方案，逐项检查。要推动园区企业共同应用区块链技术。", "…要推动园区"),
        ("各园区深入贯彻落实各项部署和要求，建设面向企业的公共服务平台和区块链平台。", "…建设面向企业"),
        ("甲" * 40 + "2.5亿元支持企业应用与本地特色产业更好相结合的区块链", "…2.5亿元支持"),
        ("甲" * 60 + "区块链", "…甲"),
        ("The managers of zone number 35 said. Many companies work on 区块链", "…Many companies"),
        ("zone " * 10 + "invested much in companies of 区块链", "…invested much"),
        ("a" * 60 + "区块链", "…区块链"),
    ],
)
def test_a_passage_begins_where_one_can_begin_to_read(text: str, begins: str) -> None:
    passage = search._best_passage([text], ["区块链"])
    assert passage.text.startswith(begins)
    assert [passage.text[start:end] for start, end in passage.marks] == ["区块链"]


def test_a_number_that_is_looked_for_stays() -> None:
    passage = search._best_passage(["（三）推动区块链应用。"], ["三"])
    assert passage.text.startswith("（三）")
