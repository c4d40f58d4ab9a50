"""Those who may approve are told when something is wrong, by each channel."""

from __future__ import annotations

import base64
import sqlite3

import pytest
from standardwebhooks.webhooks import Webhook

from tests.acceptance.conftest import Command, Mailbox, Recorder

SECRET = "whsec_" + base64.b64encode(b"approve" * 5).decode()


@pytest.mark.parametrize(
    ("language", "words", "mark"), [("zh", "来源读取失败", "【报警】"), ("en", "A source fails", "[Alarm]")]
)
def test_a_failing_source_is_told_by_mail_chat_and_webhook(
    dispatch: Command, mailbox: Mailbox, hooks: Recorder, bot: Recorder, language: str, words: str, mark: str
) -> None:
    dispatch("run", "--once")
    with sqlite3.connect(dispatch.folder / "work.db") as db:
        db.execute(
            "INSERT INTO sources (name, state, checked_at, failures, failing_since, last_error)"
            " VALUES ('https://x.test/<b>', '{}', 0, 3, 1700000000000, 'it says <b>no</b> & *goes*')"
        )
    db.close()
    dispatch.environment |= {
        "DISPATCH_PUBLISH__APPROVERS": f"chief@x.test,-1001,{hooks.url}/held",
        "DISPATCH_PUBLISH__APPROVERS_SECRET": SECRET,
        "DISPATCH_PUBLISH__APPROVERS_LANGUAGE": language,
    }
    dispatch("run", "--once")
    dispatch("run", "--once")
    [mail] = mailbox.mails
    assert (mail["To"], mail["List-Unsubscribe"]) == ("chief@x.test", None)
    assert f"{mark} {words}" in str(mail["Subject"]) or f"{mark}{words}" in str(mail["Subject"])
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "it says <b>no</b> & *goes*" in text.get_content()
    assert "it says &lt;b&gt;no&lt;/b&gt; &amp; *goes*" in html.get_content()
    assert "2023-11-14 22:13 UTC" not in text.get_content()  # it is told since when it was noticed
    [chat] = bot.requests
    assert words in chat.form["text"]
    assert "it says &lt;b&gt;no&lt;/b&gt;" in chat.form["text"]
    [request] = hooks.requests
    told = Webhook(SECRET).verify(request.body.decode(), request.headers)
    assert told["type"] == "dispatch.alarm"
    assert told["data"]["alarm"]["subject"] == "https://x.test/<b>"
    assert told["data"]["alarm"]["ended"] is None
    assert "\\*goes\\*" in told["data"]["text"]


def test_alarms_can_be_off(dispatch: Command, mailbox: Mailbox) -> None:
    dispatch("run", "--once")
    with sqlite3.connect(dispatch.folder / "work.db") as db:
        db.execute(
            "INSERT INTO sources (name, state, checked_at, failures, failing_since, last_error)"
            " VALUES ('https://x.test/', '{}', 0, 3, 1700000000000, 'no')"
        )
    db.close()
    dispatch("run", "--once", DISPATCH_PUBLISH__APPROVERS="chief@x.test", DISPATCH_PUBLISH__ALARMS="false")
    assert mailbox.mails == []
