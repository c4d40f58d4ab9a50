"""What strangers write (names, articles, addresses) stays where it belongs in a message, and what is secret, out of
every log."""

from __future__ import annotations

import base64
import email
import email.policy
import logging
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from functools import cache
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from dispatch.assets import templates_dir
from dispatch.channels.email import EmailChannel
from dispatch.digests.render import Renderer
from dispatch.errors import RenderError
from dispatch.model import Article, Block, BlockKind, Content, Envelope, Reason, Rejected, Section, Sent
from dispatch.settings import EmailSettings
from dispatch.testing import SmtpSink
from dispatch.testing.samples import sample_digest
from subscribers.addresses import email_address
from subscribers.errors import InvalidValue
from tests.channels.test_email import content, envelope

EVIL = (
    "=?utf-8?q?=0D=0ABcc:_a@x.test?=",
    "\r\nBcc: all@x.test", "\nX-Evil: 1", "\rX-Evil: 1", "\r\n\r\n<b>body</b>", "\r\n.\r\nMAIL FROM:<e@x.test>\r\n",
    "\u2028X-Evil: 1", "\x85X-Evil: 1", "\x0b", "\x00", "\ufeff", '"', "\\",
    "<e@x.test>", "(", ",", ";", ":", "<script>alert(1)</script>", "'><img src=x onerror=alert(1)>", "{{ 7 * 7 }}",
    "</td></table>", "<!--", "]]>", "\ue000", "\ue001", "--=_", "张三", "é" * 90, "%0d%0aBcc:%20a@x.test",
)  # fmt: skip
# No surrogates: neither a file in UTF-8 nor a database can hold them.
HOSTILE = st.lists(st.one_of(st.sampled_from(EVIL), st.text(st.characters(codec="utf-8"), max_size=6)), max_size=4).map(
    "".join
)
ADDRESSES = st.one_of(
    HOSTILE, st.builds("{}@x.test".format, HOSTILE), st.builds("a@{}".format, HOSTILE), st.just("用户@例子.测试")
)
PAGES = HOSTILE.map("https://news.x.test/{}".format)

_RENDERER = Renderer(templates_dir(), None, lambda bulletin, ref, position: f"https://news.x.test/{ref}/{position}")
_OURS = {"security": "none", "from_address": "news@x.test", "host": "127.0.0.1"}


def wire(item: Envelope, told: Content, **changes: str) -> EmailMessage:
    """The message for a reader as it goes out, parsed. Raises RenderError where there can be none."""
    channel = EmailChannel(EmailSettings.model_validate(_OURS | changes), _RENDERER)
    raw = channel.preview(told, item)[".eml"].encode()
    head = raw.partition(b"\r\n\r\n")[0]
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert not re.search(rb"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]", raw)
    assert all(re.match(rb"[!-9;-~]+: ?\S|[ \t]+\S", line) for line in head.split(b"\r\n")), head
    return email.message_from_bytes(raw, policy=email.policy.default)


def names(message: EmailMessage) -> Counter[str]:
    return Counter(name.lower() for name in message.keys())  # noqa: SIM118 (a message iterates over its keys once each)


class Tags(HTMLParser):
    """What a mailer sees of elements, attributes and the schemes of addresses."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.seen |= {f"{tag} {name}" for name, _ in attrs}
        self.seen |= {f"{name}={(value or '').partition(':')[0]}:" for name, value in attrs if name in ("href", "src")}


def html_of(message: EmailMessage) -> str:
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def told(words: Callable[[], str], language: str) -> Content:
    """A digest in which every word is somebody's."""
    blocks = (Block(BlockKind.PARAGRAPH, words()), Block(BlockKind.HEADING, words()))
    article = Article(words(), words(), blocks)
    digest = replace(
        sample_digest((article, replace(article, title=words()))),
        bulletin=words(),
        issue_ref=words(),
        title=words(),
        title_en=words(),
        publisher=words(),
        column=words(),
        column_en=words(),
    )
    return Content("digest", language, "full", (Section(digest, digest.articles[:1], digest.articles[1:]),))


@cache
def calm(language: str) -> EmailMessage:
    """A message in which every word is as harmless as can be."""
    item = envelope(preferences_url="https://news.x.test/p")
    return wire(item, told(lambda: "x", language), from_name="x", postal_address="x")


# Each word of a message, in the order in which they are asked for.
WORDS = st.lists(HOSTILE, min_size=24, max_size=24).map(lambda drawn: iter(drawn).__next__)


@given(words=WORDS, pages=st.tuples(PAGES, PAGES, PAGES), language=st.sampled_from(["zh", "en"]))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_field_of_anybody_changes_the_form_of_a_message(
    words: Callable[[], str], pages: tuple[str, str, str], language: str
) -> None:
    item = envelope(
        name=words(),
        provider_id=words(),
        language=language,
        reasons=(Reason(words(), words(), pages[0]), Reason("all", words(), "")),
        unsubscribe_url=pages[1],
        preferences_url=pages[2],
        unsubscribe_mailto=f"mailto:a@x.test?subject={words()}",
    )
    ours = {"from_name": harmless(words()), "postal_address": harmless(words())}
    sent = wire(item, told(words, language), **ours)
    usual = calm(language)
    assert set(names(sent).values()) == {1}
    assert set(names(sent)) <= set(names(usual))
    assert set(names(usual)) - set(names(sent)) <= {"list-unsubscribe", "list-unsubscribe-post", "references"}
    assert [str(box.addr_spec) for box in sent["To"].addresses] == ["reader@example.com"]
    assert [str(box.addr_spec) for box in sent["From"].addresses] == ["news@x.test"]
    assert Tags(html_of(sent)).seen <= Tags(html_of(usual)).seen


def harmless(words: str) -> str:
    """What a setting can hold at all."""
    return re.sub("[\x00\ud800-\udfff]", "", words)


@given(address=ADDRESSES)
@example("a@x.test\r\nRCPT TO:<b@x.test>")
@example("a@x.test>\r\n")
@example('"a b"@x.test')
@settings(max_examples=200, deadline=None)
def test_an_address_is_one_address_on_the_wire_or_none(address: str) -> None:
    try:
        sent = wire(envelope(address=address, name=""), content())
    except RenderError:
        return
    assert set(names(sent).values()) == {1}
    [line] = [value for name, value in sent.raw_items() if name == "To"]
    mailbox, _, domain = line.encode("utf-8", "surrogateescape").decode().rpartition("@")
    assert mailbox == address.rpartition("@")[0]
    assert re.fullmatch(r"[a-z0-9.-]+", domain)


def test_what_looks_like_an_encoded_word_arrives_as_it_was_written() -> None:
    words = "=?utf-8?q?=0D=0ABcc:_a@x.test?="
    sent = wire(envelope(name=words), told(lambda: words, "zh"), from_name=words)
    assert [sent[name].addresses[0].display_name for name in ("To", "From")] == [words, words]
    assert words in str(sent["Subject"])


def test_an_article_is_never_markup() -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)><a href='javascript:x'>&amp; {{ 7 * 7 }}"
    html = html_of(wire(envelope(name=evil, reasons=(Reason("all", evil, ""),)), told(lambda: evil, "zh")))
    assert "&lt;script&gt;alert(1)" in html
    assert "{{ 7 * 7 }}" in html
    assert not Tags(html).seen & {"script", "img onerror", "href=javascript:"}


# Addresses


@pytest.mark.parametrize(
    ("given_as", "kept"),
    [
        ("reader@x.test", "reader@x.test"),
        ("reader@news.LOCALHOST.test", "reader@news.localhost.test"),
        ("Reader@X.Test", "Reader@x.test"),
        ("reader@例子.测试", "reader@例子.测试"),
        ("reader@xn--fsqu00a.xn--0zwm56d", "reader@例子.测试"),
        ("用户@例子.测试", "用户@例子.测试"),
        ("用户@x.test", "用户@x.test"),
    ],
)
def test_an_address_is_kept_in_one_spelling_and_nobody_is_asked(given_as: str, kept: str) -> None:
    assert email_address(given_as) == kept


@pytest.mark.parametrize(
    "text",
    ["a@localhost", "a@x.invalid", "a@[127.0.0.1]", "a@x.local", "a@-x.test", "a@x..test", "a@x.test\r\nBcc: b@x.test",
     "a\x00@x.test", '"a b"@x.test', "a@x.test>", "a@x_y.test", "a\u200b@x.test", "a@" + "x" * 64 + ".test",
     "a@xn--a.test", "a\u202eb@x.test"],
)  # fmt: skip
def test_what_could_reach_nobody_or_mislead_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        email_address(text)


@pytest.mark.parametrize(
    ("address", "on_the_wire", "utf8"),
    [
        ("reader@例子.测试", "reader@xn--fsqu00a.xn--0zwm56d", False),
        ("用户@例子.测试", "用户@xn--fsqu00a.xn--0zwm56d", True),
        ("用户@x.test", "用户@x.test", True),
        ("reader@straße.test", "reader@xn--strae-oqa.test", False),
    ],
)
async def test_only_a_mailbox_outside_ascii_takes_smtputf8(address: str, on_the_wire: str, utf8: bool) -> None:
    async with SmtpSink() as sink:
        outcome = await deliver(
            EmailSettings(host=sink.host, port=sink.port, security="none", from_address="n@x.test"), address
        )
        assert isinstance(outcome, Sent)
        [mail] = sink.messages
        assert mail.recipients == (on_the_wire,)
        assert ("SMTPUTF8" in mail.mail_options) is utf8
        assert mail.raw.partition(b"\r\n\r\n")[0].isascii() is not utf8


# Secrets


async def deliver(given_settings: EmailSettings, address: str = "reader@x.test") -> object:
    channel = EmailChannel(given_settings, _RENDERER)
    [lane] = channel.lanes("email")
    async with channel.open(lane) as connection:
        try:
            return await connection.send(envelope(address=address), channel.render(content()), 0)
        finally:
            assert "hunter2" not in f"{connection!r} {channel!r} {vars(channel)!r}"


@pytest.mark.parametrize("known", ["hunter2", "other"])
async def test_no_log_of_a_session_tells_the_log_in(caplog: pytest.LogCaptureFixture, known: str) -> None:
    caplog.set_level(logging.DEBUG)
    async with SmtpSink(username="sender", password=known) as sink:
        given_settings = EmailSettings(
            host=sink.host, port=sink.port, security="none", from_address="n@x.test", username="sender",
            password=SecretStr("hunter2"),
        )  # fmt: skip
        outcome = await deliver(given_settings)
    assert isinstance(outcome, Sent) is (known == "hunter2")
    assert not isinstance(outcome, Rejected)
    ours = [record for record in caplog.records if not record.name.startswith("mail.")]  # aiosmtpd's are the relay's
    written = " ".join([repr(outcome), repr(given_settings), str(given_settings), *(r.getMessage() for r in ours)])
    plain, alone = (base64.b64encode(text).decode().rstrip("=") for text in (b"\0sender\0hunter2", b"hunter2"))
    assert not any(secret in written for secret in ("hunter2", plain, alone))
