"""The design of the mails: readable in every scheme and size, by ear, without <style>, and whatever an article says."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import os
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import css_inline
import pytest
from markupsafe import escape

from dispatch.assets import templates_dir
from dispatch.channels.email.compose import Built, build
from dispatch.channels.email.render import MAX_HTML, render
from dispatch.digests.render import Renderer
from dispatch.digests.styles import styled
from dispatch.model import Article, Block, BlockKind, Confirmation, Content, Digest, Envelope, Reason, Section
from dispatch.settings import EmailSettings
from dispatch.testing.samples import rich_article, sample_article, sample_content, sample_digest, sample_envelope

from .sheet import (
    Colour,
    Sheet,
    as_it_is,
    colours,
    declarations,
    inverted,
    least_contrast,
    media,
    of_classes,
    rules,
)

FOLDER = templates_dir() / "email"
STYLE = (FOLDER / "style.css").read_text(encoding="utf-8")
NIGHT = (FOLDER / "dark.css").read_text(encoding="utf-8")
DARK = of_classes(rules(media(NIGHT, "@media (prefers-color-scheme: dark)")))
OUTLOOK = of_classes(rules(NIGHT), "[data-ogsc] ")
for name, said in of_classes(rules(NIGHT), "[data-ogsb] ").items():
    OUTLOOK.setdefault(name, {}).update(said)

POSTAL = "北京市西城区复兴路乙15号"
SETTINGS = EmailSettings(host="x", from_address="news@b.test", postal_address=POSTAL)
HOSTILE = "</p><script>alert(1)</script>--><![endif]--><img src=x onerror=a>{{ 7*7 }}{% x %}\"'&amp;</style>"


def linked(bulletin: str, ref: str, position: int) -> str:
    return f"https://b.test/{bulletin}/{ref}/{position}"


def renderer(override: Path | None = None) -> Renderer:
    return Renderer(templates_dir(), override, linked)


def parts(content: Content, envelope: Envelope, override: Path | None = None) -> tuple[str, str]:
    """The HTML and the text of a mail."""
    built = build(SETTINGS, envelope, render(renderer(override), SETTINGS, content))
    assert isinstance(built, Built)
    message = email.message_from_bytes(built.data, policy=email.policy.default)
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert html is not None
    assert text is not None
    return str(html.get_content()).replace("\r\n", "\n"), str(text.get_content()).replace("\r\n", "\n")


def reader(language: str = "zh") -> Envelope:
    return replace(sample_envelope("li@x.test", channel="email"), language=language)


def long_digest(articles: int, characters: int) -> Digest:
    text = "发展高新技术，实现产业化。" * (characters // 13)
    return sample_digest(tuple(sample_article(f"第{n}篇文章", text) for n in range(articles)))


def bundle(language: str) -> Content:
    later = replace(sample_digest(number=2), issue_ref="535", number=6, total=535, column="园区发展", column_en="")
    sections = tuple(Section(found, found.articles[:1], found.articles[1:]) for found in (sample_digest(), later))
    return Content("digest", language, "full", sections)


def confirmation(language: str) -> Envelope:
    asked = Confirmation("https://b.test/c/t", dt.date(2026, 3, 1), 7, "page", "203.0.113.0/24", "同意")
    return replace(reader(language), confirmation=asked, unsubscribe_url="", unsubscribe_mailto="")


def right(language: str) -> Envelope:
    return replace(reader(language), right_url="https://b.test/d/t", unsubscribe_url="", unsubscribe_mailto="")


def every_mail() -> dict[str, tuple[Content, Envelope]]:
    mails: dict[str, tuple[Content, Envelope]] = {}
    for language in ("zh", "en"):
        for kind in ("digest", "test"):
            for form in ("full", "titles"):
                mails[f"{kind}-{form}-{language}"] = (sample_content(kind, language, form), reader(language))
        long = long_digest(2, 40_000)
        mails[f"cut-{language}"] = (sample_content("digest", language, digest=long), reader(language))
        rich = sample_digest((rich_article(), sample_article("苏州工业园区建设开放创新高地")))
        mails[f"rich-{language}"] = (sample_content("digest", language, digest=rich), reader(language))
        mails[f"bundle-{language}"] = (bundle(language), reader(language))
        mails[f"confirm-{language}"] = (Content("confirm", language, "full", (), "火炬动态"), confirmation(language))
        for kind in ("data", "erase"):
            mails[f"{kind}-{language}"] = (Content(kind, language, "full", (), "火炬动态"), right(language))
    return mails


MAILS = every_mail()


@pytest.fixture(params=MAILS)
def html(request: pytest.FixtureRequest) -> str:
    return parts(*MAILS[request.param])[0]


@pytest.mark.parametrize(
    ("over", "seen_as"),
    [({}, as_it_is), (DARK, as_it_is), (OUTLOOK, as_it_is), ({}, inverted), (DARK, inverted)],
    ids=["light", "dark", "Outlook's dark", "light, inverted", "dark, inverted"],
)
def test_all_words_stand_out(html: str, over: dict[str, dict[str, str]], seen_as: Callable[[str], Colour]) -> None:
    least, where = least_contrast(Sheet(html), over, seen_as)
    assert least >= 4.5, where


def test_dark_schemes_change_each_colour(html: str) -> None:
    for element in Sheet(html).elements:
        if element.texts and element.seen and "button-link" not in element.classes:
            light, dark = colours(element, {}), colours(element, DARK)
            assert light[0] != dark[0], element.attributes
            assert light[1] != dark[1], element.attributes
            assert colours(element, OUTLOOK) == dark, element.attributes


def test_styles_stand_in_the_elements(html: str) -> None:
    """A mailer that drops <style> shows the same but for the dark scheme and the narrow screen."""
    sheet = of_classes(rules(STYLE))
    for element in Sheet(html).elements:
        for word in element.classes:
            assert word in sheet, f"style.css has no rule for {word}"
            for name in sheet[word]:
                assert name in element.style or name.partition("-")[0] in element.style, (word, name)


def test_the_style_sheet_has_rules_for_single_classes_only() -> None:
    assert all(re.fullmatch(r"\.[a-z-]+", selector) for selector, _ in rules(STYLE))
    known = set(of_classes(rules(STYLE)))
    used = {
        word for file in FOLDER.glob("*.html.j2") for word in re.findall(r'class="([^"]+)"', file.read_text("utf-8"))
    }
    assert {word for words in used for word in words.split()} == known
    assert set(DARK) | set(OUTLOOK) <= known


def test_nothing_is_loaded_and_nothing_runs(html: str) -> None:
    sheet = Sheet(html)
    assert not sheet.all("img", "script", "link", "iframe", "object", "video", "form", "input", "base")
    assert not re.search(r"url\(|@import|@font-face|javascript:", html)
    for element in sheet.elements:
        assert not [name for name in element.attributes if name.startswith("on") or name in ("src", "background")]


def test_it_reads_well_by_ear(html: str) -> None:
    """Headings go down step by step, layout tables are no tables, links say where they lead."""
    sheet = Sheet(html)
    levels = [int(element.tag[1]) for element in sheet.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    for table in sheet.all("table"):
        assert (table.attributes.get("role") == "presentation") is ("grid" not in table.classes)
    assert all(head.attributes["scope"] == "col" for head in sheet.all("th"))
    assert len(sheet.all("main")) == len(sheet.all("header")) == 1
    for link in sheet.all("a"):
        assert len(link.words.strip()) >= 2
        assert not re.fullmatch(r"https?:.*|here|click here|这里|点击这里|link", link.words.strip(), re.IGNORECASE)
        assert link.attributes["href"].startswith(("https://", "mailto:"))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_part_says_its_language(language: str) -> None:
    frame = {"zh": "zh-CN", "en": "en"}[language]
    sheet = Sheet(parts(sample_content(language=language), reader(language))[0])
    assert sheet.elements[0].attributes == {"lang": frame}
    assert [element.language for element in sheet.all("h1", "h2")] == [frame, frame]
    assert {element.language for element in sheet.all("article", "p") if "text" in element.classes} == {"zh-CN"}
    assert {element.language for element in sheet.all("li") if "item" in element.classes} == {"zh-CN"}
    assert {element.language for element in sheet.all("li") if "reason" in element.classes} == {frame}


def test_a_name_without_english_is_marked_as_chinese() -> None:
    only = replace(sample_digest(), title_en="火炬动态", column_en="高质量发展看高新区")
    sheet = Sheet(parts(sample_content(language="en", digest=only), reader("en"))[0])
    assert [element.language for element in sheet.all("h1", "h2")] == ["zh-CN", "zh-CN"]


def test_outlook_gets_whole_tables(html: str) -> None:
    """What stands in conditional comments fits in where Outlook opens them."""
    assert html.count("<!--[if mso]>") == html.count("<![endif]-->") == len(Sheet(html).comments) == 3
    opened = re.sub(r"<!--\[if mso\]>|<!\[endif\]-->", "", html)
    inner = Sheet(opened)
    (sheet,) = [table for table in inner.all("table") if "sheet" in table.classes]
    widths = [table.attributes.get("width") for table in sheet.above() if table.tag == "table"]
    assert widths == ["100%", "640", "100%"]
    assert all(cell.parent is not None and cell.parent.tag == "tr" for cell in inner.all("td"))


def test_an_html5_parser_changes_nothing(html: str) -> None:
    """It mends what is wrong: an element in a place where it may not be moves, one that is open is closed."""
    inliner = css_inline.CSSInliner(inline_style_tags=False, keep_style_tags=True, load_remote_stylesheets=False)
    again = inliner.inline(html)
    before, after = [[element for element in Sheet(text).elements if element.tag != "tbody"] for text in (html, again)]
    assert [(element.tag, element.words) for element in before] == [(element.tag, element.words) for element in after]


def test_what_is_said_first_stands_behind_the_subject_in_the_inbox() -> None:
    sheet = Sheet(parts(sample_content(), reader())[0])
    body = sheet.all("body")[0]
    first = body.children[0]
    assert (first.classes, first.seen) == (["preheader"], False)
    assert first.words == "南昌高新区聚焦光电产业，上半年新增企业120家。"
    bare = sample_digest((Article("只有题目", "", ()),))
    assert Sheet(parts(sample_content(digest=bare), reader())[0]).all("div")[0].words == "只有题目"


def test_the_foot_says_why_and_how_to_stop() -> None:
    envelope = reader()
    sheet = Sheet(parts(sample_content(), envelope)[0])
    (foot,) = sheet.all("footer")
    links = {link.words: link.attributes["href"] for link in sheet.all("a") if foot in link.above()}
    assert links == {
        "取消关注": envelope.reasons[0].unfollow_url,
        "更改设置": envelope.preferences_url,
        "全部退订": envelope.unsubscribe_url,
    }
    assert POSTAL in foot.words
    assert "编发：科技部火炬中心" in foot.words


def hostile(text: str) -> tuple[Content, Envelope]:
    blocks = (Block(BlockKind.HEADING, text), Block(BlockKind.PARAGRAPH, text))
    made = Article(text, text, blocks)
    plain = sample_digest((made, made))
    digest = replace(plain, title=text, title_en=text, publisher=text, column=text, column_en=text)
    reasons = (Reason("park:x", text, "https://b.test/u/1"),)
    return sample_content("test", "zh", "full", digest), replace(reader(), reasons=reasons, name=text)


def test_whatever_words_say_they_are_words() -> None:
    """Markup, template code and comment ends in a title, a text, a name or a label make no element and end none."""
    plain, wild = (Sheet(parts(*hostile(text))[0]) for text in ("好", HOSTILE))
    assert [(element.tag, element.classes) for element in wild.elements] == [
        (element.tag, element.classes) for element in plain.elements
    ]
    assert [element.words.replace(HOSTILE, "好") for element in wild.all("h3", "h4", "p")][2:] == [
        element.words for element in plain.all("h3", "h4", "p")
    ][2:]
    assert HOSTILE in [element.words for element in wild.all("p")]
    assert wild.comments == plain.comments
    asked = confirmation("zh")
    assert asked.confirmation is not None
    asked = replace(asked, name=HOSTILE, confirmation=replace(asked.confirmation, text=HOSTILE, network=HOSTILE))
    letter = parts(Content("confirm", "zh", "full", (), HOSTILE), asked)[0]
    assert not Sheet(letter).all("img", "script")


def test_words_stand_as_they_are_in_the_text_part() -> None:
    text = parts(*hostile(HOSTILE))[1]
    assert f"■ {HOSTILE}" in text
    assert "&lt;" not in text


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "digest",
    [long_digest(62, 3000), long_digest(2, 200_000), long_digest(1, 90_000), sample_digest()],
    ids=["62 articles", "two long ones", "a long one", "short"],
)
def test_no_mailer_clips_it_however_much_there_is(language: str, digest: Digest) -> None:
    reasons = tuple(Reason(f"park:{n}", "开发区" * 40, "https://b.test/u/" + "t" * 250) for n in range(40))
    envelope = replace(reader(language), reasons=reasons, unsubscribe_url="https://b.test/u/" + "t" * 250)
    content = Content("digest", language, "full", (Section(digest, digest.articles, ()),))
    found, text = parts(content, envelope)
    assert len(found.encode()) < MAX_HTML
    sheet = Sheet(found)
    assert len(sheet.all("article")) == len(digest.articles)
    assert envelope.unsubscribe_url in found
    assert envelope.unsubscribe_url in text


def test_a_cut_article_leads_to_its_page() -> None:
    found, text = parts(*MAILS["cut-zh"])
    (cut,) = [element for element in Sheet(found).all("p") if "cut" in element.classes]
    assert cut.children[0].attributes["href"] == linked("huoju", "534", 1)
    assert cut.words == "篇幅所限，此处未刊全文。 阅读全文"
    assert f"篇幅所限，此处未刊全文。 阅读全文: {linked('huoju', '534', 1)}" in text


def test_the_text_part_can_be_read_on_its_own() -> None:
    envelope = reader()
    text = parts(sample_content(), envelope)[1]
    wanted = [
        "火炬动态",
        "2022年第5期（总第534期） · 2022年5月31日",
        "因为您关注了：南昌高新区",
        "==== 高质量发展看高新区 ====",
        "■ 南昌高新区光电产业再上台阶",
        linked("huoju", "534", 1),
        "南昌高新区聚焦光电产业，上半年新增企业120家。",
        "一、主要做法",
        "供稿：南昌高新区 张木",
        "-- 本栏目其他文章 --",
        "- 苏州工业园区建设开放创新高地",
        f"  {linked('huoju', '534', 2)}",
        "您为什么收到这封邮件",
        f"  取消关注: {envelope.reasons[0].unfollow_url}",
        f"想换关注的内容、时间或语言？ 更改设置: {envelope.preferences_url}",
        f"不想再收到任何邮件？ 全部退订: {envelope.unsubscribe_url}",
        "编发：科技部火炬中心",
        POSTAL,
    ]
    lines = text.splitlines()
    assert [line for line in lines if line in wanted] == wanted
    assert "\n\n\n" not in text


@pytest.mark.parametrize("name", ["personal", "confirm_personal", "rights_personal"])
@pytest.mark.parametrize("form", ["html", "txt"])
@pytest.mark.parametrize("scheme", ["https://b.test/", "mailto:news@b.test?subject="])
def test_addresses_can_be_put_in_afterwards(name: str, form: str, scheme: str) -> None:
    """Pieces are the same whether an address stands in them from the start or takes the place of another one."""

    def pieces(word: str) -> dict[str, str]:
        reasons = [Reason("park:x", "南昌高新区", f"{scheme}{word}1"), Reason("all", "全部", f"{scheme}{word}2")]
        more: dict[str, object] = {"preferences": f"{scheme}{word}3"}
        if name == "confirm_personal":
            asked = Confirmation(f"{scheme}{word}5", dt.date(2026, 3, 1), 7, "page", "", "同意")
            more = {"confirmation": asked, "reader": "李"}
        elif name == "rights_personal":
            more = {"right": f"{scheme}{word}6", "reader": "李"}
        personal = renderer().personal(f"email/{name}.{form}.j2", sample_content())
        slots = frozenset(key for key in vars(personal.module) if not key.startswith("_") and key != "button")
        return personal.pieces(slots, reasons, f"{scheme}{word}4", **more)

    late, real = "placeholder", "a&b<c>" + "x" * 300
    filled = {
        key: piece.replace(late, str(escape(real)) if form == "html" else real) for key, piece in pieces(late).items()
    }
    assert filled == pieces(real)
    assert real.partition("&")[0] in "".join(filled.values())


def test_an_installation_changes_a_colour_by_its_own_style_sheet(tmp_path: Path) -> None:
    own = tmp_path / "email" / "style.css"
    own.parent.mkdir()
    ours = renderer(tmp_path)
    before = ours.text("email/confirm.html.j2", MAILS["confirm-zh"][0], postal_address="")
    assert "color:#1d1d1b" in before
    own.write_text(STYLE.replace("#1d1d1b", "#123456"), encoding="utf-8")
    fresh = Renderer(templates_dir(), tmp_path, linked)
    after = fresh.text("email/confirm.html.j2", MAILS["confirm-zh"][0], postal_address="")
    assert after == before.replace("#1d1d1b", "#123456")
    own.write_text(STYLE.replace("#1d1d1b", "#654321"), encoding="utf-8")
    os.utime(own, (1, 1))
    assert "color:#654321" in fresh.text("email/confirm.html.j2", MAILS["confirm-zh"][0], postal_address="")


def test_an_installations_own_template_keeps_its_own_styles(tmp_path: Path) -> None:
    (tmp_path / "email").mkdir()
    head, end = "(reasons, unsubscribe, right, reader) %}", "{% endmacro %}"
    own = "{% macro greeting" + head + '<p class="line" style="margin:1px">{{ reader }}</p>' + end
    rest = "{% macro action" + head + '<p style="color:#f00">{{ right }}</p>' + end
    (tmp_path / "email" / "rights_personal.html.j2").write_text(own + rest, encoding="utf-8")
    found = parts(*MAILS["data-zh"], override=tmp_path)[0]
    assert '<p class="line" style="margin:1px">reader-one</p>' in found
    assert '<p style="color:#f00">https://b.test/d/t</p>' in found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('<p class="a">', '<p class="a" style="color:red">'),
        ('<p id="x" class="b a" lang="{{ x }}">', '<p id="x" class="b a" lang="{{ x }}" style="color:blue;margin:0">'),
        ('<p class="a" style="color:green">', '<p class="a" style="color:green">'),
        ('<p class="a" style="margin:{{ x }}">', '<p class="a" style="margin:{{ x }}">'),
        ('<p class="{{ a }}">', '<p class="{{ a }}">'),
        ('<p class="unknown">', '<p class="unknown">'),
        ('<br class="a"/>', '<br class="a" style="color:red"/>'),
        ("<p>class='a' {% if a < b %}", "<p>class='a' {% if a < b %}"),
        ('<td\n class="a">', '<td\n class="a" style="color:red">'),
    ],
)
def test_rules_are_written_into_tags(source: str, expected: str) -> None:
    sheet = "/* red */ .a { color: red; } .b { color: blue; margin: 0; }"
    made = styled(source, sheet)
    assert re.sub(r' style="([^"]*)"', lambda found: f' style="{_sorted(found[1])}"', made) == expected


def _sorted(style: str) -> str:
    return ";".join(f"{name}:{value}" for name, value in sorted(declarations(style).items()))
