"""Whatever issue is written down in whatever form, its outline and its text come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.catalog import Bulletin, ColumnSpec
from dispatch.intake.readers import markdown, text
from dispatch.intake.splitter import split
from dispatch.model import Issue
from tests.intake import perturb

COLUMNS = ("要闻速递", "园区天地", "人物风采", "数说科技", "政策解读")
PARTS = ("现状与成效", "存在的问题", "下一步打算")
SUBJECTS = ("滨城高新区", "市科技局", "临河产业园", "海岳孵化器", "省重点实验室", "青年科技人才协会")
DEEDS = (
    "召开上半年工作推进会",
    "发布科技创新专项规划",
    "与三所高校签订合作协议",
    "举办第二届创业训练营",
    "新增十二家专精特新企业",
    "建成智能网联汽车测试场",
    "启动成果转化攻坚行动",
)
CLAUSES = (
    "近日在滨城举行的推进会上",
    "全区新签约项目38个",
    "总投资达到126.5亿元",
    "有关部门的负责同志参加了会议",
    "企业研发投入比上年同期增长14.2%",
    "科技特派员深入田间地头开展服务",
    "围绕“新材料”“新能源”布局创新平台",
    "《关于支持科技创新的若干措施》正式印发",
    "昆仑路创新街区(二期)主体结构封顶",
    "孵化器入驻团队超过两百个",
    "服务专员逐户上门了解困难和诉求",
    "下半年将继续推动重大平台建设",
)
PEOPLE = ("滨城高新区", "市科技局", "临河产业园管委会", "本刊编辑部")


@dataclass(frozen=True)
class Piece:
    title: str
    credit: str
    blocks: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Form:
    """How an issue is written down. `cuts` are where in each long paragraph a page ends, in per mille, and what stands
    there; `twice` is how many characters are printed on both pages."""

    listed: str
    shuffled: bool
    marks: str
    credit: str
    furniture: str
    cuts: tuple[int, ...]
    twice: int
    as_text: bool
    known: bool


@st.composite
def paragraphs(draw: st.DrawFn) -> str:
    sentences = draw(
        st.lists(st.lists(st.sampled_from(CLAUSES), min_size=2, max_size=4, unique=True), min_size=2, max_size=4)
    )
    return "".join(",".join(clauses) + "。" for clauses in sentences)


@st.composite
def pieces(draw: st.DrawFn, title: str) -> Piece:
    plain = draw(st.lists(paragraphs(), min_size=1, max_size=3))
    found = [("paragraph", words) for words in plain]
    if draw(st.booleans()):
        for number, part in zip("一二三", PARTS[: draw(st.integers(2, 3))], strict=False):
            found += [("heading", f"{number}、{part}"), ("paragraph", draw(paragraphs()))]
    return Piece(title, draw(st.sampled_from(PEOPLE)), tuple(found))


@st.composite
def issues(draw: st.DrawFn) -> tuple[tuple[str, tuple[Piece, ...]], ...]:
    names = draw(st.lists(st.sampled_from(COLUMNS), min_size=2, max_size=4, unique=True))
    titles = iter(
        draw(
            st.lists(
                st.tuples(st.sampled_from(SUBJECTS), st.sampled_from(DEEDS)), min_size=12, max_size=12, unique=True
            )
        )
    )
    found = []
    for name in names:
        count = draw(st.integers(1, 3))
        found.append((name, tuple(draw(pieces("".join(next(titles)))) for _ in range(count))))
    return tuple(found)


forms = st.builds(
    Form,
    listed=st.sampled_from(["none", "brackets", "plain", "bullets", "leaders", "authors"]),
    shuffled=st.booleans(),
    marks=st.sampled_from(["levels", "one level", "bold", "none"]),
    credit=st.sampled_from(["alone", "inside", "bare", "wide"]),
    furniture=st.sampled_from(["", "- 3 -", "滨城科技简报 2024年第3期", "第 3 页 共 12 页"]),
    cuts=st.lists(st.integers(300, 900), max_size=6).map(tuple),
    twice=st.sampled_from([0, 0, 2]),
    as_text=st.booleans(),
    known=st.booleans(),
)


def _cut(words: str, permille: int, form: Form) -> str:
    """A paragraph with a page end inside a later sentence of it, where there is a place for one."""
    first = words.index("。") + 2
    at = max(first, len(words) * permille // 1000)
    left, right = words[:at], words[at:]
    if (
        len(right) < 6
        or left[-1] in "。,(“《.)”》"
        or right[0] in "。,.%)”》"
        or left[-1] == right[0]
        or right[0] in "一二三"
    ):
        return words
    again = (
        left[-form.twice :] if form.twice and all("\u4e00" <= char <= "\u9fff" for char in left[-form.twice :]) else ""
    )
    between = f"\n\n{form.furniture}\n\n" if form.furniture else "\n\n"
    return left + between + again + right


def _heading(words: str, kind: str, form: Form) -> str:
    levels = {"column": "## ", "title": "### ", "part": "#### "}
    marks: dict[str, Callable[[str], str]] = {
        "levels": lambda line: levels[kind] + line,
        "one level": lambda line: "## " + line,
        "bold": lambda line: f"**{line}**",
        "none": lambda line: line,
    }
    return marks[form.marks](words)


def _credit(credit: str, form: Form) -> str:
    return {
        "alone": f"\n\n(供稿:{credit})",
        "inside": f"(供稿:{credit})",
        "bare": f"\n\n供稿:{credit}",
        "wide": f"\n\n（供稿：{credit}）",
    }[form.credit]


def _contents(issue: tuple[tuple[str, tuple[Piece, ...]], ...], form: Form) -> list[str]:
    if form.listed == "none":
        return []
    found = ["目录"]
    for name, articles in reversed(issue) if form.shuffled else issue:
        found.append(f"【{name}】" if form.listed == "brackets" else name)
        for article in articles:
            ends = {"leaders": " ……………… 12", "authors": f" …… {article.credit} 12"}
            found.append(("- " if form.listed == "bullets" else "") + article.title + ends.get(form.listed, ""))
    return found


def written(issue: tuple[tuple[str, tuple[Piece, ...]], ...], form: Form) -> str:
    cuts = iter(form.cuts)
    found = ["滨城科技简报", "2024年第3期 2024年6月18日", "滨城市科学技术协会", *_contents(issue, form)]
    for name, articles in issue:
        found.append(_heading(name, "column", form))
        for article in articles:
            found.append(_heading(article.title, "title", form))
            for kind, words in article.blocks:
                at = next(cuts, 0) if kind == "paragraph" else 0
                found.append(
                    _heading(words, "part", form) if kind == "heading" else _cut(words, at, form) if at else words
                )
            found[-1] += _credit(article.credit, form)
    return "\n\n".join([*found, "---" if not form.as_text else "———", "滨城市科学技术协会\n\n地址:滨城市东港路18号"])


def _read(issue: Issue) -> list[tuple[str, list[Piece]]]:
    return [
        (
            column.name,
            [
                Piece(a.title, a.credit, tuple((block.kind.value, block.text) for block in a.blocks))
                for a in column.articles
            ],
        )
        for column in issue.columns
    ]


PROFILE = Bulletin(
    "bincheng", "滨城科技简报", columns=tuple(ColumnSpec(f"c{n}", name) for n, name in enumerate(COLUMNS))
)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(issues(), forms)
def test_what_was_written_is_read(issue: tuple[tuple[str, tuple[Piece, ...]], ...], form: Form) -> None:
    reader = text.lines if form.as_text and form.marks == "none" and form.listed != "bullets" else markdown.lines
    found = split(reader(written(issue, form)), [PROFILE] if form.known else [], "x")
    assert _read(found.issue) == [(name, list(articles)) for name, articles in issue]
    assert (found.issue.number, found.issue.year) == (3, 2024)
    lists = {column.contents_name for column in found.issue.columns}
    assert lists == ({""} if form.listed == "none" else {name for name, _ in issue})


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_the_sample_cut_at_any_place(data: st.DataObject) -> None:
    """Page ends inside sentences, in the middle of what stands between two full stops."""
    head, body = perturb.SAMPLE.split("\n## 火炬在行动\n")
    lines = ("## 火炬在行动\n" + body.split("\n---\n")[0]).split("\n")
    long = [at for at, line in enumerate(lines) if len(line) > 150]
    for at in data.draw(st.lists(st.sampled_from(long), min_size=1, max_size=8, unique=True)):
        line = lines[at]
        place = data.draw(st.integers(60, len(line) - 60))
        left, right = line[:place], line[place:]
        if "。" not in left or not _hanzi(left[-1]) or not _hanzi(right[0]) or left[-1] == right[0]:
            continue
        if right[0] in "一二三四五六七八九十第":
            continue  # 二是… begins a part of its own
        lines[at] = f"{left}\n\n{right}"
    found = perturb.split_markdown(head + "\n" + "\n".join(lines))
    assert perturb.reading(found.issue) == perturb.EXPECTED


def _hanzi(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff"


@pytest.mark.parametrize("words", ["全区新签约项目38个,有关部门参加了会议。", "一句话。"])
def test_a_cut_needs_a_place(words: str) -> None:
    form = Form("none", False, "none", "alone", "", (), 0, False, False)
    assert _cut(words, 999, form) == words
