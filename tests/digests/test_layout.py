"""Lists and tables as templates get them, and what is left of them where there is little room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.digests.layout import DEEPEST, Item, ItemList, arranged
from dispatch.digests.tables import display_width, table_of
from dispatch.digests.words import first_sentence, shorten
from dispatch.model import Article, Block, BlockKind, Mark, MarkKind
from dispatch.testing.samples import rich_article, sample_table

from .blocks import ARTICLES, tables

TABLE = sample_table(("指标", "数值"), ("营业收入", "1200亿元"))


def item(text: str, depth: int = 0) -> Block:
    return Block(BlockKind.ITEM, text, depth=depth)


def text_of(found: Item) -> str:
    return "".join(run.text for run in found.runs)


def outline(lists: tuple[ItemList, ...]) -> list[object]:
    """The texts of the items, each followed by a list of those within it."""
    found: list[object] = []
    for one in lists:
        for entry in one.items:
            found.append(text_of(entry))
            if entry.lists:
                found.append(outline(entry.lists))
    return found


def flat(lists: tuple[ItemList, ...]) -> list[Item]:
    return [found for one in lists for entry in one.items for found in (entry, *flat(entry.lists))]


@pytest.mark.parametrize(
    ("depths", "expected"),
    [
        ([0, 1, 1, 0], ["0", ["1", "2"], "3"]),
        ([2, 2, 0], ["0", "1", "2"]),
        ([0, 5, 3, 5, 0], ["0", ["1", "2", ["3"]], "4"]),
        ([0, 1, 2, 1], ["0", ["1", ["2"], "3"]]),
    ],
)
def test_items_lie_in_those_above_them(depths: list[int], expected: list[object]) -> None:
    (piece,) = arranged([item(str(place), depth) for place, depth in enumerate(depths)])
    assert piece.kind == "list"
    assert outline(piece.lists) == expected


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=60))
def test_every_item_stands_once_in_its_order_at_a_level_that_exists(depths: list[int]) -> None:
    (piece,) = arranged([item(f"项{place}", depth) for place, depth in enumerate(depths)])
    found = flat(piece.lists)
    assert [text_of(entry) for entry in found] == [f"项{place}" for place in range(len(depths))]
    assert all(entry.level <= DEEPEST for entry in found)


@pytest.mark.parametrize(
    "text",
    [
        "1. 审批",
        "12、审批",
        "（一）审批",
        "(3)审批",
        "1.2 审批",
        "①审批",
        "A. 审批",
        "iv) 审批",
        "第三条 审批",
        "[1] 注",
    ],
)
def test_a_number_needs_no_bullet(text: str) -> None:
    (piece,) = arranged([item(text)])
    assert [found.numbered for found in piece.lists] == [True]


@pytest.mark.parametrize("text", ["3.5亿元投资", "2022年", "U.S. firms", "一是审批", "第一季度", "审批", "A股上市"])
def test_other_items_have_a_bullet(text: str) -> None:
    (piece,) = arranged([item(text)])
    assert [found.numbered for found in piece.lists] == [False]


def test_items_with_and_without_numbers_are_lists_of_their_own() -> None:
    (piece,) = arranged([item("甲"), item("乙"), item("1. 丙"), item("丁")])
    assert [(found.numbered, len(found.items)) for found in piece.lists] == [(False, 2), (True, 1), (False, 1)]


def test_the_pieces_of_an_article_of_all_kinds() -> None:
    kinds = [piece.kind for piece in arranged(rich_article().blocks)]
    assert kinds == ["paragraph", "heading", "table", "paragraph", "table", "heading", "list", "note"]


def test_columns_stand_under_each_other_by_the_width_of_their_characters() -> None:
    table = table_of(sample_table(("指标", "Q1"), ("营业收入", "12.5%"), ("GDP", "8%")))
    assert table.aligned(20) == ("指标      Q1", "--------  -----", "营业收入  12.5%", "GDP       8%")
    assert table.aligned(15)
    assert table.aligned(14) == ()
    assert display_width("高a\u0301\u200b，") == 5


def test_a_table_with_links_is_not_aligned_for_they_would_be_lost() -> None:
    linked = sample_table(("指标", "数值"), ("公报", "1"), links={"公报": "https://stats.example/"})
    assert table_of(linked).aligned(76) == ()
    ((record,),) = [tuple(table_of(linked).records)]
    assert [run.href for run in record.name.runs] == ["https://stats.example/"]


def test_records_say_what_each_value_is() -> None:
    rows = (("片区", "企业（家）", "GDP", "备注："), ("瑶湖", "410", "620", "含航空城"), ("艾溪湖", "", "580", " "))
    found = [
        (record.label + record.name.text, [(label, cell.text) for label, cell in record.fields])
        for record in table_of(sample_table(*rows)).records
    ]
    assert found == [
        ("片区：瑶湖", [("企业（家）：", "410"), ("GDP: ", "620"), ("备注：", "含航空城")]),
        ("片区：艾溪湖", [("GDP: ", "580")]),
    ]


def test_a_table_of_a_head_alone_says_its_head() -> None:
    (record,) = table_of(sample_table(("姓名", "单位"), ("", " "))).records
    assert (record.label, record.name.text, record.fields[0][1].text) == ("", "姓名", "单位")


def test_one_row_has_no_head_and_rows_may_be_missing() -> None:
    single = table_of(sample_table(("甲", "乙")))
    assert (single.head, len(single.rows)) == ((), 1)
    assert [[(label, cell.text) for label, cell in record.fields] for record in single.records] == [[("", "乙")]]
    assert [cell.text for (cell,) in table_of(Block(BlockKind.TABLE, "甲 | 乙")).rows] == ["甲 | 乙"]
    ragged = table_of(Block(BlockKind.TABLE, "甲\n乙 | 丙", (("甲",), ("乙", "丙"))))
    assert [cell.text for cell in ragged.head] == ["甲", ""]
    assert table_of(Block(BlockKind.TABLE, "", ((), ()))).columns == 0


@given(tables(), st.integers(1, 90))
def test_tables_keep_their_cells_and_their_width(block: Block, width: int) -> None:
    table = table_of(block)
    rows = ([table.head] if table.head else []) + list(table.rows)
    assert [tuple(cell.text for cell in row) for row in rows] == list(block.rows)
    for row in rows:
        for cell in row:
            assert "".join(run.text for run in cell.runs) == cell.text
    assert all(display_width(line) <= width for line in table.aligned(width))
    assert sum(table.shares) <= 100


def test_a_table_without_room_is_left_out_with_what_follows() -> None:
    opening, closing = Block(BlockKind.PARAGRAPH, "开头。"), Block(BlockKind.PARAGRAPH, "结尾。")
    heading = Block(BlockKind.HEADING, "一、指标")
    whole = Article("题", "", (opening, heading, TABLE, closing))
    room = len(opening.text) + len(heading.text) + len(TABLE.text)
    assert shorten(whole, room) == ((opening, heading, TABLE), True)
    assert shorten(whole, room - 1) == ((opening,), True)
    assert shorten(whole, room + len(closing.text)) == (whole.blocks, False)


def test_marks_are_cut_with_their_text() -> None:
    marks = (Mark(MarkKind.STRONG, 0, 100), Mark(MarkKind.LINK, 150, 300, "https://a.example/"))
    sentence = Block(BlockKind.ITEM, "字" * 119 + "。" + "字" * 300, marks=marks, depth=2)
    (kept,), _ = shorten(Article("题", "", (sentence,)), 200)
    assert kept == Block(BlockKind.ITEM, "字" * 119 + "。", marks=marks[:1], depth=2)
    unbroken = Block(BlockKind.PARAGRAPH, "字" * 500, marks=marks)
    (kept,), _ = shorten(Article("题", "", (unbroken,)), 200)
    assert kept.text == "字" * 199 + "…"
    assert [(mark.start, mark.end) for mark in kept.marks] == [(0, 100), (150, 199)]


@given(ARTICLES, st.integers(0, 400))
def test_what_is_kept_is_the_beginning(blocks: tuple[Block, ...], limit: int) -> None:
    kept, was_cut = shorten(Article("题", "", blocks), limit)
    assert was_cut == (sum(len(block.text) for block in blocks) > limit)
    assert sum(len(block.text) for block in kept) <= max(limit, 0)
    assert all(block == blocks[place] for place, block in enumerate(kept) if block.kind is BlockKind.TABLE)
    assert [block.kind for block in kept] == [block.kind for block in blocks[: len(kept)]]


def test_a_first_sentence_is_of_a_paragraph_else_of_an_item_and_never_of_a_table() -> None:
    paragraph = Block(BlockKind.PARAGRAPH, "甲。乙。")
    assert first_sentence(Article("题", "", (TABLE, item("丙。丁。"), paragraph))) == "甲。"
    assert first_sentence(Article("题", "", (TABLE, item("丙。丁。")))) == "丙。"
    assert first_sentence(Article("题", "", (TABLE, Block(BlockKind.NOTE, "注。")))) == ""
