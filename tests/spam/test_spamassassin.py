"""SpamAssassin's local rules find nothing against our mails that we can help: `make test-spam`.

Debian's package is asked, without the network: what it thinks of headers, HTML and words. What a filter learns of a
sender's name, addresses and history is not in it.
"""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import mailbox
import os
import shutil
import subprocess
from contextlib import closing
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from dispatch.app import App
from dispatch.channels.email.compose import Built, build
from dispatch.channels.email.render import render
from dispatch.digests.compose import section
from dispatch.model import Confirmation, Content, Digest, Envelope, Reason, Section
from dispatch.preview import sample_digests
from dispatch.settings import EmailSettings, Settings, WebSettings

pytestmark = pytest.mark.skipif(not shutil.which("spamassassin"), reason="spamassassin is not installed")

BASE = "https://news.bulletin.example"
SENDER = EmailSettings(
    host="relay", from_address="news@bulletin.example", from_name="火炬动态", postal_address="北京市西城区复兴路乙15号"
)

# Rules that may speak against us, and why we cannot help it.
ALLOWED = {
    "HTML_MESSAGE": "it says that there is an HTML part, which is what readers ask for",
    "WEIRD_QUOTING": "it takes bytes of Chinese characters in UTF-8 for quotation marks of a Windows code page",
}


def mails() -> dict[str, bytes]:
    """Every kind of mail, of the issue that comes with the program, as it goes over the wire."""
    app = App(Settings.model_construct(email=SENDER, web=WebSettings(base_url=BASE)))
    digests = sample_digests(app)
    made = {}
    for language in ("zh", "en"):
        contents = {
            "digest": Content("digest", language, "full", (_some(digests[0]),)),
            "report": Content("digest", language, "full", (section(digests[-1], digests[-1].whole),)),
            "titles": Content("digest", language, "titles", (_some(digests[2]),)),
            "bundle": Content("digest", language, "full", tuple(_some(digest) for digest in digests[:3])),
            "test": Content("test", language, "full", (_some(digests[1]),)),
            "confirm": Content("confirm", language, "full", (), app.title(language)),
            "data": Content("data", language, "full", (), app.title(language)),
        }
        for name, content in contents.items():
            built = build(SENDER, _envelope(app, content, f"{name}-{language}"), render(app.renderer, SENDER, content))
            assert isinstance(built, Built)
            made[f"{name}-{language}"] = built.data
    return made


def _some(digest: Digest) -> Section:
    return section(digest, digest.articles[0].bit)


def _envelope(app: App, content: Content, name: str) -> Envelope:
    language = content.language
    leave = f"{BASE}/u/eyJlIjo3fQ.c2lnbmF0dXJl"
    tags = ("park:南昌高新区", "topic:blockchain")
    plain = Envelope(
        message_id=7,
        channel="email",
        address="li.lei@reader.example",
        name="李雷",
        language=language,
        provider_id=f"{name}.8f14e45fceea167a@bulletin.example",
        reasons=tuple(Reason(tag, app.catalog.label(tag, language), f"{leave}{n}") for n, tag in enumerate(tags)),
    )
    if content.kind == "confirm":
        asked = Confirmation(f"{BASE}/c/t", dt.date(2022, 6, 1), 7, "page", "203.0.113.0/24", "我愿意接收")
        return replace(plain, confirmation=asked)
    if content.kind == "data":
        return replace(plain, right_url=f"{BASE}/d/t")
    mail = "mailto:leave@bulletin.example?subject=unsubscribe%20t"
    return replace(plain, unsubscribe_url=leave, unsubscribe_mailto=mail, preferences_url=f"{BASE}/p/t")


def received(data: bytes) -> bytes:
    """As it lies in a mailbox: two servers have written on it."""
    now = email.message_from_bytes(data, policy=email.policy.default)["Date"]
    lines = (
        "Return-Path: <news@bulletin.example>",
        "Received: from mail.bulletin.example (mail.bulletin.example [93.184.216.34])"
        f" by mx.reader.example (Postfix) with ESMTPS id 4Abc for <li.lei@reader.example>; {now}",
    )
    return "\r\n".join([*lines, ""]).encode() + data


def judged(folder: Path, messages: dict[str, bytes]) -> dict[str, dict[str, float]]:
    """The rules that each mail met, with their scores."""
    with closing(mailbox.mbox(folder / "in.mbox")) as box:
        for data in messages.values():
            box.add(received(data).replace(b"\r\n", b"\n"))
    words = ["--local", "--mbox", "--nocreate-prefs", "--cf=fold_headers 0", "--cf=report_safe 0"]
    words.append("--cf=add_header all Rules _TESTSSCORES(,)_")
    done = subprocess.run(
        [str(shutil.which("spamassassin")), *words, str(folder / "in.mbox")],
        env={**os.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        check=True,
        timeout=300,
    )
    (folder / "out.mbox").write_bytes(done.stdout)
    with closing(mailbox.mbox(folder / "out.mbox")) as out:
        looked_at = [email.message_from_bytes(bytes(item), policy=email.policy.default) for item in out]
    assert len(looked_at) == len(messages)
    # They come back in another order.
    rules = {str(message["Message-ID"]): _rules(message) for message in looked_at}
    return {name: rules[_message_id(data)] for name, data in messages.items()}


def _message_id(data: bytes) -> str:
    return str(email.message_from_bytes(data, policy=email.policy.default)["Message-ID"])


def _rules(message: EmailMessage) -> dict[str, float]:
    said = str(message["X-Spam-Rules"])
    pairs = (item.partition("=") for item in said.split(",") if "=" in item)
    return {name.strip(): float(score) for name, _, score in pairs}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    return judged(tmp_path_factory.mktemp("spam"), mails())


def test_no_rule_speaks_against_our_mails(verdicts: dict[str, dict[str, float]]) -> None:
    for name, rules in verdicts.items():
        print(f"{name:12} {sum(rules.values()):5.1f}  {rules}")  # noqa: T201 - the table of `make test-spam`
    against = {
        name: bad
        for name, rules in verdicts.items()
        if (bad := {rule: score for rule, score in rules.items() if score > 0 and rule not in ALLOWED})
    }
    assert against == {}


def test_the_judge_is_awake(tmp_path: Path) -> None:
    """A mail as spammers write it gets what the others do not."""
    html = '<font size=1 color="#fefefe">CLICK HERE!!! 100% FREE V1AGRA</font><img src="http://192.0.2.1/x.gif">'
    spam = (
        "From: <x@x.example>\r\nTo: undisclosed-recipients:;\r\nSubject: MAKE MONEY FAST!!! $$$\r\n"
        "Message-ID: <1@x.example>\r\nDate: Mon, 01 Jan 2001 00:00:00 +0000\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n" + html + "\r\n"
    )
    rules = judged(tmp_path, {"spam": spam.encode()})["spam"]
    assert sum(rules.values()) > 5


def test_what_is_allowed_is_needed(verdicts: dict[str, dict[str, float]]) -> None:
    assert set(ALLOWED) <= {rule for rules in verdicts.values() for rule in rules}
