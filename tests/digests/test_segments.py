"""Texts with their emphasis and links, and which addresses may stand in a link."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.digests.hrefs import LONGEST, deceives, named_hosts, safe_href, spelled_out
from dispatch.digests.segments import Run, Segment, runs, segments, sound
from dispatch.model import Block, BlockKind, Mark, MarkKind

from .blocks import texts

STRONG, EMPHASIS, LINK = MarkKind.STRONG, MarkKind.EMPHASIS, MarkKind.LINK
A, B = "https://a.example/", "https://b.example/"


def block(text: str, *marks: Mark) -> Block:
    return Block(BlockKind.PARAGRAPH, text, marks=marks)


def said(text: str, *marks: Mark) -> list[tuple[str, set[str], str]]:
    return [(part.text, {kind.value for kind in part.kinds}, part.href) for part in segments(block(text, *marks))]


@given(texts())
def test_segments_are_the_text_and_each_character_has_its_marks(given_block: Block) -> None:
    found = segments(given_block)
    assert "".join(part.text for part in found) == given_block.text
    assert all(part.text for part in found)
    place = 0
    for part in found:
        for character in range(place, place + len(part.text)):
            around = [mark for mark in given_block.marks if mark.start <= character < mark.end]
            assert part.strong == any(mark.kind is STRONG for mark in around)
            assert part.emphasis == any(mark.kind is EMPHASIS for mark in around)
            assert (LINK in part.kinds) == bool(part.href)
            assert not part.href or part.href in [mark.href for mark in around if mark.kind is LINK]
        place += len(part.text)


@given(texts())
def test_sound_marks_make_the_same_segments_and_are_within_the_text(given_block: Block) -> None:
    kept = sound(given_block)
    assert segments(kept) == segments(given_block)
    assert all(0 <= mark.start < mark.end <= len(kept.text) for mark in kept.marks)
    assert [mark.start for mark in kept.marks] == sorted(mark.start for mark in kept.marks)
    assert "".join(run.text for run in runs(given_block)) == given_block.text


def test_marks_in_each_other_and_over_each_other() -> None:
    assert said("一二三四五", Mark(STRONG, 0, 3), Mark(EMPHASIS, 2, 5)) == [
        ("一二", {"strong"}, ""),
        ("三", {"strong", "emphasis"}, ""),
        ("四五", {"emphasis"}, ""),
    ]
    assert said("一二三", Mark(STRONG, 0, 1), Mark(STRONG, 1, 2)) == [("一二", {"strong"}, ""), ("三", set(), "")]
    assert said("一二", Mark(STRONG, -3, 9), Mark(STRONG, 0, 2)) == [("一二", {"strong"}, "")]
    assert said("一二", Mark(STRONG, 2, 9), Mark(STRONG, 1, 1), Mark(STRONG, 2, 1)) == [("一二", set(), "")]
    assert said("") == []


def test_a_stretch_is_of_one_link() -> None:
    assert said("一二三四", Mark(LINK, 0, 2, A), Mark(LINK, 1, 3, B)) == [
        ("一二", {"link"}, A),
        ("三", {"link"}, B),
        ("四", set(), ""),
    ]
    assert said("一二三四", Mark(LINK, 0, 4, A), Mark(LINK, 1, 3, B)) == [("一二三四", {"link"}, A)]
    assert said("一二", Mark(LINK, 0, 1, A), Mark(LINK, 1, 2, A)) == [("一二", {"link"}, A)]


def test_a_link_that_is_partly_strong_is_one_run() -> None:
    assert runs(block("一二三", Mark(LINK, 0, 2, A), Mark(STRONG, 1, 3))) == (
        Run(A, (Segment("一", frozenset({LINK}), A), Segment("二", frozenset({LINK, STRONG}), A))),
        Run("", (Segment("三", frozenset({STRONG})),)),
    )


@pytest.mark.parametrize(
    "href",
    [
        "http://a.example",
        "HTTPS://a.example:8443/x?y=1&z=(2)#part",
        "https://中国.example/高新区",
        "https://[2001:db8::1]/",
        "mailto:news@bulletin.example",
        "mailto:news@bulletin.example?subject=%E7%A8%BF",
        "https://a.example/" + "x" * (LONGEST - 18),
    ],
)
def test_addresses_that_may_stand_in_a_link(href: str) -> None:
    assert safe_href(href) == href


@pytest.mark.parametrize(
    "href",
    [
        "",
        "a.example",
        "/etc/passwd",
        "//a.example/",
        "https:a.example",
        "https://",
        "https:///x",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>",
        "file:///etc/passwd",
        "tg://resolve?domain=x",
        "ftp://a.example/",
        "https://user@a.example/",
        "https://user:secret@a.example/",
        "https://a.example:99999/",
        "https://[::1/",
        "https://a.example/a b",
        "https://a.example/\r\nX: y",
        "https://a.example/\x00",
        "https://a.example/\u202egpj.exe",
        "https://a.example/\u200b",
        "https://a.example/\ue000why\ue001",
        'https://a.example/"onclick="x',
        "https://a.example/<b>",
        "https://a.example\\@b.example/",
        "https://a.example/\ud800",
        "https://a.example/" + "x" * LONGEST,
        "mailto:",
        "mailto:a@b@c",
        "mailto:a@b.example,c@d.example",
        "mailto:a@b.example?bcc=c@d.example",
        "mailto:a@b.example?subject=x&body=y",
        "mailto:a%0d%0aBcc:c@d.example",
    ],
)
def test_addresses_that_may_not(href: str) -> None:
    assert safe_href(href) == ""
    assert said("一二", Mark(LINK, 0, 2, href)) == [("一二", set(), "")]


@pytest.mark.parametrize(
    ("text", "href", "expected"),
    [
        ("https://bank.example/login", "https://evil.example/", True),
        ("bank.example", "https://evil.example/bank.example", True),
        ("https://bank.example", "https://bank.example.evil.example/", True),
        ("www.bank.example", "https://bank.example/", False),
        ("BANK.example/login", "https://bank.example/other", False),
        ("统计公报", "https://evil.example/", False),
        ("见 bank.example 网站", "https://evil.example/", True),
        ("2022.5", "https://stats.example/", False),
        ("news@bank.example", "mailto:news@bank.example", False),
    ],
)
def test_a_link_whose_words_name_another_host_is_none(text: str, href: str, *, expected: bool) -> None:
    assert deceives(text, href) is expected
    assert bool(said(text, Mark(LINK, 0, len(text), href))[0][2]) is not expected


@pytest.mark.parametrize(
    ("text", "href", "aside"),
    [
        ("公报", "https://a.example/1", "https://a.example/1"),
        ("https://a.example/1", "https://a.example/1", ""),
        ("A.example", "http://a.example/", ""),
        ("编辑部", "mailto:news@a.example", "news@a.example"),
        ("news@a.example", "mailto:news@a.example", ""),
    ],
)
def test_an_address_is_spelled_out_unless_the_words_are_it(text: str, href: str, aside: str) -> None:
    assert spelled_out(text, href) == aside


@pytest.mark.parametrize(
    "text",
    [
        "网址:www.icbc.com.cn",
        "“www.icbc.com.cn”",
        "(www.icbc.com.cn)",
        "www.icbc.com.cn。",
        "www.icbc.com.cn…",
        "www.icbc.com.cn官网",
        "登录www.icbc.com.cn官网",
        "登录 https://www.icbc.com.cn/login",
        "www．icbc．com．cn",
        "www。icbc。com。cn",
        "\u200bwww.icbc.com.cn",
        "www.ic\u00adbc.com\ufe0f.cn",
        "//www.icbc.com.cn",
        "ftp://www.icbc.com.cn",
        "a@icbc.com.cn",
        "https://evil.example@icbc.com.cn",
        "https://icbc.com.cn@evil.example",
        "www.工商银行.cn",
        "访问工商银行.中国",
        "icbc.com.cn/index.html",
        "evil.example 即 icbc.com.cn",
        "95588.com",
    ],
)
def test_a_host_is_found_anywhere_in_the_words(text: str) -> None:
    assert deceives(text, "https://evil.example/")
    assert said(text, Mark(LINK, 0, len(text), "https://evil.example/")) == [(text, set(), "")]


@pytest.mark.parametrize(
    "text",
    [
        "report.pdf",
        "报告.pdf",
        "v1.2.3",
        "3.14",
        "12.5亿元",
        "1.5GHz",
        "e.g.",
        "i.e. U.S. Ph.D.",
        "南昌.高新区",
        "1.中国高新区",
        "一、南昌。二、合肥。",
        "2022.5",
        "……",
        "https://",
        "和//或",
        "No.5",
    ],
)
def test_ordinary_words_are_no_host(text: str) -> None:
    assert not deceives(text, "https://evil.example/")


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("登录www.icbc.com.cn官网", "https://mybank.icbc.com.cn/login"),
        ("mybank.icbc.com.cn", "https://icbc.com.cn/"),
        ("www.工商银行.cn", "https://xn--" + "工商银行".encode("punycode").decode() + ".cn/"),
        ("icbc.com.cn/a.aspx?u=b.com", "https://icbc.com.cn/a.aspx?u=b.com"),
        ("详见icbc.com.cn。", "https://ICBC.com.cn/"),
        ("写信到 news@icbc.com.cn", "mailto:news@icbc.com.cn"),
    ],
)
def test_words_that_name_the_host_of_the_link(text: str, href: str) -> None:
    assert not deceives(text, href)


def test_a_host_is_not_put_together_of_links_or_of_a_link_and_the_text_beside_it() -> None:
    text = "见www.icbc.com.cn官网"
    assert said(text, Mark(LINK, 1, 9, A), Mark(LINK, 9, 16, A)) == [(text, set(), "")]
    assert said(text, Mark(LINK, 1, 9, A), Mark(LINK, 9, 16, B)) == [(text, set(), "")]
    assert said(text, Mark(LINK, 5, 9, A)) == [(text, set(), "")]
    assert said(text, Mark(LINK, 16, 18, A))[-1] == ("官网", {"link"}, A)


@given(
    before=st.text("网址见“(：:。 \u200b<", max_size=6),
    after=st.text("官网”)。，/ \u200b>", max_size=6),
    hidden=st.text("\u200b\u00ad\u2060\ufe0f", max_size=2),
    wide=st.booleans(),
    place=st.integers(0, 15),
)
def test_no_setting_hides_a_host(before: str, after: str, hidden: str, wide: bool, place: int) -> None:
    host = "www.icbc.com.cn"
    host = host[:place] + hidden + host[place:]
    shown = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in host) if wide else host
    assert deceives(before + shown + after, "https://evil.example/")
    assert not deceives(before + shown + after, "https://icbc.com.cn/")


@given(st.text())
def test_hosts_stand_in_the_text_in_their_order(text: str) -> None:
    places = [place for host in named_hosts(text) for place in (host.start, host.end)]
    assert places == sorted(places)
    assert all(0 <= place <= len(text) for place in places)
