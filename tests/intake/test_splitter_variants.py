"""The sample in other forms splits into the same issue: what a converter, an editor or a careless hand makes of it."""

from __future__ import annotations

import contextlib
import json
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.catalog import Bulletin, load_catalog
from dispatch.errors import IntakeError
from dispatch.intake.cleaning import clean
from dispatch.intake.readers import markdown, text
from dispatch.intake.splitter import Split, split
from dispatch.model import Issue

_ROOT = Path(__file__).parents[2]
_SAMPLE = (_ROOT / "config" / "samples" / "huoju-2022-05.md").read_text(encoding="utf-8")
_PROFILES = load_catalog().bulletins
_COLUMNS = ("火炬在行动", "高质量发展看高新区", "园区发展", "创业孵化", "研究报告")

Change = Callable[[str], str]
Expected = dict[str, Any]


def _expected() -> Expected:
    found: Expected = json.loads((_ROOT / "tests/data/huoju-2022-05.expected.json").read_text(encoding="utf-8"))
    for column in found["columns"]:
        for article in column["articles"]:
            del article["parks"]
    return found


def _plain(issue: Issue) -> Expected:
    return {
        "title": issue.title,
        "publisher": issue.publisher,
        "year": issue.year,
        "number": issue.number,
        "total": issue.total,
        "date": issue.date.isoformat() if issue.date else "",
        "columns": [
            {
                "name": column.name,
                "contents_name": column.contents_name,
                "articles": [
                    {
                        "title": article.title,
                        "credit": article.credit,
                        "blocks": [{"kind": str(block.kind), "text": block.text} for block in article.blocks],
                    }
                    for article in column.articles
                ],
            }
            for column in issue.columns
        ],
    }


def _split(source: str, profiles: tuple[Bulletin, ...] = _PROFILES) -> Split:
    return split(markdown.lines(clean(source)), profiles, "sample.md")


def _read(source: str, profiles: tuple[Bulletin, ...] = _PROFILES) -> Expected:
    return _plain(_split(source, profiles).issue)


# The sample's parts


def _parts(source: str) -> tuple[str, list[str], list[str], str]:
    """The masthead, the columns of the contents list, the columns of the body, the colophon."""
    heads = "|".join(_COLUMNS)
    first = re.search(rf"(?m)^## (?:{heads})$", source)
    listed = re.search(r"(?m)^(?:\*\*|## )【", source)
    end = source.index("\n---\n") + 1
    assert first
    contents_at = listed.start() if listed else first.start()
    contents = re.split(r"(?m)^(?=(?:\*\*|## )【)", source[contents_at : first.start()])[1:]
    body = re.split(rf"(?m)^(?=## (?:{heads})$)", source[first.start() : end])[1:]
    assert (len(contents), len(body)) == (5, 5)
    return source[:contents_at], contents, body, source[end:]


def _without_contents(source: str) -> str:
    masthead, _, body, colophon = _parts(source)
    return masthead + "".join(body) + colophon


def _reversed_body(source: str) -> str:
    masthead, contents, body, colophon = _parts(source)
    return masthead + "".join(contents) + "".join(part.rstrip() + "\n\n" for part in reversed(body)) + colophon


def _reversed_contents(source: str) -> str:
    masthead, contents, body, colophon = _parts(source)
    return masthead + "".join(part.rstrip() + "\n\n" for part in reversed(contents)) + "".join(body) + colophon


def _reversed_both(source: str) -> str:
    masthead, contents, body, colophon = _parts(source)
    parts = [*reversed(contents), *reversed(body)]
    return masthead + "".join(part.rstrip() + "\n\n" for part in parts) + colophon


def _level(marks: str) -> Change:
    return lambda source: re.sub(r"(?m)^#+ ", marks, source)


def _bold(source: str) -> str:
    return re.sub(r"(?m)^#+ (.*)$", r"**\1**", source)


def _underlined(source: str) -> str:
    return re.sub(r"(?m)^#+ (.*)$", r"\1\n====", source)


def _closed(source: str) -> str:
    return re.sub(r"(?m)^(#+) (.*)$", r"\1 \2 \1", source)


def _tight_marks(source: str) -> str:
    return re.sub(r"(?m)^(##+) ", r"\1", source)


def _bold_headings(source: str) -> str:
    return re.sub(r"(?m)^(#+) (.*)$", r"\1 **\2**", source)


def _no_marks(source: str) -> str:
    return re.sub(r"(?m)^#+ ", "", source).replace("**", "").replace("  \n", "\n")


def _more_gaps(source: str) -> str:
    return source.replace("\n", "\n\n")


def _no_gaps(source: str) -> str:
    return re.sub(r"\n\s*\n", "\n", source.strip()) + "\n"


def _crlf(source: str) -> str:
    return source.replace("\n", "\r\n")


def _credits_alone(source: str) -> str:
    return re.sub(r"[ \n]*(\((?:供稿:[^()\n]*|科技部火炬中心 张木 陈力)\))", r"\n\n\1", source)


def _credits_inline(source: str) -> str:
    return re.sub(r"[ \n]*(\((?:供稿:[^()\n]*|科技部火炬中心 张木 陈力)\))", r"\1", source)


def _credits_inline_spaced(source: str) -> str:
    return re.sub(r"[ \n]*(\((?:供稿:[^()\n]*|科技部火炬中心 张木 陈力)\))", r" \1", source)


def _bare_credits(source: str) -> str:
    return re.sub(r"[ \n]*\((供稿:[^()\n]*)\)", r"\n\n\1", source)


def _square_credits(source: str) -> str:
    return re.sub(r"\((供稿:[^()\n]*)\)", r"【\1】", source)


def _no_colophon(source: str) -> str:
    return source[: source.index("\n---\n")] + "\n"


def _no_rule(source: str) -> str:
    return source.replace("\n---\n", "\n")


def _page_numbers(source: str) -> str:
    """A page's number and the running head between the two parts of every paragraph that was cut."""
    for cut in ("给予了充分\n", "只率先把67\n", "围绕重点\n", "昆山高\n", "同时,以区\n"):
        source = source.replace(cut, cut + "\n- 12 -\n\n火炬动态\n")
    return source


def _indented(source: str) -> str:
    return re.sub(r"(?m)^(?=[^#\n*(-])", "　　", source)


def _with_label(source: str) -> str:
    return source.replace("**【火炬在行动】**", "## 目 录\n\n**【火炬在行动】**")


def _with_leaders(source: str) -> str:
    masthead, contents, body, colophon = _parts(source)
    listed = re.sub(r"(?m)^(?!## )(.+?) *$", r"\1……………12", "".join(contents))
    return masthead + listed + "".join(body) + colophon


def _bulleted_contents(source: str) -> str:
    masthead, contents, body, colophon = _parts(source)
    listed = re.sub(r"(?m)^(?!## |\*\*)(.+?) *$", r"- \1", "".join(contents))
    return masthead + listed + "".join(body) + colophon


def _loose_titles(source: str) -> str:
    masthead, contents, body, colophon = _parts(source)
    listed = "".join(contents).replace("拟获", "获").replace("打造", "着力打造").replace("上榜辽宁", "入选辽宁")
    return masthead + listed + "".join(body) + colophon


def _spaced_masthead(source: str) -> str:
    return source.replace("# 火炬动态", "# 火 炬 动 态").replace(
        "2022年第5期(总第534期)", "2022 年 第 5 期 ( 总第 534 期 )"
    )


def _wide_masthead(source: str) -> str:
    return source.replace(
        "2022年第5期(总第534期) 2022年3月15日", "２０２２年第５期（总第５３４期）　２０２２年３月１５日"
    )


def _chinese_masthead(source: str) -> str:
    return source.replace(
        "2022年第5期(总第534期) 2022年3月15日", "二〇二二年第五期(总第五百三十四期)\n\n二〇二二年三月十五日"
    )


def _chinese_digits_masthead(source: str) -> str:
    return source.replace("2022年第5期(总第534期) 2022年3月15日", "第五期\n总第五三四期\n2022-03-15")


def _publisher_last(source: str) -> str:
    line = "科技部火炬高技术产业开发中心\n\n"
    return source.replace(line, "", 1).replace("2022年3月15日\n\n", "2022年3月15日\n\n" + line, 1)


def _one_line_masthead(source: str) -> str:
    return source.replace("# 火炬动态\n\n科技部", "科技部").replace("2022年第5期(总", "火炬动态 2022年第5期(总")


def _html(source: str) -> str:
    source = re.sub(r"(?m)^## (.*)$", r"<h2>\1</h2>", source)
    return "<!-- made by a converter\n## 园区发展\n-->\n<style>\np {}\n</style>\n" + source.replace("  \n", "<br>\n")


def _escaped(source: str) -> str:
    return source.replace("1. ", r"1\. ").replace("&", "&amp;").replace("—", "&mdash;").replace("2+6+X", r"2\+6\+X")


def _links(source: str) -> str:
    return source.replace("昆山高新技术创业服务中心创立", "[昆山高新技术创业服务中心](http://example.org/a_b)创立")


def _emphasis(source: str) -> str:
    return re.sub(r"(?m)^(持续|大力|健全|强化|高效|提速)([^。,]*)([,。])", r"**\1\2\3**", source)


_SURFACE: dict[str, Change] = {
    change.__name__: change
    for change in (
        _bold, _underlined, _closed, _tight_marks, _bold_headings, _no_marks, _more_gaps, _no_gaps, _crlf,
        _credits_alone, _credits_inline, _credits_inline_spaced, _bare_credits, _square_credits,
        _no_colophon, _no_rule, _page_numbers, _indented, _spaced_masthead, _wide_masthead, _chinese_masthead,
        _chinese_digits_masthead, _publisher_last, _one_line_masthead, _html, _escaped, _links, _emphasis,
    )
} | {f"level {marks or 'none'}": _level(marks) for marks in ("## ", "### ", "#### ", "")}  # fmt: skip


def _columns(mark: str) -> Change:
    return lambda source: re.sub(rf"(?m)^## ({'|'.join(_COLUMNS)})$", mark, source)


def _numbered_columns(source: str) -> str:
    numbers = iter("一二三四五")
    return re.sub(rf"(?m)^## ({'|'.join(_COLUMNS)})$", lambda found: f"## {next(numbers)}、{found[1]}", source)


def _rules_between(source: str) -> str:
    return re.sub(r"(?m)^(?=## )", "---\n\n", source)


def _quoted(source: str) -> str:
    return re.sub(r"(?m)^", "> ", source)


def _preface(source: str) -> str:
    return source.replace("2022年3月15日\n", "2022年3月15日\n\n编者按:本期介绍各地高新区的经验。欢迎阅读。\n", 1)


def _more_colophon(source: str) -> str:
    return source + "\n\n本刊欢迎投稿。来稿请寄编辑部。\n"


def _swapped_levels(source: str) -> str:
    return re.sub(r"(?m)^(#+) ", lambda found: ("####" if len(found[1]) == 2 else "##") + " ", source)


_SURFACE |= {
    change.__name__: change
    for change in (_numbered_columns, _rules_between, _quoted, _preface, _more_colophon, _swapped_levels)
} | {"columns in brackets": _columns(r"## 【\1】"), "bracketed plain columns": _columns(r"【\1】")}


def _plain_columns_in_list(source: str) -> str:
    masthead, contents, body, colophon = _parts(source)
    listed = re.sub(r"(?m)^(?:\*\*|## )【(.*?)】(?:\*\* )?", r"\1\n", "".join(contents))
    return masthead + listed + "".join(body) + colophon


_LIST: dict[str, Change] = {
    change.__name__: change
    for change in (
        _with_label,
        _with_leaders,
        _bulleted_contents,
        _loose_titles,
        _reversed_contents,
        _plain_columns_in_list,
    )
}


def _titles_only(source: str) -> str:
    masthead, contents, body, colophon = _parts(source)
    listed = re.sub(r"(?m)^(?:\*\*|## )【.*?】(?:\*\* )?", "", "".join(contents))
    return masthead + listed + "".join(body) + colophon


def _order_reversed(expected: Expected) -> Expected:
    return {**expected, "columns": expected["columns"][::-1]}


def _unlisted(expected: Expected) -> Expected:
    return {**expected, "columns": [{**column, "contents_name": ""} for column in expected["columns"]]}


@pytest.mark.parametrize("change", (_SURFACE | _LIST).values(), ids=_SURFACE | _LIST)
def test_the_form_does_not_matter(change: Change) -> None:
    assert _read(change(_SAMPLE)) == _expected()


@pytest.mark.parametrize("surface", _SURFACE.values(), ids=_SURFACE)
@pytest.mark.parametrize("listed", _LIST.values(), ids=_LIST)
def test_the_form_of_list_and_text_does_not_matter(listed: Change, surface: Change) -> None:
    assert _read(surface(listed(_SAMPLE))) == _expected()


@pytest.mark.parametrize("surface", _SURFACE.values(), ids=_SURFACE)
@pytest.mark.parametrize("order", [_reversed_body, _reversed_both])
def test_the_order_of_columns_does_not_matter(order: Change, surface: Change) -> None:
    assert _read(surface(order(_SAMPLE))) == _order_reversed(_expected())


@pytest.mark.parametrize("surface", _SURFACE.values(), ids=_SURFACE)
def test_without_contents_list_the_profile_knows_the_columns(surface: Change) -> None:
    assert _read(surface(_without_contents(_SAMPLE))) == _unlisted(_expected())


@pytest.mark.parametrize("surface", _SURFACE.values(), ids=_SURFACE)
@pytest.mark.parametrize("profiles", [_PROFILES, ()])
def test_a_list_of_titles_only(profiles: tuple[Bulletin, ...], surface: Change) -> None:
    assert _read(surface(_titles_only(_SAMPLE)), profiles) == _unlisted(_expected())


@pytest.mark.parametrize("surface", _SURFACE.values(), ids=_SURFACE)
def test_without_contents_list_in_another_order(surface: Change) -> None:
    found = _read(surface(_without_contents(_reversed_body(_SAMPLE))))
    assert found == _unlisted(_order_reversed(_expected()))


@pytest.mark.parametrize("surface", _SURFACE.values(), ids=_SURFACE)
@pytest.mark.parametrize("listed", [True, False])
def test_without_a_profile_only_the_key_changes(listed: bool, surface: Change) -> None:
    source = surface(_SAMPLE if listed else _without_contents(_SAMPLE))
    found = _split(source, ())
    assert _plain(found.issue) == (_expected() if listed else _unlisted(_expected()))
    assert found.issue.bulletin == "火炬动态"
    assert found.warnings[0].startswith("No profile is known for 火炬动态")


# Punctuation and digits: the text changes with them, so what is expected changes alike

_HALF = str.maketrans("，：；（）！？。、", ",:;()!?.,")
_FULL = str.maketrans(",:;()!?", "，：；（）！？")
_DIGITS = str.maketrans("0123456789", "０１２３４５６７８９")


def _half(value: str) -> str:
    return value.translate(_HALF)


def _half_stops_kept(value: str) -> str:
    return value.translate({code: char for code, char in _HALF.items() if chr(code) not in "。、"})


def _full(value: str) -> str:
    return value.translate(_FULL)


def _full_digits(value: str) -> str:
    return value.translate(_DIGITS)


def _straight_quotes(value: str) -> str:
    return value.replace("“", '"').replace("”", '"').replace("‘", "'").replace("’", "'")


def _corner_quotes(value: str) -> str:
    return value.replace("“", "「").replace("”", "」")


def _no_quotes(value: str) -> str:
    return value.replace("“", "").replace("”", "")


_SIGNS: tuple[Change, ...] = (
    _half, _half_stops_kept, _full, _full_digits, _straight_quotes, _corner_quotes, _no_quotes,
    lambda value: _full_digits(_full(value)), lambda value: _straight_quotes(_half(value)),
)  # fmt: skip


def _everywhere(value: Any, change: Change) -> Any:
    if isinstance(value, dict):
        fixed = ("kind", "date", "publisher")
        return {key: inner if key in fixed else _everywhere(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_everywhere(inner, change) for inner in value]
    return change(value) if isinstance(value, str) else value


@pytest.mark.parametrize("signs", _SIGNS)
@pytest.mark.parametrize(
    "surface", [lambda source: source, _no_marks, _bold, _no_gaps, _credits_inline, _level("### ")]
)
def test_punctuation_does_not_matter(surface: Change, signs: Change) -> None:
    assert _read(signs(surface(_SAMPLE))) == _everywhere(_expected(), signs)


@pytest.mark.parametrize("signs", _SIGNS)
@pytest.mark.parametrize("surface", [lambda source: source, _no_marks, _bold, _level("## ")])
def test_punctuation_does_not_matter_without_contents_list(surface: Change, signs: Change) -> None:
    found = _read(signs(surface(_without_contents(_SAMPLE))))
    assert found == _everywhere(_unlisted(_expected()), signs)


@pytest.mark.parametrize("signs", _SIGNS)
def test_the_list_may_be_punctuated_otherwise_than_the_text(signs: Change) -> None:
    masthead, contents, body, colophon = _parts(_SAMPLE)
    found = _split(masthead + signs("".join(contents)) + "".join(body) + colophon)
    assert _plain(found.issue) == _expected()
    assert sum("the title is" in warning for warning in found.warnings) == 1


# Page ends at other places


def _paragraphs() -> list[str]:
    blocks = [
        block for column in _expected()["columns"] for article in column["articles"] for block in article["blocks"]
    ]
    return [block["text"] for block in blocks if len(block["text"]) > 100 and block["text"] in _SAMPLE]


_SEAM = re.compile(r"[。！？!?.：:；;](?:[”’」』）)》]*)$")


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_page_may_end_anywhere_inside_a_sentence(data: st.DataObject) -> None:
    paragraph = data.draw(st.sampled_from(_paragraphs()))
    at = data.draw(st.integers(30, len(paragraph) - 1))
    left, right = paragraph[:at], paragraph[at:]
    doubled = left[-1] == right[0] and "\u4e00" <= right[0] <= "\u9fff"
    if _SEAM.search(left) or (right[0] in "0123456789" and left[-1] == ".") or doubled or " " in (left[-1], right[0]):
        return
    if re.fullmatch("[A-Za-z]{2}", left[-1] + right[0]):
        return  # a cut between two letters is taken for one between two words
    if re.match(r"[一二三四五六七八九十]是|[(（]|\d{1,2}\.|[一二三四五六七八九十]+[,、]", right):
        return  # it looks like the beginning of a part of its own
    surface = data.draw(st.sampled_from([lambda source: source, _no_marks, _level("## "), _bold]))
    source = surface(_SAMPLE.replace(paragraph, f"{left}\n\n{right}"))
    assert _read(source) == _expected()


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_a_page_end_may_print_some_characters_twice(data: st.DataObject) -> None:
    paragraph = data.draw(st.sampled_from(_paragraphs()))
    at = data.draw(st.integers(40, len(paragraph) - 10))
    size = data.draw(st.integers(2, 6))
    left, right = paragraph[:at], paragraph[at - size :]
    if not re.fullmatch(r"[\u4e00-\u9fff]+", right[:size]) or re.match("[一二三四五六七八九十]是", right):
        return
    assert _read(_SAMPLE.replace(paragraph, f"{left}\n\n{right}")) == _expected()


# Plain text


@pytest.mark.parametrize(
    "change", [_no_marks, _crlf, lambda source: source, lambda source: _no_gaps(_no_marks(source))]
)
def test_plain_text_gives_the_same_issue(change: Change) -> None:
    assert _plain(split(text.lines(clean(change(_SAMPLE))), _PROFILES, "sample.txt").issue) == _expected()


@pytest.mark.parametrize("width", [24, 30, 38, 45])
@pytest.mark.parametrize("indent", ["", "　　"])
def test_plain_text_wrapped_at_a_fixed_width_gives_the_same_issue(width: int, indent: str) -> None:
    wrapped = "\n".join(_wrapped(line, width, indent) for line in _no_marks(_SAMPLE).replace("5G+ ", "5G+").split("\n"))
    expected = _everywhere(_expected(), lambda value: value.replace("5G+ ", "5G+"))  # a blank lost at a line's end
    assert _plain(split(text.lines(wrapped), _PROFILES, "sample.txt").issue) == expected


def _wrapped(line: str, width: int, indent: str) -> str:
    rows, row, used = [], "", 0
    for word in re.findall(r"[A-Za-z]+|.", (indent if len(line) > 60 else "") + line):
        columns = sum(2 if unicodedata.east_asian_width(char) in "WFA" else 1 for char in word)
        if used + columns > width * 2:
            rows.append(row)
            row, used = "", 0
        row, used = row + word, used + columns
    return "\n".join([*rows, row])


@pytest.mark.parametrize("width", [24, 38])
def test_markdown_wrapped_at_a_fixed_width_gives_the_same_issue(width: int) -> None:
    source = _SAMPLE.replace("5G+ ", "5G+")
    wrapped = "\n".join(line if line[:1] in "#*" else _wrapped(line, width, "") for line in source.split("\n"))
    expected = _everywhere(_expected(), lambda value: value.replace("5G+ ", "5G+"))
    assert _read(wrapped) == expected


# Pieces that are missing or strange


def test_a_title_of_the_list_that_no_article_has_is_told() -> None:
    source = _SAMPLE.replace("## 【园区发展】\n\n", "## 【园区发展】\n\n保定高新区召开新材料产业推进大会  \n")
    found = _split(source)
    assert _plain(found.issue) == _expected()
    assert any("保定高新区召开新材料产业推进大会, but no article" in warning for warning in found.warnings)


def test_an_article_that_the_list_does_not_have_is_told() -> None:
    found = _split(_SAMPLE.replace("济宁高新区5个品牌上榜“好品山东”品牌首批名单\n", "\n", 1))
    assert _plain(found.issue) == _expected()
    assert any("does not have the title 济宁高新区" in warning for warning in found.warnings)


@pytest.mark.parametrize("surface", [lambda source: source, _no_marks, _level("## "), _bold])
def test_an_article_without_a_credit_is_told(surface: Change) -> None:
    expected = _expected()
    expected["columns"][1]["articles"][0]["credit"] = ""
    found = _split(surface(_SAMPLE.replace(" (供稿:南昌高新区)", "")))
    assert _plain(found.issue) == expected
    assert any(re.search(r"^Line \d+: the article 南昌高新区.* has no credit", warning) for warning in found.warnings)


@pytest.mark.parametrize("surface", [lambda source: source, _no_marks, _level("## "), _bold])
def test_no_credits_at_all(surface: Change) -> None:
    expected = _expected()
    for column in expected["columns"]:
        for article in column["articles"]:
            article["credit"] = ""
    source = re.sub(r"[ \n]*\((?:供稿:[^()\n]*|科技部火炬中心 张木 陈力)\)", "", _SAMPLE)
    assert _read(surface(source)) == expected


@pytest.mark.parametrize("surface", [lambda source: source, _level("## "), _bold])
def test_no_credits_and_no_list_but_marks(surface: Change) -> None:
    expected = _unlisted(_expected())
    for column in expected["columns"]:
        for article in column["articles"]:
            article["credit"] = ""
    source = re.sub(r"[ \n]*\((?:供稿:[^()\n]*|科技部火炬中心 张木 陈力)\)", "", _without_contents(_SAMPLE))
    assert _read(surface(source)) == expected


def test_a_title_over_two_lines() -> None:
    masthead, contents, body, colophon = _parts(_SAMPLE)
    text = "".join(body).replace("大连高新区“1挂帅9盟主”上榜辽宁", "大连高新区“1挂帅9盟主”上榜辽宁\n\n### ")
    assert _read(masthead + "".join(contents) + text + colophon) == _expected()


def test_a_colophon_in_the_middle_is_left_out() -> None:
    masthead, contents, body, colophon = _parts(_SAMPLE)
    source = masthead + "".join(contents) + body[4] + colophon + "\n\n" + "".join(body[:4])
    expected = _expected()
    expected["columns"] = [expected["columns"][4], *expected["columns"][:4]]
    assert _read(source) == expected


def test_the_bulletin_is_known_by_its_columns_where_it_does_not_say_its_name() -> None:
    found = _split(_SAMPLE.replace("# 火炬动态\n", "").replace("科技部火炬高技术产业开发中心\n\n2022", "2022"))
    assert found.issue.bulletin == "huoju"
    assert found.issue.title == "火炬动态"


@pytest.mark.parametrize("words", ["2022年第5期(总第534期) ", "第5期 总第534期 2022年", "2022年第5期"])
def test_parts_of_the_masthead_may_be_missing(words: str) -> None:
    found = _split(_SAMPLE.replace("2022年第5期(总第534期) 2022年3月15日", words))
    assert (found.issue.number, found.issue.year, found.issue.date) == (5, 2022, None)
    assert any("date" in warning for warning in found.warnings)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, len(_SAMPLE) - 1), st.integers(0, 400)), max_size=4))
def test_holes_in_the_text_never_break_it(holes: list[tuple[int, int]]) -> None:
    source = _SAMPLE
    for at, size in holes:
        source = source[:at] + source[at + size :]
    with contextlib.suppress(IntakeError):
        found = _split(source)
        assert found.issue.columns
        assert all(article.title for column in found.issue.columns for article in column.articles)
