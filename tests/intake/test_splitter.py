"""The splitter reads the sample, and a bulletin it knows nothing of; what is no issue it refuses."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.catalog import Bulletin, ColumnSpec, load_catalog
from dispatch.errors import IntakeError
from dispatch.intake import numerals
from dispatch.intake.assembly import Body
from dispatch.intake.colophon import Colophon
from dispatch.intake.credits import Credits
from dispatch.intake.line import Line
from dispatch.intake.masthead import find_masthead
from dispatch.intake.paragraphs import blocks, mended
from dispatch.intake.readers import markdown, read
from dispatch.intake.splitter import MAX_LINES, Split, _check_size, split
from dispatch.model import Article, Block, BlockKind, Column, Issue

_ROOT = Path(__file__).parents[2]
_SAMPLE = _ROOT / "config" / "samples" / "huoju-2022-05.md"
_OTHER = _ROOT / "tests" / "data" / "other-bulletin.md"
_PROFILES = load_catalog().bulletins


def _split(source: str, *profiles: Bulletin) -> Split:
    return split(markdown.lines(source), profiles or _PROFILES, "x.md")


def _refusal(source: str) -> str:
    with pytest.raises(IntakeError) as caught:
        _split(source)
    message = str(caught.value)
    assert message.startswith("x.md: ")
    return message


# The sample


def test_the_sample_is_read_exactly() -> None:
    found = split(read(_SAMPLE), _PROFILES, _SAMPLE.name)
    expected = json.loads((_ROOT / "tests/data/huoju-2022-05.expected.json").read_text(encoding="utf-8"))
    issue = found.issue
    assert (issue.bulletin, issue.title, issue.publisher) == ("huoju", expected["title"], expected["publisher"])
    assert (issue.year, issue.number, issue.total) == (2022, 5, 534)
    assert issue.date == dt.date(2022, 3, 15)
    assert [(column.name, column.contents_name) for column in issue.columns] == [
        (column["name"], column["contents_name"]) for column in expected["columns"]
    ]
    articles = [article for column in issue.columns for article in column.articles]
    wanted = [article for column in expected["columns"] for article in column["articles"]]
    assert [(article.title, article.credit) for article in articles] == [
        (article["title"], article["credit"]) for article in wanted
    ]
    for article, entry in zip(articles, wanted, strict=True):
        assert [{"kind": block.kind, "text": block.text} for block in article.blocks] == entry["blocks"]
        assert (article.parks, article.topics) == ((), ())


def test_the_sample_gives_three_warnings_with_their_lines() -> None:
    assert split(read(_SAMPLE), _PROFILES, _SAMPLE.name).warnings == (
        "Line 64: the title is 科技部火炬中心党委召开2022年第一季度书记工作会 here "
        "and 科技部火炬中心党委召开2022年第1季度书记工作会 in the contents list.",
        "Line 76: the column is 高质量发展看高新区 here and 高质量发展在高新区 in the contents list.",
        "Line 219: 区 stands on both sides of a cut, and is dropped once.",
    )


# Another bulletin

_PROFILE = Bulletin(
    key="bincheng",
    name="滨城科学简报",
    publishers=("滨城市科学技术协会",),
    columns=(
        ColumnSpec("news", "要闻速递"),
        ColumnSpec("near", "科普在身边"),
        ColumnSpec("people", "人物访谈"),
        ColumnSpec("numbers", "数说科学"),
    ),
)
_ARTICLES = {
    "要闻速递": [("滨城海洋观测站正式投入运行", "滨城日报"), ("市科协召开青少年科技教育座谈会", "市科协青少年部")],
    "科普在身边": [("社区里的流动天文台", "海晏社区科普工作站"), ("夏季用电安全知多少", "滨城供电公司 作者:吴小帆")],
    "人物访谈": [("陈立言:在滩涂上种出海水稻", "本刊编辑部")],
    "数说科学": [
        ("上半年全市专利授权量增长一成", "市市场监督管理局"),
        ("公民科学素质比例达到15.2%", "市科协普及部"),
        ("科普场馆接待观众超百万", "滨城科技馆"),
    ],
}


def _outline(issue: Issue) -> dict[str, list[tuple[str, str]]]:
    return {column.name: [(article.title, article.credit) for article in column.articles] for column in issue.columns}


def _without_list(source: str) -> str:
    return source[: source.index("目 录")] + source[source.index("## 要闻速递") :]


def _without_marks(source: str) -> str:
    return re.sub(r"(?m)^#+ ", "", source).replace("**", "")


def _credits_on_top(source: str) -> str:
    return re.sub(r"(?ms)^(### [^\n]*)\n\n(.*?)\n\n(来源:[^\n]*)\n", r"\1\n\n\3\n\n\2\n", source)


def _one_level(source: str) -> str:
    return re.sub(r"(?m)^#+ ", "## ", source)


def _as_it_is(source: str) -> str:
    return source


@pytest.mark.parametrize("marks", [_as_it_is, _without_marks, _one_level])
@pytest.mark.parametrize("place", [_as_it_is, _credits_on_top])
@pytest.mark.parametrize("listed", [_as_it_is, _without_list])
@pytest.mark.parametrize("profile", [_PROFILE, None])
def test_another_bulletin(profile: Bulletin | None, listed: object, place: object, marks: object) -> None:
    source = _OTHER.read_text(encoding="utf-8")
    for change in (listed, place, marks):
        assert callable(change)
        source = change(source)
    found = _split(source, profile) if profile else _split(source)
    issue = found.issue
    assert _outline(issue) == _ARTICLES
    assert issue.bulletin == ("bincheng" if profile else "滨城科学简报")
    assert (issue.title, issue.publisher) == ("滨城科学简报", "滨城市科学技术协会")
    assert (issue.year, issue.number, issue.total, issue.date) == (2024, 3, 0, dt.date(2024, 6, 18))
    assert issue.ref == "2024-03"
    assert any(
        warning.endswith(": 校 stands on both sides of a cut, and is dropped once.") for warning in found.warnings
    )
    by_place = [warning for warning in found.warnings if "by their place alone" in warning]
    assert len(by_place) == (profile is None and listed is _without_list and marks is _without_marks)
    assert len(found.warnings) - len(by_place) == (1 if profile else 2)


def test_another_bulletins_text() -> None:
    first, second, *_ = _split(_OTHER.read_text(encoding="utf-8"), _PROFILE).issue.columns
    assert first.articles[0].blocks[1].text.endswith("可以通过手机查询未来三天的浪高和风力。")
    assert first.articles[1].blocks[1].text.endswith("年内先在三所学校试点,取得经验后再逐步推开。")
    assert [block.kind.value[0] for block in second.articles[1].blocks] == ["p", "h", "p", "h", "p"]


# What is no issue


@pytest.mark.parametrize(
    "source",
    [
        "",
        "# Shopping\n\n- milk\n- eggs\n",
        "# A project\n\nInstall it.\n\n## Usage\n\n1. Run it.\n",
        "今天天气很好。\n\n明天也很好。\n",
        "<!DOCTYPE html>\n<html><body><h1>404 Not Found</h1><p>nginx</p></body></html>",
        "《求是》2022年第5期发表文章。\n\n文章指出,要坚持创新。\n",
        "# 火炬动态\n\n科技部火炬高技术产业开发中心\n",
    ],
)
def test_no_masthead_no_issue(source: str) -> None:
    message = _refusal(source)
    assert "no masthead with the number" in message
    assert "2022年第5期(总第534期)" in message  # what one looks like


def test_a_number_alone_is_no_issue() -> None:
    assert "no article" in _refusal("# 火炬动态\n\n2022年第5期(总第534期)\n")
    assert "no columns" in _refusal("# 某报\n\n2022年第5期\n\n一个标题\n\n只有一段文字。\n")
    assert "neither a total number" in _refusal("# 火炬动态\n\n第5期\n\n园区发展\n\n标题\n\n正文。\n\n(供稿:甲)\n")


def test_too_many_lines_are_no_issue() -> None:
    with pytest.raises(IntakeError, match=str(MAX_LINES)):
        split([Line("行", number) for number in range(MAX_LINES + 1)], (), "x")


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            [
                "",
                "园区发展",
                "## 研究报告",
                "**标题一**",
                "正文正文。",
                "正文被截",
                "(供稿:甲)",
                "来源:乙",
                "---",
                "一、小标题",
                "【创业孵化】",
                "【园区发展】标题二",
                "目录",
                "地址:北京",
                "(甲 乙)",
                "3",
                "### 标题一",
                "标题二",
                "。",
                "(",
                "”",
            ]
        ),
        max_size=40,
    )
)
def test_lines_in_any_order_give_an_issue_or_a_refusal(lines: list[str]) -> None:
    source = "\n".join(["# 火炬动态", "2022年第5期(总第534期)", *lines])
    try:
        issue = _split(source).issue
    except IntakeError as error:
        assert str(error).startswith("x.md: ")  # noqa: PT017  # either outcome is right, and each is looked at
        return
    assert issue.columns
    assert all(column.name and column.articles for column in issue.columns)
    assert all(block.text for column in issue.columns for article in column.articles for block in article.blocks)


@pytest.mark.parametrize("unit", ["区\n", "高新区\n\n", "【x】\n", "第5期\n", "(供稿:甲)\n", "(((", "**a ", "一、"])
def test_hostile_repetition_ends(unit: str) -> None:
    source = "# 火炬动态\n\n2022年第5期(总第534期)\n\n" + unit * 5_000
    try:
        assert _split(source).issue.number == 5
    except IntakeError as error:
        assert "x.md" in str(error)  # noqa: PT017  # either outcome is right


# What it was unsure of


def _warned(source: str) -> str:
    return "\n".join(_split(source).warnings)


_SMALL = """# 火炬动态

2022年第5期(总第534期) 2022年3月15日

【园区发展】

甲高新区召开创新大会
乙高新区发布新的政策

## 园区发展

### 甲高新区召开创新大会

会议指出,要坚持创新。

(供稿:甲高新区)

### 乙高新区发布新的政策

政策共有十条。

(供稿:乙高新区)
"""


def test_a_clean_issue_has_no_warning_but_what_is_missing() -> None:
    assert _warned(_SMALL) == "The masthead does not give the publisher."


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        (
            "\n乙高新区发布新的政策\n",
            "\n乙高新区发布新的政策\n丙高新区举办技能竞赛\n",
            "Line 9: the contents list has the title 丙高新区举办技能竞赛",
        ),
        (
            "\n乙高新区发布新的政策\n",
            "\n乙高新区发布了新政策\n",
            "Line 18: the title is 乙高新区发布新的政策 here and 乙高新区发布了新政策",
        ),
        ("\n乙高新区发布新的政策\n", "\n", "does not have the title 乙高新区发布新的政策"),
        ("## 园区发展", "## 园区的发展", "Line 10: the column is 园区的发展 here and 园区发展 in the contents list"),
        ("(供稿:甲高新区)", "", "Line 12: the article 甲高新区召开创新大会 has no credit"),
        ("政策共有十条。", "", "the article 乙高新区发布新的政策 has no text"),
        ("3月15日\n", "3月15日\n\n编者按:欢迎阅读本期。\n", "Line 5: text before the first article fits nowhere"),
        ("3月15日", "3月35日", "Line 3: 2022年3月35日 is not a date"),
        ("火炬动态", "科技动态", "No profile is known for 科技动态"),
    ],
)
def test_warnings(old: str, new: str, warning: str) -> None:
    assert old in _SMALL
    assert warning in _warned(_SMALL.replace(old, new, 1))


def test_width_and_punctuation_are_no_other_spelling() -> None:
    source = _SMALL.replace("甲高新区召开创新大会", "甲高新区:召开“创新”大会2", 1)
    source = source.replace("甲高新区召开创新大会", "甲高新区：召开创新大会２")
    assert "title is" not in _warned(source)


# Mastheads


@pytest.mark.parametrize(
    ("words", "year", "number", "total", "date"),
    [
        ("2022年第5期(总第534期) 2022年3月15日", 2022, 5, 534, dt.date(2022, 3, 15)),
        ("２０２２年第５期（总第５３４期）２０２２年３月１５日", 2022, 5, 534, dt.date(2022, 3, 15)),
        ("二〇二二年第五期(总第五三四期)", 2022, 5, 534, None),
        ("第十二期\n2024年11月2日", 2024, 12, 0, dt.date(2024, 11, 2)),
        ("第3期 2024年", 2024, 3, 0, None),
        ("总第534期 2022-03-15", 2022, 0, 534, dt.date(2022, 3, 15)),
        ("2022 年 第 5 期 ( 总第 534 期 )\n出版日期:2022.3.15", 2022, 5, 534, dt.date(2022, 3, 15)),
        ("2022年度第5期\n(总期数:534)", 2022, 5, 534, None),
        ("【2022】第5期\n2022/3/15", 2022, 5, 0, dt.date(2022, 3, 15)),
    ],
)
def test_mastheads(words: str, year: int, number: int, total: int, date: dt.date | None) -> None:
    found = find_masthead(markdown.lines(f"# 某某动态\n\n{words}\n\n【栏目】\n"), ())
    assert found is not None
    assert (found.title, found.year, found.number, found.total, found.date) == ("某某动态", year, number, total, date)


@pytest.mark.parametrize(
    ("line", "publisher"),
    [
        ("工业和信息化部火炬高技术产业开发中心", "工业和信息化部火炬高技术产业开发中心"),
        ("主办:滨城市科学技术局", "滨城市科学技术局"),
        ("滨城市科学技术局 编印", "滨城市科学技术局"),
        ("科技部火炬高技术产业开发中心 2022年第5期", "科技部火炬高技术产业开发中心"),
    ],
)
def test_publishers(line: str, publisher: str) -> None:
    found = find_masthead(markdown.lines(f"# 火炬动态\n\n{line}\n\n总第534期\n"), _PROFILES)
    assert found is not None
    assert (found.title, found.publisher) == ("火炬动态", publisher)


def test_a_title_that_mentions_an_issue_is_no_masthead() -> None:
    assert find_masthead(markdown.lines("火炬大讲堂第5期在京举行\n\n正文。\n"), _PROFILES) is None


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("5", 5),
        ("５", 5),
        ("五", 5),
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("五三四", 534),
        ("五百三十四", 534),
        ("一千零三", 1003),
    ],
)
def test_numerals(word: str, value: int) -> None:
    assert numerals.number(word) == value


# Credits


@pytest.mark.parametrize(
    ("line", "text", "head"),
    [
        ("(供稿:南昌高新区)", "南昌高新区", ""),
        ("（供稿：南京高新区（江宁园））", "南京高新区（江宁园）", ""),
        ("完成了任务。 (供稿:南昌高新区)", "南昌高新区", "完成了任务。"),
        ("完成了任务。(科技部火炬中心 张木 陈力)", "科技部火炬中心 张木 陈力", "完成了任务。"),
        ("来源:科技日报 作者:张三", "科技日报 作者:张三", ""),
        ("(南昌高新区供稿)", "南昌高新区", ""),
        ("(摘自《科技日报》)", "《科技日报》", ""),
        ("【供稿单位:南昌高新区】", "南昌高新区", ""),
        ("他说:“好。”供稿:南昌高新区", "南昌高新区", "他说:“好。”"),
        ("——来源：新华社", "新华社", ""),
        ("(张三 李四)", "张三 李四", ""),
        ("文/张三", "张三", ""),
        ("图文｜滨城日报", "滨城日报", ""),
        ("（文/张三 图/李四）", "张三 图/李四", ""),
        ("本刊记者 王五 通讯员 赵六", "王五 通讯员 赵六", ""),
        ("By Jane Doe", "Jane Doe", ""),
        ("By Jane Doe and John O’Neill", "Jane Doe and John O’Neill", ""),
        ("Source: Northport Harbour Office", "Northport Harbour Office", ""),
        ("It was a success. (Source: Harbour Office)", "Harbour Office", "It was a success."),
        ("Reported by: the editors", "the editors", ""),
    ],
)
def test_credits(line: str, text: str, head: str) -> None:
    found = Credits().find(line)
    assert found is not None
    assert (found.text, found.head) == (text, head)


@pytest.mark.parametrize(
    "line",
    [
        "被评为优秀(A类)。",
        "(完)",
        "(下转第3页)",
        "(二)加强管理",
        "来源:这是一句完整的话。",
        "大连(旅顺)",
        "",
        "()",
        "(",
        "来源:",
        "资金来源:财政拨款,已到位。",
        "文/理科分开招生,各有侧重,考生自愿",
        "By the end of the year",
        "By 2030 the Harbour will be green",
        "记者在现场看到",
    ],
)
def test_what_is_no_credit(line: str) -> None:
    assert Credits().find(line) is None


@pytest.mark.parametrize(
    ("pattern", "line", "text"),
    [
        ("◇{credit}◇", "◇ 张三 ◇", "张三"),
        ("执笔人({credit})", "执笔人（张三、李四）", "张三、李四"),
        ("by {credit}", "by jane", "jane"),
        ("—{credit}报道", "— 港务局 报道", "港务局"),
    ],
)
def test_credits_in_a_bulletins_own_form(pattern: str, line: str, text: str) -> None:
    assert Credits().find(line) is None
    found = Credits(patterns=[pattern]).find(line)
    assert found is not None
    assert (found.text, found.head, found.sure) == (text, "", True)
    assert Credits(patterns=["by {credit}"]).find("byron") is None


@pytest.mark.parametrize(
    ("line", "labelled"),
    [
        ("地址:北京市", True),
        ("邮 编：100045", True),
        ("责任编辑:李辉", True),
        ("www.example.org", True),
        ("园区地址", False),
        ("电话会议召开", False),
    ],
)
def test_colophon_lines(line: str, labelled: bool) -> None:
    assert Colophon().labels(line) is labelled


# Paragraphs


def _blocks(*texts: str) -> list[str]:
    """The paragraphs of an article in a document that is evidently cut."""
    lines = [Line(text, number, gap=True) for number, text in enumerate(texts, 1)]
    return [block.text for block in mended(lines, hints=True, cut=True).blocks]


@pytest.mark.parametrize(
    ("left", "right", "whole"),
    [
        ("对各支部工作给予了充分", "肯定。", "对各支部工作给予了充分肯定。"),
        ("截至年底,昆山高", "新区增加至25家。", "截至年底,昆山高新区增加至25家。"),
        ("题为“运行机理研究”", "的报告。", "题为“运行机理研究”的报告。"),
        ("同时,以区", "区块链为抓手。", "同时,以区块链为抓手。"),
        ("推动高质量发", "质量发展。", "推动高质量发展。"),
        ("增长2.", "5%。", "增长2.5%。"),
        ("共有67", "个部门。", "共有67个部门。"),
        ("建成一批平台;二是引进人才;", "三是优化环境。", "建成一批平台;二是引进人才;三是优化环境。"),
        ("the new", "zone in", "the new zone in"),
    ],
)
def test_a_cut_paragraph_is_whole_again(left: str, right: str, whole: str) -> None:
    assert _blocks(left, right) == [whole]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("第一段。", "第二段。"),
        ("他说:“好。”", "会议结束。"),
        ("主要做法如下:", "加强领导。"),
        ("(一)加强领导;", "(二)优化服务。"),
        ("一是加强领导;", "二是优化服务。"),
        ("未完的一段", "1. 第一项。"),
    ],
)
def test_two_paragraphs_stay_two(first: str, second: str) -> None:
    assert _blocks(first, second) == [first, second]


def test_a_word_that_belongs_there_twice_stays() -> None:
    known = "这所大学很大。那所大学也很大。这个学科很好。那个学科也很好。大学里有人。"
    assert (
        _blocks(known, "各县区和有关部门下一阶段还要继续大力加强大学", "学科建设。")[1]
        == "各县区和有关部门下一阶段还要继续大力加强大学学科建设。"
    )


def test_headings_of_parts() -> None:
    lines = [Line("一、现状", 1), Line("1. 顶层设计完善。陆续出台。", 2), Line("2. 平台建设", 3), Line("加快推进。", 4)]
    assert blocks(lines, hints=False) == (
        Block(BlockKind.HEADING, "一、现状"),
        Block(BlockKind.PARAGRAPH, "1. 顶层设计完善。陆续出台。"),
        Block(BlockKind.PARAGRAPH, "2. 平台建设加快推进。"),
    )


@pytest.mark.parametrize(
    ("columns", "articles", "refused"), [(100, 1, ""), (101, 1, "100 columns"), (1, 2_001, "2000 articles")]
)
def test_an_issue_of_too_many_columns_or_articles_is_refused(columns: int, articles: int, refused: str) -> None:
    body = Body(tuple(Column(str(n), str(n), (Article("题", "", ()),) * articles) for n in range(columns)), True, 0, ())
    if not refused:
        _check_size(body, "wide.md")
        return
    with pytest.raises(IntakeError, match=f"wide.md: more than {refused}, too many for an issue"):
        _check_size(body, "wide.md")
