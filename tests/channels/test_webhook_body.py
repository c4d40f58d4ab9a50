"""What stands in the body of a webhook."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dispatch.assets import templates_dir
from dispatch.channels.webhook.payload import MAX_BYTES, render, render_whole
from dispatch.digests.render import Link, Renderer
from dispatch.errors import RenderError
from dispatch.model import Alarm, Article, Content, Evidence, Notice, ParkTag, Reason, Role, Section, TopicTag
from dispatch.testing.samples import LEAD, rich_article, sample_article, sample_content, sample_digest, sample_envelope
from tests.channels.webhook_schema import check

ROOT = Path(__file__).resolve().parents[2]


def page(bulletin: str, ref: str, position: int) -> str:
    return f"https://bulletin.example/{bulletin}/{ref}" + (f"/{position}" if position else "")


def bytes_of(content: Content, link: Link = page, **changes: Any) -> bytes:
    envelope = replace(sample_envelope("https://a.example/", channel="webhook"), **changes)
    return render(Renderer(templates_dir(), None, link), content).fill(envelope)


def body_of(content: Content, link: Link = page, **changes: Any) -> Any:
    """The body, which keeps to the published schema."""
    body = json.loads(bytes_of(content, link, **changes))
    check(body)
    return body


def test_the_body_says_it_all() -> None:
    """Every field of the documented payload, in UTF-8 and not in escapes."""
    body = body_of(sample_content(), full_url="https://bulletin.example/w/token")
    text = body["data"].pop("text")
    issue = {
        "ref": "534",
        "number": 5,
        "total": 534,
        "year": 2022,
        "date": "2022-05-31",
        "title": "火炬动态",
        "publisher": "科技部火炬中心",
        "url": "https://bulletin.example/huoju/534",
    }
    bulletin = {"key": "huoju", "title": "火炬动态", "title_en": "Torch Bulletin"}
    assert body == {
        "type": "digest.published",
        "timestamp": "2022-05-31T00:00:00Z",
        "data": {
            "version": 1,
            "language": "zh",
            "format": "full",
            "truncated": False,
            "full_url": "https://bulletin.example/w/token",
            "bulletin": bulletin,
            "issue": issue,
            "digests": [
                {
                    "bulletin": bulletin,
                    "issue": issue,
                    "column": "高质量发展看高新区",
                    "column_en": "High-tech zones",
                    "part": 1,
                    "parts": 1,
                    "matching": [
                        {
                            "title": "南昌高新区光电产业再上台阶",
                            "credit": "南昌高新区 张木",
                            "url": "https://bulletin.example/huoju/534/1",
                            "lead": LEAD,
                            "parks": [{"key": "南昌高新区", "name": "南昌高新区", "role": "subject", "evidence": []}],
                            "topics": [{"key": "optoelectronics", "name": "光电", "rank": 1, "evidence": []}],
                            "blocks": [
                                {"kind": "paragraph", "text": LEAD},
                                {"kind": "heading", "text": "一、主要做法"},
                                {"kind": "paragraph", "text": "完善服务体系，搭建公共平台。"},
                            ],
                        }
                    ],
                    "others": [
                        {"title": "苏州工业园区建设开放创新高地", "url": "https://bulletin.example/huoju/534/2"}
                    ],
                }
            ],
            "reasons": [
                {
                    "follow": "park:南昌高新区",
                    "label": "南昌高新区",
                    "unfollow_url": "https://bulletin.example/unfollow/reader-one",
                }
            ],
            "unsubscribe_url": "https://bulletin.example/unsubscribe/reader-one",
            "preferences_url": "https://bulletin.example/preferences/reader-one",
        },
    }
    assert "南昌".encode() in bytes_of(sample_content())
    for part in (
        "[南昌高新区光电产业再上台阶](<https://bulletin.example/huoju/534/1>)",
        LEAD,
        "https://bulletin.example/unfollow/reader-one",
        "https://bulletin.example/unsubscribe/reader-one",
    ):
        assert part in text


def test_titles_leave_the_blocks_out() -> None:
    body = body_of(sample_content(form="titles"))
    (article,) = body["data"]["digests"][0]["matching"]
    assert "blocks" not in article
    assert article["lead"] == LEAD


def test_a_test_says_so_and_english_changes_labels_only() -> None:
    chinese = body_of(sample_content())
    english = body_of(sample_content("test", "en"))
    assert english["type"] == "endpoint.test"
    assert english["data"]["digests"] == chinese["data"]["digests"]
    assert "Torch Bulletin" in english["data"]["text"]
    assert "Torch Bulletin" not in chinese["data"]["text"]


def test_without_pages_links_and_date_the_body_still_holds() -> None:
    """No base address: `mailto:` to unsubscribe, empty urls, no timestamp."""
    content = sample_content(digest=replace(sample_digest(), date=None))
    body = body_of(content, lambda bulletin, ref, position: "", unsubscribe_url="", reasons=())
    assert "timestamp" not in body
    assert body["data"]["digests"][0]["matching"][0]["url"] == ""
    assert body["data"]["unsubscribe_url"].startswith("mailto:")
    assert body["data"]["reasons"] == []


def test_text_from_outside_breaks_neither_json_nor_markdown() -> None:
    digest = sample_digest((sample_article('"*甲* [乙](http://evil.example) \\ <b>'), sample_article("丙")))
    reason = Reason("topic:x", 'quote " and [link](x)', 'https://e.example/?a="b"')
    body = body_of(sample_content(digest=digest), reasons=(reason,))
    assert body["data"]["digests"][0]["matching"][0]["title"] == digest.articles[0].article.title
    assert body["data"]["reasons"][0]["label"] == reason.label
    assert "[乙](http" not in body["data"]["text"]
    assert "[link](x)" not in body["data"]["text"]


def many_reasons(count: int) -> tuple[Reason, ...]:
    return tuple(Reason(f"park:{n}", f"第{n}高新区", f"https://b.example/u/{n}/{'x' * 200}") for n in range(count))


@pytest.mark.parametrize(
    ("articles", "matching", "reasons"),
    [(3, 3, 1), (62, 1, 1), (62, 62, 1), (2, 1, 100), (62, 62, 100)],
    ids=["long texts", "many titles", "many matching", "many follows", "everything"],
)
def test_a_body_stays_under_20_kb_and_says_what_was_cut(articles: int, matching: int, reasons: int) -> None:
    digest = sample_digest(
        tuple(sample_article(f"第{n}篇" + "高" * 100, "高新技术产业开发区。" * 900) for n in range(articles))
    )
    content = Content(
        "digest", "zh", "full", (Section(digest, digest.articles[:matching], digest.articles[matching:]),)
    )
    written = bytes_of(content, reasons=many_reasons(reasons))
    assert MAX_BYTES / 2 < len(written) <= MAX_BYTES
    body = json.loads(written)
    check(body)
    assert body["data"]["truncated"] is True
    shown = body["data"]["digests"][0]["matching"]
    assert shown, "at least one article is left"
    assert all(block["text"] for article in shown for block in article["blocks"])


def test_a_bundle_names_the_issue_of_every_digest() -> None:
    older = sample_digest()
    newer = replace(sample_digest(number=2), issue_ref="535", total=535, date=dt.date(2022, 6, 15))
    sections = tuple(Section(digest, digest.articles[:1], ()) for digest in (older, newer))
    body = body_of(Content("digest", "zh", "full", sections))
    assert [digest["issue"]["ref"] for digest in body["data"]["digests"]] == ["534", "535"]
    assert body["timestamp"] == "2022-06-15T00:00:00Z"


def test_a_slot_without_its_macro_fails_when_rendered(tmp_path: Path) -> None:
    """An installation's template with a mistake is told to the administrator before anything is sent."""
    (tmp_path / "webhook").mkdir()
    (tmp_path / "webhook" / "digest.md.j2").write_text('{{ slot("mistake") }}', encoding="utf-8")
    with pytest.raises(RenderError, match="mistake"):
        render(Renderer(templates_dir(), tmp_path, page), sample_content())


def test_the_text_says_which_follow_brought_it_and_how_to_drop_it() -> None:
    """In the reader's language, each follow with its own link; a dozen of them."""
    text = body_of(sample_content(language="en"))["data"]["text"]
    assert "Because you follow:\n\n- 南昌高新区 [Unfollow](<https://bulletin.example/unfollow/reader-one>)" in text
    many = body_of(sample_content(), reasons=many_reasons(14))["data"]["text"]
    assert many.count("https://b.example/u/") == 12


def tagged_article(title: str, parks: int, text: str = LEAD) -> Article:
    """About one park and one topic, with the passages that say so, and naming many parks more."""
    where = [Evidence("title", -1, 0, 5, title[:5]), Evidence("text", 0, 0, 5, text[:5])]
    found = [
        ParkTag(f"第{n}高新区", Role.MENTION, (Evidence("text", 0, n, n + 2, text[n : n + 2]),)) for n in range(parks)
    ]
    subject = ParkTag("南昌高新区", Role.SUBJECT, (*where, *where))
    topics = (TopicTag("b", "乙", 1.0), TopicTag("a", "甲", 3.0, (Evidence("credit", -1, 0, 5, "南昌高新区"),)))
    return replace(sample_article(title, text), parks=(*found, subject), topics=topics)


def test_tags_have_their_passages_and_the_surest_come_first() -> None:
    article = tagged_article("南昌高新区光电产业", 2)
    (shown,) = body_of(sample_content(digest=sample_digest((article,))))["data"]["digests"][0]["matching"]
    assert [(park["name"], park["role"]) for park in shown["parks"]] == [
        ("南昌高新区", "subject"),
        ("第0高新区", "mention"),
        ("第1高新区", "mention"),
    ]
    assert shown["parks"][0]["evidence"][:2] == [
        {"where": "title", "start": 0, "end": 5, "text": "南昌高新区"},
        {"where": "text", "block": 0, "start": 0, "end": 5, "text": "南昌高新区"},
    ]
    assert [(topic["key"], topic["rank"]) for topic in shown["topics"]] == [("a", 1), ("b", 2)]
    assert shown["topics"][0]["evidence"] == [{"where": "credit", "start": 0, "end": 5, "text": "南昌高新区"}]


@pytest.mark.parametrize("articles", [1, 10])
def test_an_article_that_names_every_park_keeps_its_text_and_those_it_is_about(articles: int) -> None:
    """Passages and parks beyond the first give way before texts do; of what is too long all the same, all passages."""
    digest = sample_digest(
        tuple(tagged_article(f"全国高新区名录第{n}篇", 200, "高新区名录。" * 40) for n in range(articles))
    )
    body = body_of(Content("digest", "zh", "full", (Section(digest, digest.articles, ()),)))
    assert body["data"]["truncated"] is True
    shown = body["data"]["digests"][0]["matching"]
    assert len(shown) == articles
    for article in shown:
        assert article["parks"][0]["name"] == "南昌高新区"
        assert 8 <= len(article["parks"]) <= 20
        assert len(article["parks"][0]["evidence"]) == (2 if articles == 1 else 0)
        assert sum(len(block["text"]) for block in article["blocks"]) > 100


def test_the_whole_has_all_that_was_cut_and_nothing_personal() -> None:
    digest = sample_digest(
        tuple(tagged_article(f"第{n}篇" + "高" * 100, 200, "高新技术产业开发区。" * 900) for n in range(62))
    )
    content = Content("correction", "en", "full", (Section(digest, digest.articles[:60], digest.articles[60:]),))
    whole = json.loads(render_whole(Renderer(templates_dir(), None, page), content))
    check(whole)
    data = whole["data"]
    assert whole["type"] == "digest.corrected"
    assert (data["truncated"], data["reasons"]) == (False, [])
    assert [data[name] for name in ("unsubscribe_url", "preferences_url", "full_url")] == ["", "", ""]
    shown = data["digests"][0]
    assert (len(shown["matching"]), len(shown["others"])) == (60, 2)
    for article in shown["matching"]:
        assert len(article["parks"]) == 201
        assert len(article["parks"][0]["evidence"]) == 4
        assert len(article["blocks"][0]["text"]) == 9000
    assert "unsubscribe" not in data["text"].lower()


def test_a_short_body_and_the_whole_differ_in_what_is_personal_alone() -> None:
    body = body_of(sample_content(), reasons=(), unsubscribe_url="", unsubscribe_mailto="", preferences_url="")
    assert body == json.loads(render_whole(Renderer(templates_dir(), None, page), sample_content()))


def test_every_block_and_mark_is_in_the_schema() -> None:
    body_of(sample_content(digest=sample_digest((rich_article(),))))


@pytest.mark.parametrize(
    "notice", [Notice("huoju:534", "https://b.example/preview/x", ("二、为标题",)), Notice("534", "")]
)
def test_what_approvers_are_told_keeps_to_the_schema(notice: Notice) -> None:
    content = replace(sample_content("notice"), notice=notice, format="titles")
    body = body_of(content, unsubscribe_url="", preferences_url="", reasons=())
    assert body["type"] == "issue.held"
    assert body["data"]["issue"]["url"] == "", "what is not out has no page"


@pytest.mark.parametrize("ended", [0, 1_654_041_600_000])
def test_an_alarm_keeps_to_the_schema(ended: int) -> None:
    alarm = Alarm("lane", "email", "nobody answers", 1_654_000_000_000, ended)
    body = body_of(Content("alarm", "zh", "full", (), alarm=alarm))
    assert body["type"] == "dispatch.alarm"
    assert body["data"]["alarm"]["since"] == "2022-05-31T12:26:40Z"
    assert (body["data"]["alarm"]["ended"] is None) is not bool(ended)


def test_the_documents_example_is_what_is_sent() -> None:
    command = [sys.executable, "docs/webhook_example.py", "--check"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr


def test_passages_of_the_documents_example_stand_where_they_say() -> None:
    """It is of a real issue, with the tags that were found in it."""
    body = json.loads((ROOT / "docs" / "examples" / "webhook.json").read_text("utf-8"))
    check(body)
    [article] = body["data"]["digests"][0]["matching"]
    passages = [passage for tag in (*article["parks"], *article["topics"]) for passage in tag["evidence"]]
    assert {passage["where"] for passage in passages} == {"title", "credit", "text"}
    for passage in passages:
        text = article["blocks"][passage["block"]]["text"] if "block" in passage else article[passage["where"]]
        assert text[passage["start"] : passage["end"]] == passage["text"]
