"""The message that is spliced together says what the one does that is built the slow way, for every reader."""

from __future__ import annotations

import email
import email.policy
import re
from binascii import a2b_base64
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dispatch.assets import templates_dir
from dispatch.channels.email.base64_lines import Constant, weave
from dispatch.channels.email.compose import Shapes, Stencil
from dispatch.channels.email.render import RenderedEmail, render
from dispatch.digests.render import Personal, Renderer
from dispatch.digests.slots import Slotted
from dispatch.model import Envelope, Reason, Rejected
from dispatch.settings import EmailSettings
from tests.channels.test_email import content, envelope

OURS = EmailSettings.model_validate(
    {"host": "127.0.0.1", "from_address": "news@x.test", "postal_address": "北京", "reply_to": "reply@x.test"}
)
RENDERER = Renderer(templates_dir(), None, lambda bulletin, ref, position: f"https://news.x.test/{ref}/{position}")
CONTENTS = [
    content(paragraphs, 3, language=language) for language in ("zh", "en") for paragraphs in (1, 40)
]  # fmt: skip
RENDERED = [render(RENDERER, OURS, told) for told in CONTENTS]
SHAPES = Shapes(40)  # fewer than there are: they come and go
STENCILS = [Stencil(OURS, rendered, SHAPES) for rendered in RENDERED]

TOKENS = st.text("abcXYZ019-_.", min_size=1, max_size=90)
PAGES = st.builds("https://news.x.test/u/{}".format, TOKENS) | st.builds(
    "https://news.x.test/?a={}&b='\"".format, TOKENS
)
MAILS = st.builds("mailto:leave@x.test?subject=unsubscribe%20{}".format, TOKENS)
LABELS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Co"]), max_size=40)
REASONS = st.builds(Reason, st.sampled_from(["park:a", "topic:b", "all"]), LABELS, PAGES | MAILS | st.just(""))
ENVELOPES = st.builds(
    lambda name, reasons, page, mail, preferences, id_: envelope(
        name=name,
        reasons=tuple(reasons),
        unsubscribe_url=page,
        unsubscribe_mailto=mail,
        preferences_url=preferences,
        provider_id=f"{id_}.abc@x.test",
    ),
    st.sampled_from(["张三", "Ann", "", "欧阳" * 30, 'a "quoted" one']),
    st.lists(REASONS, max_size=15),
    PAGES | st.just(""),
    MAILS | st.just(""),
    PAGES | st.just(""),
    st.integers(0, 10**12),
)


def slowly(form: Slotted, personal: Personal, item: Envelope) -> str:
    """The text by its templates, for this reader alone, its lines as they go out (RFC 2046 4.1.1)."""
    unsubscribe = item.unsubscribe_url or item.unsubscribe_mailto
    pieces = personal.pieces(form.names, item.reasons, unsubscribe, preferences=item.preferences_url)
    return "\r\n".join(form.fill(pieces).splitlines()) + "\r\n"


def built_slowly(rendered: RenderedEmail, item: Envelope) -> EmailMessage:
    """By the standard library."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["Subject"] = rendered.subject
    message["Message-ID"] = f"<{item.provider_id}>"
    message.set_content(slowly(rendered.text, rendered.personal_text, item), cte="base64")
    message.add_alternative(slowly(rendered.html, rendered.personal_html, item), subtype="html", cte="base64")
    return message


@given(which=st.integers(0, len(RENDERED) - 1), item=ENVELOPES)
@example(1, envelope(reasons=tuple(Reason("park:a", "很长的名称" * 9, f"https://x.test/{n}") for n in range(300))))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_spliced_is_what_is_built(which: int, item: Envelope) -> None:
    built = STENCILS[which].fill(item)
    assert not isinstance(built, Rejected)
    spliced = email.message_from_bytes(built.data, policy=email.policy.default)
    slow = email.message_from_bytes(built_slowly(RENDERED[which], item).as_bytes(), policy=email.policy.default)
    assert spliced.defects == []
    assert [part.get_content_type() for part in spliced.walk()] == [part.get_content_type() for part in slow.walk()]
    ours, theirs = (list(message.iter_parts()) for message in (spliced, slow))
    assert [part.get_payload(decode=True) for part in ours] == [part.get_payload(decode=True) for part in theirs]
    assert all(part.defects == [] for part in ours)
    assert spliced["Message-ID"] == slow["Message-ID"]
    assert spliced["Subject"] == slow["Subject"]
    shown = spliced["To"].addresses[0].display_name  # Python's parser leaves spaces between the words of a long one
    assert shown.replace(" ", "") == item.name.replace(" ", "")


@given(item=ENVELOPES)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_line_need_be_changed_on_the_wire(item: Envelope) -> None:
    """Nothing begins with a dot (RFC 5321 4.5.2), nothing is longer than a line may be, nothing ends in white space
    (what DKIM signs is the body as it stands)."""
    built = STENCILS[0].fill(item)
    assert not isinstance(built, Rejected)
    lines = built.data.split(b"\r\n")
    assert lines[-1] == b""
    assert not [line for line in lines if line.startswith(b".") or len(line) > 998 or re.search(rb"[\r\n]", line)]
    body = b"".join(built.body).split(b"\r\n")
    assert not [line for line in body if line.endswith((b" ", b"\t")) or b"  " in line or len(line) > 78]


@given(constants=st.lists(st.binary(min_size=2, max_size=200), min_size=1), data=st.data())
@settings(max_examples=300, deadline=None)
def test_woven_base64_decodes_to_the_whole(constants: list[bytes], data: st.DataObject) -> None:
    last = data.draw(st.binary(max_size=5))
    parts = [Constant(raw) for raw in [*constants, last]]
    for _ in range(2):  # the second time from what is remembered
        values = [data.draw(st.binary(max_size=200)) for _ in constants]
        encoded = b"".join(weave(parts, values))
        whole = b"".join(raw + value for raw, value in zip(constants, values, strict=True)) + last
        assert a2b_base64(encoded) == whole
        lines = encoded.split(b"\r\n")
        assert all(len(line) <= 76 and len(line) % 4 == 0 for line in lines)
        assert b"=" not in b"".join(lines[:-2]), "padding stands at the end alone"


def test_a_template_that_changes_addresses_runs_for_each_reader(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "email").mkdir()
    ours = (templates_dir() / "email" / "personal.txt.j2").read_text(encoding="utf-8")
    (tmp_path / "email" / "personal.txt.j2").write_text(
        ours.replace("{{ unsubscribe }}", "{{ unsubscribe | upper }}"), encoding="utf-8"
    )
    rendered = render(Renderer(templates_dir(), tmp_path, lambda *place: ""), OURS, CONTENTS[0])
    stencil = Stencil(OURS, rendered)
    for token in ("abc", "def"):
        built = stencil.fill(envelope(unsubscribe_url=f"https://x.test/u/{token}"))
        assert not isinstance(built, Rejected)
        parts = list(email.message_from_bytes(built.data, policy=email.policy.default).iter_parts())
        assert f"HTTPS://X.TEST/U/{token.upper()}" in parts[0].get_content()
        assert f"https://x.test/u/{token}" in parts[1].get_content()


def test_a_retry_is_the_same_message_but_for_its_date() -> None:
    first, second = (STENCILS[0].fill(replace(envelope(name="张三"))) for _ in range(2))
    assert not isinstance(first, Rejected)
    assert not isinstance(second, Rejected)
    undated = [re.sub(rb"Date: [^\r]*\r\n", b"", built.data) for built in (first, second)]
    assert undated[0] == undated[1]
