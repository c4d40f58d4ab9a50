"""The templates of this repository, rendered with the sample issue and with issues made to be awkward."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from dispatch.assets import templates_dir
from dispatch.digests.render import Renderer
from dispatch.digests.words import clip, first_sentence, shorten
from dispatch.errors import RenderError
from dispatch.model import Article, Block, BlockKind, Content, Digest, DigestArticle, Reason, Section

SAMPLE = Path(__file__).parents[1] / "data" / "huoju-2022-05.expected.json"
EMAIL = {"limit": None, "leads": True, "postal_address": "北京市西城区"}
CHAT = {"limit": None, "whole": True}
VOID = {"meta", "br", "link", "img", "hr"}


def linked(bulletin: str, ref: str, position: int) -> str:
    return f"https://news.example.org/{bulletin}/{ref}/{position}"


def unlinked(bulletin: str, ref: str, position: int) -> str:
    return ""


def article(title: str, *paragraphs: str, credit: str = "") -> Article:
    return Article(title, credit, tuple(Block(BlockKind.PARAGRAPH, text) for text in paragraphs))


def digest(column: str, articles: list[Article], **changes: Any) -> Digest:
    entries = tuple(DigestArticle(item, 1 << place, place + 1) for place, item in enumerate(articles))
    plain = Digest(
        id=1,
        bulletin="huoju",
        issue_ref="534",
        title="火炬动态",
        title_en="Torch Bulletin",
        publisher="科技部火炬高技术产业开发中心",
        year=2022,
        number=5,
        total=534,
        date=dt.date(2022, 3, 15),
        column=column,
        column_en="",
        part=1,
        parts=1,
        articles=entries,
    )
    return replace(plain, **changes)


def sample_digest(column: str, **changes: Any) -> Digest:
    issue = json.loads(SAMPLE.read_text(encoding="utf-8"))
    (found,) = [item for item in issue["columns"] if item["name"] == column]
    articles = [
        Article(
            item["title"],
            item["credit"],
            tuple(Block(BlockKind(block["kind"]), block["text"]) for block in item["blocks"]),
        )
        for item in found["articles"]
    ]
    return digest(column, articles, **changes)


def section(of: Digest, matching: int) -> Section:
    return Section(of, of.articles[:matching], of.articles[matching:])


def content(*sections: Section, kind: str = "digest", language: str = "zh", form: str = "full") -> Content:
    return Content(kind, language, form, sections)


def renderer(override: Path | None = None, link: Any = linked) -> Renderer:
    return Renderer(templates_dir(), override, link)


class Outline(HTMLParser):
    """Tags, text and attributes of a page; fails on tags that do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    def links(self) -> list[str]:
        return [attributes["href"] or "" for tag, attributes in self.tags if tag == "a"]


def html_of(what: Content, link: Any = linked, **values: Any) -> Outline:
    text = renderer(link=link).text("email/digest.html.j2", what, **(EMAIL | values))
    return Outline(text.strip())


def test_html_has_the_matching_article_in_full_and_the_others_as_links() -> None:
    what = sample_digest("高质量发展看高新区")
    page = html_of(content(section(what, 1)))
    for block in what.articles[0].article.blocks:
        assert block.text in page.texts
    assert "供稿：南昌高新区" in page.texts
    assert page.texts.index("本栏目其他文章") > page.texts.index("供稿：南昌高新区")
    assert page.links() == [linked("huoju", "534", place) for place in (1, 2, 3)]
    assert not any(what.articles[1].article.blocks[0].text in text for text in page.texts)


def test_html_names_its_language_and_loads_nothing_from_elsewhere() -> None:
    page = html_of(content(section(sample_digest("园区发展"), 1)))
    assert page.tags[0] == ("html", {"lang": "zh-CN"})
    assert not {"img", "script", "link", "iframe"} & {tag for tag, _ in page.tags}
    assert "url(" not in renderer().text(
        "email/digest.html.j2", content(section(sample_digest("园区发展"), 1)), **EMAIL
    )


def test_without_pages_titles_stand_without_links() -> None:
    page = html_of(content(section(sample_digest("园区发展"), 1)), link=unlinked)
    assert page.links() == []
    assert "济宁高新区5个品牌上榜“好品山东”品牌首批名单" in page.texts


def test_the_titles_format_gives_first_sentences_only() -> None:
    what = sample_digest("园区发展")
    page = html_of(content(section(what, 2), form="titles"))
    first = what.articles[0].article
    assert "南京高新区(江宁园)2022年全年计划实施重大产业项目32个,总投资388.6亿元,年度计划投资93.5亿元。" in page.texts
    assert not any(first.blocks[1].text in text for text in page.texts)


def test_english_readers_get_an_english_frame_around_the_chinese_text() -> None:
    what = sample_digest("园区发展", column_en="Park Development")
    page = html_of(content(section(what, 1), language="en"))
    said = "|".join(page.texts)
    assert page.tags[0] == ("html", {"lang": "en"})
    for words in (
        "Torch Bulletin",
        "No. 5, 2022 (issue 534)",
        "15 March 2022",
        "Park Development",
        "Also in this column",
    ):
        assert words in said
    assert what.articles[0].article.blocks[0].text in page.texts
    assert {attributes["lang"] for tag, attributes in page.tags if tag == "article"} == {"zh-CN"}


def test_a_bundle_has_a_heading_for_each_column() -> None:
    what = content(section(sample_digest("园区发展"), 1), section(sample_digest("创业孵化", id=2), 2))
    said = html_of(what).texts
    assert said.index("园区发展") < said.index("创业孵化")


def test_a_bundle_over_issues_says_of_which_issue_a_column_is() -> None:
    later = sample_digest("创业孵化", issue_ref="535", number=6, total=535)
    said = "|".join(html_of(content(section(sample_digest("园区发展"), 1), section(later, 1))).texts)
    assert "2期合刊" in said
    assert "创业孵化 · 火炬动态 2022年第6期（总第535期）" in said


def test_what_an_article_says_is_never_markup() -> None:
    awkward = digest(
        "<b>栏目</b>", [article('<script>alert("1")</script>', "a < b & c {{ 7*7 }} {% x %}", credit="<i>")]
    )
    for name in ("email/digest.html.j2", "telegram/digest.html.j2"):
        text = renderer().text(name, content(section(awkward, 1)), **(EMAIL | CHAT))
        assert "<script>" not in text
        assert "a &lt; b &amp; c {{ 7*7 }} {% x %}" in text
        assert "<i></i>" not in text.replace("<i>&lt;i&gt;", "")
    assert "&" not in renderer().text("email/subject.txt.j2", content(section(awkward, 1)))


def test_titles_and_addresses_cannot_leave_their_attribute() -> None:
    page = html_of(
        content(section(digest("栏", [article('"><img src=x>', "x。")]), 1)), link=lambda *_: 'https://x/?"><b>'
    )
    assert page.links()[0] == 'https://x/?"><b>'
    assert "img" not in {tag for tag, _ in page.tags}


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (
            content(section(sample_digest("园区发展"), 2)),
            "【火炬动态】2022年第5期·园区发展：南京高新区重大产业项目“加速跑”（等2篇）",
        ),
        (
            content(section(sample_digest("园区发展"), 1)),
            "【火炬动态】2022年第5期·园区发展：南京高新区重大产业项目“加速跑”",
        ),
        (
            content(section(sample_digest("园区发展"), 1), section(sample_digest("创业孵化"), 1), kind="test"),
            "【测试】【火炬动态】2022年第5期：园区发展、创业孵化",
        ),
        (
            content(section(sample_digest("园区发展", column_en="Parks"), 2), language="en", kind="test"),
            "[Test] [Torch Bulletin] No. 5, 2022 · Parks: 南京高新区重大产业项目“加速跑” (2 articles)",
        ),
        (
            content(section(sample_digest("园区发展", part=2, parts=3, number=0), 1)),
            "【火炬动态】总第534期·园区发展（2/3）：南京高新区重大产业项目“加速跑”",
        ),
    ],
)
def test_subjects(what: Content, expected: str) -> None:
    assert renderer().text("email/subject.txt.j2", what).strip() == expected


def test_a_long_title_is_clipped_in_the_subject() -> None:
    subject = renderer().text("email/subject.txt.j2", content(section(digest("栏目", [article("长" * 300, "x。")]), 1)))
    assert len(subject) < 80
    assert "长…" in subject


@pytest.mark.parametrize("name", ["email/digest.html.j2", "email/digest.txt.j2", "telegram/digest.html.j2"])
@pytest.mark.parametrize(("language", "mark"), [("zh", "测试"), ("en", "Test")])
def test_a_test_message_says_so(name: str, language: str, mark: str) -> None:
    what = section(sample_digest("园区发展"), 1)
    assert mark in renderer().text(name, content(what, kind="test", language=language), **(EMAIL | CHAT))
    assert f"{mark}" not in renderer().text(name, content(what, language=language), **(EMAIL | CHAT)).replace(
        "latest", ""
    )


@pytest.mark.parametrize("name", ["email/digest.html.j2", "email/digest.txt.j2", "telegram/digest.html.j2"])
@pytest.mark.parametrize("form", ["full", "titles"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_slot_has_its_macro(name: str, form: str, language: str) -> None:
    what = content(section(sample_digest("研究报告"), 1), form=form, language=language)
    slotted = renderer().slotted(name, what, **(EMAIL | CHAT))
    assert {"follows", "unsubscribe"} <= slotted.names
    personal = renderer().personal(name.replace("digest", "personal"), what)
    pieces = personal.pieces(slotted.names, [Reason("park:A", "A & B", "https://x/1")], "https://x/2")
    assert "https://x/1" in "".join(pieces.values())
    assert "https://x/2" in pieces["unsubscribe"]
    assert ("A & B" in pieces["follows"]) == (".txt" in name)
    assert set(personal.pieces(slotted.names, [], "").values()) == {""}


def test_a_digest_without_date_numbers_or_credit_still_renders() -> None:
    bare = digest("栏目", [article("题目", "一句。")], date=None, number=0, total=0, issue_ref="2022-05", publisher="")
    said = "|".join(html_of(content(section(bare, 1))).texts)
    assert "2022-05" in said
    assert "供稿" not in said
    assert "None" not in said


def test_an_override_replaces_a_template_and_single_words(tmp_path: Path) -> None:
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "subject.txt.j2").write_text('{{ say("others") }}!{{ say("why") }}', encoding="utf-8")
    (tmp_path / "frame.zh.toml").write_text('others = "其余"', encoding="utf-8")
    text = renderer(tmp_path).text("email/subject.txt.j2", content(section(sample_digest("园区发展"), 1)))
    assert text == "其余!您为什么收到这封邮件"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ nonsense }}", "'nonsense' is undefined"),
        ("{{ content.sections[9].digest }}", "no element 9"),
        ("{% if %}", "line 1 of email/subject.txt.j2"),
        ('{{ say("no_such_words") }}', "frame.zh.toml has no 'no_such_words'"),
        ("{{ 1 / 0 }}", "division by zero"),
    ],
)
def test_a_failing_template_is_named_with_its_digest(tmp_path: Path, source: str, said: str) -> None:
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "subject.txt.j2").write_text(source, encoding="utf-8")
    with pytest.raises(RenderError) as caught:
        renderer(tmp_path).text("email/subject.txt.j2", content(section(sample_digest("园区发展"), 1)))
    assert "template email/subject.txt.j2 fails for digest huoju:534 园区发展" in str(caught.value)
    assert said in str(caught.value)


def test_a_missing_template_or_language_is_a_render_error() -> None:
    what = content(section(sample_digest("园区发展"), 1))
    with pytest.raises(RenderError, match=r"email/nothing\.j2"):
        renderer().text("email/nothing.j2", what)
    with pytest.raises(RenderError, match=r"frame\.fr\.toml"):
        renderer().text("email/subject.txt.j2", replace(what, language="fr"))


def test_a_failing_personal_piece_is_a_render_error(tmp_path: Path) -> None:
    (tmp_path / "email").mkdir()
    source = "{% macro why(reasons, unsubscribe) %}{{ reasons[0].nothing }}{% endmacro %}"
    (tmp_path / "email" / "personal.txt.j2").write_text(source, encoding="utf-8")
    personal = renderer(tmp_path).personal("email/personal.txt.j2", content(section(sample_digest("园区发展"), 1)))
    with pytest.raises(RenderError, match=r"email/personal\.txt\.j2"):
        personal.piece("why", [Reason("all", "全部")], "")
    with pytest.raises(RenderError, match="follows"):
        personal.piece("follows", [], "")


def test_shortening_ends_at_a_sentence_and_keeps_no_heading_alone() -> None:
    blocks = (
        Block(BlockKind.PARAGRAPH, "甲" * 60 + "。" + "乙" * 60 + "。"),
        Block(BlockKind.HEADING, "一、标题"),
        Block(BlockKind.PARAGRAPH, "丙" * 500 + "。"),
    )
    whole = Article("题", "", blocks)
    assert shorten(whole, None) == (blocks, False)
    assert shorten(whole, 1000) == (blocks, False)
    assert shorten(whole, 100) == ((Block(BlockKind.PARAGRAPH, "甲" * 60 + "。"),), True)
    assert shorten(whole, 140) == (blocks[:1], True)
    assert shorten(whole, 0) == ((), True)


def test_a_shortened_article_says_so_and_links_to_the_rest() -> None:
    what = content(section(sample_digest("研究报告"), 1))
    assert "阅读全文" in html_of(what, limit=500).texts
    assert "阅读全文" not in html_of(what, limit=500, link=unlinked).texts
    assert "篇幅所限，此处未刊全文。" in "".join(html_of(what, limit=500, link=unlinked).texts)


def test_lead_and_clip() -> None:
    assert first_sentence(article("题", "他说：“好！”然后走了。再见。")) == "他说：“好！”"
    assert first_sentence(article("题", "没有句号")) == "没有句号"
    assert first_sentence(Article("题", "", (Block(BlockKind.HEADING, "一、"),))) == ""
    assert clip("一二三四", 4) == "一二三四"
    assert clip("一二，四五", 4) == "一二…"
