"""Who may approve is told of an issue that waits for it: once, by each channel, with a link to read it by."""

from __future__ import annotations

import base64
import json

from standardwebhooks.webhooks import Webhook

from tests.acceptance.conftest import SAMPLE, Command, Mailbox, Recorder
from tests.marks import both_databases

SECRET = "whsec_" + base64.b64encode(b"approve" * 5).decode()
SITE = "https://bulletin.test"


def approving(hooks: Recorder) -> dict[str, str]:
    return {
        "DISPATCH_PUBLISH__APPROVERS": f"chief@x.test,-1001,{hooks.url}/held",
        "DISPATCH_PUBLISH__APPROVERS_SECRET": SECRET,
        "DISPATCH_WEB__BASE_URL": SITE,
    }


@both_databases
def test_a_held_issue_is_told_of_once_with_a_link_to_its_preview(
    dispatch: Command, mailbox: Mailbox, hooks: Recorder, bot: Recorder
) -> None:
    dispatch.environment |= approving(hooks)
    inbox = dispatch.folder / "inbox"
    inbox.mkdir()
    (inbox / "issue.md").write_bytes(SAMPLE.read_bytes())
    dispatch("run", "--once")
    dispatch("ingest", str(SAMPLE))  # known
    dispatch("run", "--once")

    [mail] = mailbox.mails
    assert (mail["To"], str(mail["Subject"]).startswith("【待审批】")) == ("chief@x.test", True)
    assert (mail["List-Unsubscribe"], mail["List-Id"]) == (None, None)
    text = mail.get_body(("plain",))
    assert text is not None
    words = text.get_content()
    assert "dispatch issues approve 534" in words
    assert f"{SITE}/preview/" in words
    assert "第1季度" in words  # what was unsure
    assert "邵新宇在“火炬讲堂”为青年干部作专题报告" in words
    assert "无人收到的文章有 11 篇：邵新宇在“火炬讲堂”为青年干部作专题报告、" in words

    [request] = hooks.requests
    told = Webhook(SECRET).verify(request.body.decode(), request.headers)
    assert (told["type"], told["data"]["held"]) == ("issue.held", "534")
    assert told["data"]["preview_url"].startswith(f"{SITE}/preview/")
    assert len(told["data"]["warnings"]) == 3
    [chat] = bot.requests
    assert chat.form["chat_id"] == "-1001"
    assert "dispatch issues approve 534" not in chat.form["text"]  # a button below does that
    assert json.loads(chat.form["reply_markup"])["inline_keyboard"]
    assert "无人收到的文章有 11 篇" in chat.form["text"]


def test_a_replaced_issue_is_told_of_anew_and_one_approved_by_itself_never(dispatch: Command, mailbox: Mailbox) -> None:
    dispatch.environment["DISPATCH_PUBLISH__APPROVERS"] = "chief@x.test"
    dispatch("ingest", str(SAMPLE))
    file = dispatch.folder / "again.md"
    file.write_text(SAMPLE.read_text(encoding="utf-8").replace("644.24", "644.42"), encoding="utf-8")
    dispatch("ingest", str(file))
    dispatch("run", "--once")
    assert len(mailbox.mails) == 1  # what waited about the older reading goes to nobody
    file.write_text(SAMPLE.read_text(encoding="utf-8").replace("644.24", "644.43"), encoding="utf-8")
    dispatch("ingest", str(file))
    dispatch("run", "--once")
    assert len(mailbox.mails) == 2
    other = dispatch.folder / "other.md"
    other.write_text(SAMPLE.read_text(encoding="utf-8").replace("总第534期", "总第535期"), encoding="utf-8")
    dispatch("ingest", str(other), DISPATCH_PUBLISH__APPROVAL="automatic")
    dispatch("run", "--once")
    assert len(mailbox.mails) == 2


def test_other_content_of_an_issue_that_is_out_is_told_of(dispatch: Command, mailbox: Mailbox) -> None:
    dispatch.environment |= {"DISPATCH_PUBLISH__APPROVERS": "chief@x.test", "DISPATCH_WEB__BASE_URL": SITE}
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "all", "--confirmed")
    dispatch("ingest", str(SAMPLE))
    dispatch("issues", "send", "534")
    mailbox.mails.clear()
    file = dispatch.folder / "again.md"
    file.write_text(SAMPLE.read_text(encoding="utf-8").replace("644.24", "644.42"), encoding="utf-8")
    dispatch("ingest", str(file))
    dispatch("run", "--once")
    [mail] = mailbox.mails
    assert mail["To"] == "chief@x.test"
    text = mail.get_body(("plain",))
    assert text is not None
    assert "dispatch issues diff 534" in text.get_content()
    assert "/issues/" not in text.get_content()
    assert "proposed: revision 2" in dispatch("issues", "show", "534").out
    [issue] = dispatch("issues", "list", "--json").json
    assert issue["proposed"] == 2


def test_a_wrong_approver_refuses_no_file(dispatch: Command) -> None:
    inbox = dispatch.folder / "inbox"
    inbox.mkdir()
    (inbox / "issue.md").write_bytes(SAMPLE.read_bytes())
    done = dispatch("run", "--once", expect=2, DISPATCH_PUBLISH__APPROVERS="boss")
    assert "[publish] approvers" in done.err
    assert [path.name for path in inbox.iterdir()] == ["issue.md"]
    assert "approvers" in dispatch("doctor", expect=1, DISPATCH_PUBLISH__APPROVERS="boss").out


def test_an_approver_that_is_no_address_is_told_before_anything_is_read(dispatch: Command, hooks: Recorder) -> None:
    done = dispatch("ingest", str(SAMPLE), expect=2, DISPATCH_PUBLISH__APPROVERS="no address")
    assert "[publish] approvers" in done.err
    done = dispatch("ingest", str(SAMPLE), expect=2, DISPATCH_PUBLISH__APPROVERS=f"{hooks.url}/x")
    assert "approvers_secret" in done.err
    assert dispatch("issues", "list", "--json").json == []
