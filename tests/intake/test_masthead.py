"""Mastheads in the forms in which bulletins have them, and what an issue without a number is called."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.catalog import Bulletin
from dispatch.errors import IntakeError
from dispatch.intake.masthead import Masthead, find_masthead
from dispatch.intake.numbering import forms, pieces_of
from dispatch.intake.readers import markdown
from dispatch.intake.splitter import Split, split

DAY = dt.date(2022, 3, 15)
HUOJU = Bulletin("huoju", "火炬动态", publishers=("科技部火炬高技术产业开发中心",))


def masthead(source: str, *profiles: Bulletin) -> Masthead:
    found = find_masthead(markdown.lines(source), profiles)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("words", "numbers", "date"),
    [
        ("第5期(总第534期)", (0, 5, 534), None),
        ("第 5 期 （总第 534 期）\n2022年3月15日", (2022, 5, 534), DAY),
        ("2022年第05期 总534期", (2022, 5, 534), None),
        ("2022年05期（总534期）", (2022, 5, 534), None),
        ("第五期\n二〇二二年三月十五日 星期二", (2022, 5, 0), DAY),
        ("第2022-05期", (2022, 5, 0), None),
        ("2022年3月15日（星期二） 第5期", (2022, 5, 0), DAY),
        ("第5期 2022.3.15 周二", (2022, 5, 0), DAY),
        ("No. 5\n15 March 2022", (2022, 5, 0), DAY),
        ("No.5, March 15, 2022", (2022, 5, 0), DAY),
        ("Vol. 12 No. 5\nTuesday, March 15th, 2022", (2022, 5, 0), DAY),
        ("Vol. 12, No. 5 (General Serial No. 534), 15 Mar. 2022", (2022, 5, 534), DAY),
        ("Issue 5 | 15 March 2022 (Tuesday)", (2022, 5, 0), DAY),
        ("Issue No. 5, 2022", (2022, 5, 0), None),
        ("№ 5 / 2022-03-15", (2022, 5, 0), DAY),
        ("2022年3月号(总第534期)", (2022, 0, 534), None),
        ("2022年3月号", (2022, 3, 0), None),
        ("March 2022", (2022, 3, 0), None),
        ("第十二卷 第5期 2022年3月", (2022, 5, 0), None),
        ("2022年3月15日", (2022, 0, 0), DAY),
    ],
)
def test_numbers_and_dates(words: str, numbers: tuple[int, int, int], date: dt.date | None) -> None:
    found = masthead(f"# 某某动态\n\n{words}\n\n【栏目】\n")
    assert (found.year, found.number, found.total) == numbers
    assert (found.title, found.date) == ("某某动态", date)


@pytest.mark.parametrize(
    "source",
    [
        "火炬动态        2022年第5期(总第534期)\n科技部火炬高技术产业开发中心编        2022年3月15日",
        "总第534期\n\n火 炬 动 态\n\n2022年第5期\n\n科技部火炬高技术产业开发中心 主办\n\n2022年3月15日 星期二",
        "内部资料 注意保存\n\n《火炬动态》\n\n2022年第5期\n(总第534期)\n\n主编:甲乙  审核:丙丁\n\n"
        "科技部火炬高技术产业开发中心\n\n2022年3月15日",
        "2022年第5期(总第534期) 2022年3月15日\n\n# 火炬动态\n\n科技部火炬高技术产业开发中心",
    ],
)
@pytest.mark.parametrize("profiles", [(HUOJU,), ()])
def test_wherever_its_parts_stand(source: str, profiles: tuple[Bulletin, ...]) -> None:
    found = masthead(f"{source}\n\n目录\n\n【园区发展】\n标题\n", *profiles)
    assert (found.title, found.publisher) == ("火炬动态", "科技部火炬高技术产业开发中心")
    assert (found.year, found.number, found.total, found.date) == (2022, 5, 534, DAY)
    assert found.end == 1 + max(
        at for at, line in enumerate(markdown.lines(source)) if "2022" in line.text or "中心" in line.text
    )


@pytest.mark.parametrize(
    ("line", "publisher"),
    [
        ("Published by the Harbour Authority", "the Harbour Authority"),
        ("Harbour Authority of Northport", "Harbour Authority of Northport"),
        ("Publisher: Northport Harbour Office", "Northport Harbour Office"),
    ],
)
def test_english_publishers(line: str, publisher: str) -> None:
    found = masthead(f"# The Harbour Letter\n\nVol. 12 No. 5\n{line}\n15 March 2022\n\n## News\n")
    assert (found.title, found.publisher, found.date) == ("The Harbour Letter", publisher, DAY)


def test_a_date_that_is_none_is_said() -> None:
    assert masthead("# 某某动态\n\n第5期 2022年2月30日\n").warnings == ("Line 3: 2022年2月30日 is not a date.",)


def test_a_number_in_the_text_is_not_the_issues() -> None:
    """What stands before the text goes before what stands in it."""
    found = masthead("# 某某动态\n\n2022年3月15日\n\n本期要闻很多,请看下文。\n\n火炬讲堂第9期\n\n会议举行。\n")
    assert (found.number, found.date) == (0, DAY)


# Names


def test_a_former_name_is_the_bulletins() -> None:
    profile = Bulletin("huoju", "火炬动态", "Torch Bulletin", aliases=("火炬通讯",))
    for title in ("火炬通讯", "Torch Bulletin"):
        found = masthead(f"# {title}\n\n2003年第5期\n", profile)
        assert (found.profile, found.title) == (profile, title)


def test_a_longer_name_goes_before_one_within_it() -> None:
    short, long = Bulletin("a", "科技动态"), Bulletin("b", "滨城科技动态")
    assert masthead("# 滨城科技动态\n\n第5期\n", short, long).profile == long


# A bulletin's own way to number


@pytest.mark.parametrize(
    ("text", "line", "numbers"),
    [
        ("{year}年{month}月号(总第{total}期)", "２０２４ 年 7 月号（总第 99 期）", (2024, 0, 99)),
        ("{year}年{month}月号", "二〇二四年七月号", (2024, 7, 0)),
        ("{total}#", "99#", (0, 0, 99)),
        ("第{number}号简报", "第十二号简报 2024年", (2024, 12, 0)),
    ],
)
def test_forms(text: str, line: str, numbers: tuple[int, int, int]) -> None:
    found = pieces_of(line, forms([text]))
    assert (found.year, found.number, found.total, found.rest) == (*numbers, "")


# Issues without a number

_BODY = """

## 要闻

### 新馆开放

新馆今天开放。

(供稿:文化馆)

### 旧馆关闭

旧馆昨天关闭。

(供稿:文化馆)
"""


def _split(head: str, *profiles: Bulletin) -> Split:
    return split(markdown.lines(head + _BODY), profiles, "x.md")


@pytest.mark.parametrize(
    ("head", "title", "ref"),
    [
        ("# 火炬动态\n\n增刊\n\n2022年3月15日", "火炬动态增刊", "2022-03-15"),
        ("# 火炬动态增刊\n\n2022年3月15日", "火炬动态增刊", "2022-03-15"),
        ("# 火炬动态\n\n2022年增刊第1期 2022年3月15日", "火炬动态增刊", "2022-03-15"),
        ("# 火炬动态(特刊)\n\n2022年3月15日", "火炬动态特刊", "2022-03-15"),
        ("# 火炬动态\n\n2022年增刊(总第534期)\n\n2022年3月15日", "火炬动态增刊", "534"),
        ("# 火炬动态专刊\n\n2022年第5期 2022年3月15日", "火炬动态专刊", "2022-05"),
        ("# Harbour Letter\n\nSpecial Issue\n\n15 March 2022", "Harbour Letter Special Issue", "2022-03-15"),
        ("# 火炬动态\n\n2022年3月15日", "火炬动态", "2022-03-15"),
    ],
)
def test_a_supplement_goes_by_its_date(head: str, title: str, ref: str) -> None:
    found = _split(head)
    assert (found.issue.title, found.issue.ref) == (title, ref)
    known = any(f"known by its date, as {ref}" in warning for warning in found.warnings)
    assert known == (ref == "2022-03-15")


def test_a_supplement_is_of_its_bulletin() -> None:
    assert _split("# 火炬动态\n\n增刊 2022年3月15日", HUOJU).issue.bulletin == "huoju"
    assert _split("# 滨城简报\n\n增刊 2022年3月15日").issue.bulletin == "滨城简报"


def test_a_supplement_without_a_day_is_refused() -> None:
    with pytest.raises(IntakeError, match="nor a date"):
        _split("# 火炬动态\n\n2022年增刊")


def test_a_dated_article_of_a_site_is_no_issue() -> None:
    source = "# 新馆开放\n\n2022年3月15日\n\n## 背景\n\n新馆今天开放。\n\n来源:文化馆\n"
    with pytest.raises(IntakeError, match="it has a date, but no columns"):
        split(markdown.lines(source), (), "x.md")
