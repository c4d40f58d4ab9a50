"""Those who may approve are told when something is wrong, by each channel."""

from __future__ import annotations

import base64
import sqlite3

import pytest
from standardwebhooks.webhooks import Webhook

from tests.acceptance.conftest import SAMPLE, Command, Mailbox, Recorder

SECRET = "whsec_" + base64.b64encode(b"approve" * 5).decode()
TITLE = "<b>no</b> & *goes*"


def expired(dispatch: Command, mailbox: Mailbox) -> None:
    """An issue of which a reader did not get something in time."""
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "all", "--confirmed")
    dispatch("ingest", str(SAMPLE))
    dispatch("issues", "send", "534")
    mailbox.mails.clear()
    with sqlite3.connect(dispatch.folder / "work.db") as db:
        db.execute("UPDATE deliveries SET state = 'expired'")
        db.execute("UPDATE issues SET title = ?", (TITLE,))
    db.close()


@pytest.mark.parametrize(
    ("language", "words", "mark"),
    [("zh", "有内容过期未发：534", "【报警】"), ("en", "Something was not sent in time: issue 534", "[Alarm] ")],
)
def test_what_expired_is_told_by_mail_chat_and_webhook(
    dispatch: Command, mailbox: Mailbox, hooks: Recorder, bot: Recorder, language: str, words: str, mark: str
) -> None:
    expired(dispatch, mailbox)
    dispatch.environment |= {
        "DISPATCH_PUBLISH__APPROVERS": f"chief@x.test,-1001,{hooks.url}/held",
        "DISPATCH_PUBLISH__APPROVERS_SECRET": SECRET,
        "DISPATCH_PUBLISH__APPROVERS_LANGUAGE": language,
    }
    dispatch("run", "--once")
    dispatch("run", "--once")
    [mail] = mailbox.mails
    assert (mail["To"], mail["List-Unsubscribe"], mail["Subject"]) == ("chief@x.test", None, f"{mark}{words}")
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert TITLE in text.get_content()
    assert "dispatch report 534" in text.get_content()
    assert "&lt;b&gt;no&lt;/b&gt; &amp; *goes*" in html.get_content()
    [chat] = bot.requests
    assert words in chat.form["text"]
    assert "&lt;b&gt;no&lt;/b&gt;" in chat.form["text"]
    [request] = hooks.requests
    told = Webhook(SECRET).verify(request.body.decode(), request.headers)
    assert told["type"] == "dispatch.alarm"
    alarm = told["data"]["alarm"]
    assert (alarm["kind"], alarm["subject"], alarm["detail"], alarm["ended"]) == ("expired", "534", TITLE, None)
    assert "\\*goes\\*" in told["data"]["text"]


def test_alarms_can_be_off(dispatch: Command, mailbox: Mailbox) -> None:
    expired(dispatch, mailbox)
    dispatch("run", "--once", DISPATCH_PUBLISH__APPROVERS="chief@x.test", DISPATCH_PUBLISH__ALARMS="false")
    assert mailbox.mails == []
    dispatch("run", "--once", DISPATCH_PUBLISH__APPROVERS="chief@x.test")
    assert len(mailbox.mails) == 1
