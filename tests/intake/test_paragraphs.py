"""Lines of an article become blocks: items, tables and footnotes stay, marks follow their words, cuts are mended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatch.intake.line import Line, LineKind
from dispatch.intake.paragraphs import blocks, mended
from dispatch.model import Block, BlockKind, Mark, MarkKind

LONG = "会议由市科技局主持,各县区科技局的负责同志参加了会议,会上交流了今年以来的工作情况"


def text(words: str, **fields: object) -> Line:
    return replace(Line(words, 1, gap=True), **fields)  # type: ignore[arg-type]  # fields of a line by name


def item(words: str, depth: int = 0, **fields: object) -> Line:
    return text(words, kind=LineKind.ITEM, depth=depth, **fields)


def table(*rows: tuple[str, ...], page: int = 0) -> Line:
    return text("\n".join(" | ".join(row) for row in rows), kind=LineKind.TABLE, rows=rows, page=page)


def note(words: str) -> Line:
    return text(words, kind=LineKind.NOTE)


def shown(*lines: Line) -> list[tuple[str, str]]:
    return [(block.kind.value, block.text) for block in blocks(lines, hints=True)]


# Kinds


def test_each_kind_is_a_block_of_its_own() -> None:
    rows = (("行业", "增长"), ("工业", "4.1%"))
    found = blocks([text("主要有:"), item("一项", 0), item("二项", 1), table(*rows), note("1. 见上期。")], hints=True)
    assert found == (
        Block(BlockKind.PARAGRAPH, "主要有:"),
        Block(BlockKind.ITEM, "一项"),
        Block(BlockKind.ITEM, "二项", depth=1),
        Block(BlockKind.TABLE, "行业 | 增长\n工业 | 4.1%", rows),
        Block(BlockKind.NOTE, "1. 见上期。"),
    )


def test_an_item_without_a_stop_does_not_swallow_the_next_paragraph() -> None:
    assert shown(item("加强领导"), text("会议还研究了其他事项。")) == [
        ("item", "加强领导"),
        ("paragraph", "会议还研究了其他事项。"),
    ]


def test_an_item_goes_on_in_the_next_line_and_over_a_page_end() -> None:
    assert shown(item("加强组织"), text("领导。", gap=False)) == [("item", "加强组织领导。")]
    assert shown(item(LONG, page=1), text("和打算。", page=2)) == [("item", LONG + "和打算。")]
    assert len(shown(item(LONG, page=1), text("和打算。", page=1))) == 2


@pytest.mark.parametrize("form", ["{}. ", "{}、", "({})", "{})"])
@pytest.mark.parametrize("gap", [True, False])
def test_lines_that_count_are_items_and_keep_their_numbers(form: str, gap: bool) -> None:
    steps = [form.format(number) + words for number, words in ((1, "登录官网"), (2, "填写表格"), (3, "提交材料。"))]
    found = shown(text("步骤如下:"), *(text(step, gap=gap) for step in steps), text("会后参观。"))
    assert found == [("paragraph", "步骤如下:"), *(("item", step) for step in steps), ("paragraph", "会后参观。")]


@pytest.mark.parametrize(
    "lines",
    [
        (text("1. 登录官网"), text("2024. 填写表格")),
        (text("1. 登录官网"), text("3. 填写表格")),
        (text("1. 登录官网。按提示操作。"), text("2. 填写表格。按提示操作。")),
        (text("1. 登录官网", level=4), text("2. 填写表格", level=4)),
        (text("1. 登录官网"), text("按提示操作,完成登录。"), text("2. 填写表格")),
    ],
)
def test_headings_and_paragraphs_with_numbers_are_no_items(lines: tuple[Line, ...]) -> None:
    assert "item" not in [kind for kind, _ in shown(*lines)]


# What stands between two halves


@pytest.mark.parametrize("between", [note("① 数据截至六月。"), text("图1 会议现场"), text("(图为会议现场)")])
def test_what_a_page_end_puts_into_a_sentence_follows_its_paragraph(between: Line) -> None:
    first, second = shown(text(LONG), between, text("和下一步打算。"))
    assert first == ("paragraph", LONG + "和下一步打算。")
    assert second[1] == between.text


def test_a_table_at_a_page_end_too() -> None:
    rows = ("行业", "增长"), ("工业", "4.1%")
    found = shown(text(LONG, page=1), table(*rows, page=1), text("和下一步打算。", page=2))
    assert [kind for kind, _ in found] == ["paragraph", "table"]
    assert found[0][1].endswith("工作情况和下一步打算。")


def test_a_table_on_one_page_parts_what_stands_around_it() -> None:
    rows = ("行业", "增长"), ("工业", "4.1%")
    found = shown(text(LONG, page=1), table(*rows, page=1), text("从表中可以看出增长。", page=1))
    assert [kind for kind, _ in found] == ["paragraph", "table", "paragraph"]


def test_a_caption_after_a_whole_sentence_stays_where_it_is() -> None:
    assert [words for _, words in shown(text(LONG + "。"), text("图1 会议现场"), text("会后参观。"))][1].startswith(
        "图1"
    )


# Fragments that look like headings


@pytest.mark.parametrize("rest", ["和打算,并提出了要求", "肯定,要求再接再厉。"])
def test_the_rest_of_a_sentence_marked_as_a_heading(rest: str) -> None:
    found = mended([text(LONG), text(rest, level=2), text("会后参观。")], hints=True)
    assert found.blocks[0].text.startswith(LONG + rest)
    unsure = [doubt for _, doubt in found.doubts if "marked as a heading" in doubt]
    assert len(unsure) == (0 if rest.endswith("。") else 1)


@pytest.mark.parametrize(
    ("first", "heading"),
    [
        (LONG + "。", "强化创新,增创优势"),
        (LONG, "二、下一步,抓落实"),
        (LONG, "下一步打算"),
        ("主要做法", "强化创新,增创优势"),
    ],
)
def test_a_heading_stays_one(first: str, heading: str) -> None:
    found = shown(text(first), text(heading, level=3), text("会后参观。"))
    assert ("heading", heading) in found


# Joins


@pytest.mark.parametrize(
    ("left", "right", "whole"),
    [
        ("the captains who", "welcome it.", "the captains who welcome it."),
        ("sandbanks,” he says,", "“and that is why.”", "sandbanks,” he says, “and that is why.”"),
        ("In the spring of the year", "2022 it began.", "In the spring of the year 2022 it began."),
        ("使用的系统是 AI,", "2022年上线。", "使用的系统是 AI,2022年上线。"),
        ("(昆山高新区与苏州", "工业园区)签约。", "(昆山高新区与苏州工业园区)签约。"),
        ("《关于促进高质量", "发展的若干意见》印发。", "《关于促进高质量发展的若干意见》印发。"),
        ("总投资388.", "6亿元。", "总投资388.6亿元。"),
    ],
)
def test_seams(left: str, right: str, whole: str) -> None:
    assert shown(text(left), text(right)) == [("paragraph", whole)]


def test_marks_follow_their_words_over_a_seam() -> None:
    bold, link = Mark(MarkKind.STRONG, 0, 2), Mark(MarkKind.LINK, 1, 4, "https://example.org/")
    halves = [text("昆山的企业在昆山高", marks=(bold,)), text("高新区增长。", marks=(link,))]
    (found,) = mended(halves, hints=True, cut=True).blocks
    assert found.text == "昆山的企业在昆山高新区增长。"
    assert [found.text[mark.start : mark.end] for mark in found.marks] == ["昆山", "新区增"]
    (english,) = blocks([text("In the"), text("new zone.", marks=(Mark(MarkKind.STRONG, 0, 3),))], hints=True)
    assert [english.text[mark.start : mark.end] for mark in english.marks] == ["new"]


def test_what_is_unsure_is_said() -> None:
    found = mended([text("同时,以区"), text("区块链为抓手。", number=7, page=3)], hints=True)
    ((line, doubt),) = found.doubts
    assert (line.place, doubt) == ("Page 3, line 7", "区 stands on both sides of a cut, and is dropped once.")
    found = mended([text("题为“机理研究”"), text("会议要求抓紧落实。")], hints=True, cut=True)
    assert "may be two paragraphs" in found.doubts[0][1]
    assert mended([text("题为“机理研究”"), text("的报告。")], hints=True).doubts == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("图1 揭牌现场", "实验室总投资1.2亿元。"),
        ("表2", "2024年,各县区增长较快。"),
        ("注:数据截至六月", "会议还研究了其他事项。"),
        ("本报记者 王晓", "近日,全市科技工作会议召开。"),
        ("文/李四 图/王五", "近日,全市科技工作会议召开。"),
        ("二〇二四年七月一日", "市科技局"),
        ("2024年7月1日", "会议召开。"),
        ("会议召开后各单位要抓紧落实好各项任务并及时报送有关情况", "市科技局"),
        ("滨海市科技创新委员会", "会议召开。"),
        ("联系方式", "电话见官网。"),
        ("各位读者朋友", "本期介绍一本新书。"),
        ("通知对象:各区科技局、各高新区管委会", "会议于7月1日召开。"),
        ("——滨海市科技创新大会侧记", "七月的滨海,热潮涌动。"),
        ("热潮涌动科技城", "——滨海市科技创新大会侧记"),
        ("创新券", "创新券是一种凭证。"),
        ("林海任实验室主任", "周敏任副主任。"),
        ("编者按", "本期介绍一本新书。"),
        ("科学普及", "本期介绍一本新书。"),
        ("滨海市人民政府办公室关于印发滨海市科技创新行动方案的通知", "各县区人民政府、市科技局:"),
    ],
)
@pytest.mark.parametrize("gap", [True, False])
def test_paragraphs_without_a_stop_stay_apart(first: str, second: str, gap: bool) -> None:
    assert shown(text(first), text(second, gap=gap)) == [("paragraph", first), ("paragraph", second)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("林海任实验室主任,", "周敏任副主任。"),
        ("实验室设在", "滨海高新区。"),
        ("专家把报告题为“高质量", "发展”的文章读完。"),
        ("全市共有10", "个项目开工。"),
        ("他们在会上交流了经验。随后,大家", "参观了实验室。"),
        ("近日,项目在滨海高", "新区开工。"),
        ("推动高质量发", "质量发展。"),
    ],
)
def test_short_halves_are_joined_where_their_seam_shows_a_cut(first: str, second: str) -> None:
    assert len(shown(text(first), text(second))) == 1


def test_a_short_half_is_joined_over_a_page_end_and_where_the_word_stands_elsewhere() -> None:
    assert len(shown(text("实验室总投资一亿元建成", page=1), text("后将投入使用。", page=2))) == 1
    assert shown(text("项目在昆山高"), text("新区开工。"), text("山高新这个词见于别处。"))[0] == (
        "paragraph",
        "项目在昆山高新区开工。",
    )
    assert len(shown(text("图1 揭牌现场", page=1), text("实验室总投资1.2亿元。", page=2))) == 2


def test_a_document_with_cut_paragraphs_has_short_ones_cut_too() -> None:
    short = [text("服务专员逐户上门了解"), text("企业的困难。", number=7)]
    assert len(mended(short, hints=True).blocks) == 2
    cuts = [text(LONG), text("和下一步打算。")] * 2
    found = mended([*cuts, *short], hints=True)
    assert [block.text for block in found.blocks][-1] == "服务专员逐户上门了解企业的困难。"
    assert [line.number for line, doubt in found.doubts if "may be two paragraphs" in doubt] == [7]


def test_a_long_line_that_may_be_whole_is_joined_with_a_word_on_it() -> None:
    whole = "滨海高新区举办科技创新政策宣讲会暨企业座谈会活动圆满结束"
    found = mended([text(whole), text("会后参观。", number=9)], hints=True)
    ((line, doubt),) = found.doubts
    assert line.number == 9
    assert "may be two paragraphs" in doubt


def test_marks_of_what_was_taken_off_a_line_go_with_it() -> None:
    link = MarkKind.LINK
    marks = (Mark(MarkKind.STRONG, 0, 2), Mark(link, 3, 9, "https://x.test"), Mark(link, 5, 9, "https://y.test"))
    assert blocks([text("会议结束。", marks=marks)])[0].marks == (
        Mark(MarkKind.STRONG, 0, 2),
        Mark(link, 3, 5, "https://x.test"),
    )


def test_of_more_marks_than_anybody_writes_the_first_are_kept() -> None:
    words = "很" * 2000 + "。"
    line = text(words, marks=tuple(Mark(MarkKind.STRONG, at, at + 1) for at in range(2000)))
    assert len(blocks([line])[0].marks) == 500
