"""The main job, end to end: an issue comes in and every reader gets exactly their part, once, provably."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from dispatch import archive
from subscribers.database import SCHEMA, Database
from tests.acceptance.conftest import SAMPLE, Command, Mailbox, Recorder
from tests.marks import both_databases

EXPECTED = json.loads((Path(__file__).parents[1] / "data" / "huoju-2022-05.expected.json").read_text(encoding="utf-8"))
NANCHANG = "南昌高新区:打造区域创新生态增长极"
SUZHOU = "苏州高新区:推动区域高质量发展实现新突破"
REPORT = "以科技创新推进区块链赋能经济社会高质量发展"


def texts(requests: list[Any], chat: str) -> str:
    """All that a chat was sent, in the order of arrival."""
    return "\n".join(r.form["text"] for r in requests if r.form["chat_id"] == chat)


def test_ingest_reads_the_sample_block_for_block(bare: Command) -> None:
    read = bare("ingest", str(SAMPLE), "--dry-run", "--json").json["issues"][0]["issue"]
    for column in read["columns"]:
        for article in column["articles"]:
            article["parks"] = [park["name"] for park in article["parks"] if park["role"] == "subject"]
            del article["topics"]
    del read["bulletin"], read["ref"]
    assert read == EXPECTED


@both_databases
def test_every_reader_gets_exactly_their_part(
    dispatch: Command, mailbox: Mailbox, bot: Recorder, hooks: Recorder
) -> None:
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "park:南昌高新区", "--confirmed")
    dispatch("subscribers", "add", "--email", "b@x.test", "--follow", "province:江苏", "--confirmed")
    dispatch("subscribers", "add", "--telegram", "4711", "--follow", "topic:区块链", "--confirmed")
    added = dispatch(
        "subscribers", "add", "--webhook", f"{hooks.url}/in", "--follow", "column:园区发展", "--confirmed", "--json"
    ).json
    assert len(hooks.requests) == 1  # the test event, by which the receiver is proved
    hooks.requests.clear()
    dispatch("subscribers", "add", "--email", "pending@x.test", "--follow", "all")
    (dispatch.folder / "inbox").mkdir()
    (dispatch.folder / "inbox" / "issue.md").write_bytes(SAMPLE.read_bytes())

    assert "534 added" in dispatch("run", "--once").out
    assert mailbox.mails == []  # held until a person approves
    assert (dispatch.folder / "inbox" / "taken" / "issue.md").exists()

    dispatch("issues", "approve", "534")
    dispatch("run", "--once")

    assert mailbox.columns == [
        ("a@x.test", "高质量发展看高新区"),
        ("b@x.test", "创业孵化"),
        ("b@x.test", "园区发展"),
        ("b@x.test", "高质量发展看高新区"),
    ]
    [mail] = mailbox.to("a@x.test")
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert text.index(NANCHANG) < text.index("改革工作不断深化") < text.index(SUZHOU)  # matching first, titles after
    assert "中科院苏州医工所" not in text  # the others are titles only
    assert "南昌高新区" in text[: text.index(NANCHANG)]  # why it came
    assert REPORT in texts(bot.requests, "4711")
    [hook] = hooks.requests
    Webhook(added["endpoints"][0]["secret"]).verify(hook.body, hook.headers)
    titles = [entry["title"] for entry in hook.json["data"]["digests"][0]["matching"]]
    assert titles == [article["title"] for article in EXPECTED["columns"][2]["articles"]]

    rows = dispatch("deliveries", "list", "--json").json
    assert sorted((row["channel"], row["address"], row["column"], row["state"]) for row in rows) == sorted(
        [("email", address, column, "sent") for address, column in mailbox.columns]
        + [("telegram", "4711", "研究报告", "sent"), ("webhook", f"{hooks.url}/in", "园区发展", "sent")]
    )
    assert dispatch("issues", "list", "--json").json[0]["state"] == "sent"


@both_databases
def test_a_resume_whose_command_died_is_finished_by_a_single_run(
    dispatch: Command, mailbox: Mailbox, database_url: str
) -> None:
    """It had written down that the part may go, and moved none of the messages yet."""
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "all", "--confirmed")
    dispatch("ingest", str(SAMPLE))
    dispatch("issues", "approve", "534")
    dispatch("issues", "pause", "534", "--channel", "email")
    dispatch("run", "--once")
    assert mailbox.mails == []
    with closing(Database.open(database_url, (SCHEMA, archive.SCHEMA))) as db:
        assert db.value("SELECT COUNT(*) FROM messages WHERE state = 'paused'") == 5
        db.run("DELETE FROM holds")
    dispatch("run", "--once")
    assert len(mailbox.mails) == 5


@both_databases
def test_a_second_run_sends_nothing(dispatch: Command, mailbox: Mailbox) -> None:
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "all", "--confirmed")
    dispatch("ingest", str(SAMPLE))
    dispatch("issues", "send", "534")
    sent = len(mailbox.mails)
    assert sent == 5
    dispatch("run", "--once")
    dispatch("issues", "send", "534")
    dispatch("ingest", str(SAMPLE))
    dispatch("run", "--once")
    assert len(mailbox.mails) == sent


def test_automatic_approval_sends_what_is_dropped_at_once(dispatch: Command, mailbox: Mailbox) -> None:
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "park:济宁高新区", "--confirmed")
    (dispatch.folder / "inbox").mkdir()
    (dispatch.folder / "inbox" / "issue.md").write_bytes(SAMPLE.read_bytes())
    dispatch("run", "--once", DISPATCH_PUBLISH__APPROVAL="automatic")
    assert mailbox.columns == [("a@x.test", "园区发展")]


def test_a_dropped_follow_counts_until_the_moment_of_sending(dispatch: Command, mailbox: Mailbox) -> None:
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "park:南昌高新区", "--confirmed")
    dispatch("ingest", str(SAMPLE))
    dispatch("issues", "approve", "534")
    dispatch("run", "--once", DISPATCH_EMAIL__HOST="")  # planned, and email is off
    assert dispatch("deliveries", "list", "--json").json[0]["state"] == "planned"
    dispatch("subscribers", "unfollow", "1", "park:南昌高新区")
    dispatch("run", "--once")
    assert mailbox.mails == []
    [row] = dispatch("deliveries", "list", "--json").json
    assert (row["state"], row["reason"]) == ("cancelled", "no longer follows anything in it")


def test_a_run_says_what_waits_for_approval_and_how_to_give_it(dispatch: Command) -> None:
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "all", "--confirmed")
    dispatch("ingest", str(SAMPLE))
    assert "534 waits for approval: dispatch issues approve 534" in dispatch("run", "--once").out
    dispatch("issues", "approve", "534")
    assert "waits for approval" not in dispatch("run", "--once").out


@pytest.mark.parametrize("words", [("run", "--once"), ("issues", "send", "534"), ("issues", "send", "534", "--json")])
def test_a_run_in_which_everything_was_refused_has_failed(
    dispatch: Command, mailbox: Mailbox, words: tuple[str, ...]
) -> None:
    mailbox.reply = lambda address: "550 5.1.1 no such user"
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "column:园区发展", "--confirmed")
    dispatch("ingest", str(SAMPLE))
    if words[0] == "run":
        dispatch("issues", "approve", "534")
    done = dispatch(*words, expect=1)
    assert "error: nothing was sent, and 1 refused" in done.err
    dispatch("run", "--once")  # what has ended is no failure of the next run


def test_a_refused_recipient_is_recorded_with_the_servers_words(dispatch: Command, mailbox: Mailbox) -> None:
    mailbox.reply = lambda address: "550 5.1.1 no such user" if address == "gone@x.test" else "250 OK"
    for address in ("gone@x.test", "here@x.test"):
        dispatch("subscribers", "add", "--email", address, "--follow", "park:南昌高新区", "--confirmed")
    dispatch("ingest", str(SAMPLE))
    dispatch("issues", "send", "534")
    rows = {row["address"]: row for row in dispatch("deliveries", "list", "--json").json}
    assert rows["here@x.test"]["state"] == "sent"
    assert rows["gone@x.test"]["state"] == "failed"
    assert "no such user" in rows["gone@x.test"]["reason"]
    story = dispatch("deliveries", "show", str(rows["gone@x.test"]["id"]), "--json").json
    assert [item["outcome"] for item in story["attempts"]] == ["rejected"]


def test_a_temporary_refusal_drops_nobody_and_keeps_its_message_id(dispatch: Command, mailbox: Mailbox) -> None:
    answers = iter(["451 4.7.1 later"])
    mailbox.reply = lambda address: next(answers, "250 OK")
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "park:南昌高新区", "--confirmed")
    dispatch("ingest", str(SAMPLE))
    dispatch("issues", "send", "534")
    [row] = dispatch("deliveries", "list", "--json").json
    assert (row["state"], mailbox.mails) == ("planned", [])
    assert "later" in row["reason"]
    dispatch("deliveries", "retry", str(row["id"]))  # now, rather than when its time has come
    dispatch("run", "--once")
    [mail] = mailbox.mails
    story = dispatch("deliveries", "show", str(row["id"]), "--json").json
    assert [item["outcome"] for item in story["attempts"]] == ["retry", "sent"]
    assert mail["Message-ID"] == f"<{story['message']['provider_id']}>"


def test_a_test_goes_to_one_address_only_and_leaves_no_delivery(
    dispatch: Command, mailbox: Mailbox, bot: Recorder
) -> None:
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "all", "--confirmed")
    dispatch("ingest", str(SAMPLE))
    dispatch("issues", "send", "534", "--to", "editor@x.test")
    assert {str(mail["To"]) for mail in mailbox.mails} == {"editor@x.test"}
    assert len(mailbox.mails) == 5
    assert dispatch("issues", "list", "--json").json[0]["state"] == "held"
    assert dispatch("deliveries", "list", "--json").json == []


@both_databases
def test_a_dry_run_counts_and_changes_nothing(dispatch: Command, mailbox: Mailbox) -> None:
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "province:江西", "--confirmed")
    dispatch("subscribers", "add", "--email", "b@x.test", "--follow", "park:南昌高新区", "--confirmed")
    dispatch("ingest", str(SAMPLE))
    found = dispatch("issues", "send", "534", "--dry-run", "--json").json
    assert found["variants"] == [
        {"column": "高质量发展看高新区", "channel": "email", "articles": [NANCHANG], "endpoints": 2}
    ]
    assert mailbox.mails == []
    assert dispatch("issues", "list", "--json").json[0]["state"] == "held"


def test_mail_carries_one_click_unsubscribe_where_there_are_pages(dispatch: Command, mailbox: Mailbox) -> None:
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "park:南昌高新区", "--confirmed")
    dispatch("ingest", str(SAMPLE))
    dispatch("issues", "send", "534", DISPATCH_WEB__BASE_URL="https://news.test/bulletin")
    [mail] = mailbox.mails
    assert str(mail["List-Unsubscribe"]).startswith("<https://news.test/bulletin/u/")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_mail_without_pages_offers_to_unsubscribe_by_mail(dispatch: Command, mailbox: Mailbox) -> None:
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "park:南昌高新区", "--confirmed")
    dispatch("ingest", str(SAMPLE))
    dispatch("issues", "send", "534")
    [mail] = mailbox.mails
    [link] = [part.strip(" <>") for part in str(mail["List-Unsubscribe"]).split(",")]
    assert link.startswith("mailto:news@bulletin.test?subject=unsubscribe%20")
    assert mail["List-Unsubscribe-Post"] is None
    token = link.rpartition("unsubscribe%20")[2]
    assert "unsubscribed" in dispatch("subscribers", "unsubscribe", token).out
    shown = dispatch("subscribers", "show", "1", "--json").json
    assert shown["endpoints"][0]["state"] == "suppressed"


@both_databases
def test_a_bundle_is_one_message_with_all_digests(dispatch: Command, mailbox: Mailbox) -> None:
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "all", "--bundle", "--confirmed")
    dispatch("ingest", str(SAMPLE))
    dispatch("issues", "send", "534")
    [mail] = mailbox.mails
    body = mail.get_body(("plain",))
    assert body is not None
    for column in EXPECTED["columns"]:
        assert all(article["title"] in body.get_content() for article in column["articles"])
    rows = dispatch("deliveries", "list", "--json").json
    assert [row["state"] for row in rows] == ["sent"] * 5


def test_a_daily_reader_is_not_written_to_before_the_hour(dispatch: Command, mailbox: Mailbox) -> None:
    words = ("--cadence", "daily", "--at", "08:00", "--timezone", "Asia/Shanghai", "--confirmed")
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "all", *words)
    dispatch("ingest", str(SAMPLE))
    dispatch("issues", "send", "534")
    assert mailbox.mails == []
    [row, *_] = dispatch("deliveries", "list", "--json").json
    assert row["state"] == "planned"
    assert row["due_at"].endswith("T00:00:00+00:00")  # 08:00 in Shanghai


def test_an_english_reader_gets_an_english_frame(dispatch: Command, mailbox: Mailbox) -> None:
    words = ("--language", "en", "--confirmed")
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "park:南昌高新区", *words)
    dispatch("ingest", str(SAMPLE))
    dispatch("issues", "send", "534")
    [mail] = mailbox.mails
    body = mail.get_body(("plain",))
    assert body is not None
    assert NANCHANG in body.get_content()
    assert "Torch Bulletin" in str(mail["Subject"])


def test_telegram_messages_are_valid_html_of_at_most_4096_units(dispatch: Command, bot: Recorder) -> None:
    dispatch("subscribers", "add", "--telegram", "4711", "--follow", "column:研究报告", "--confirmed")
    dispatch("ingest", str(SAMPLE))
    dispatch("issues", "send", "534", DISPATCH_TELEGRAM__CHAT_INTERVAL="0")
    assert {r.form["parse_mode"] for r in bot.requests} == {"HTML"}
    for request in bot.requests:
        assert len(re.sub(r"<[^>]+>", "", request.form["text"]).encode("utf-16-le")) // 2 <= 4096
    shown = texts(bot.requests, "4711")
    shown = re.sub(r"<[^>]+>", "", shown)
    for block in EXPECTED["columns"][4]["articles"][0]["blocks"]:
        assert block["text"][:20] in shown


def test_an_issue_that_nobody_would_get_is_not_used_up(dispatch: Command, mailbox: Mailbox) -> None:
    dispatch("ingest", str(SAMPLE))
    assert "nobody follows anything in 534" in dispatch("issues", "send", "534").err
    assert dispatch("issues", "list", "--json").json[0]["state"] == "held"
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "all", "--confirmed")
    assert dispatch("issues", "send", "534", "--json").json["sent"] == 5
    assert "was sent already" in dispatch("issues", "send", "534").out
    assert dispatch("issues", "send", "534", "--json").json["sent"] == 0
    assert dispatch("issues", "send", "534", "--to", "editor@x.test", "--json").json["sent"] == 5
    assert len(mailbox.to("a@x.test")) == 5


def test_a_test_to_a_receiver_of_nobodys_is_signed_with_the_secret_that_is_shown(
    dispatch: Command, hooks: Recorder
) -> None:
    dispatch("ingest", str(SAMPLE))
    done = dispatch("issues", "send", "534", "--to", f"{hooks.url}/try")
    secret = re.search(r"whsec_\S+", done.out)
    assert secret
    for hook in hooks.requests:
        Webhook(secret[0]).verify(hook.body, hook.headers)
    assert len(hooks.requests) == 5


def test_a_test_that_is_refused_says_why_and_does_not_go_later(dispatch: Command, mailbox: Mailbox) -> None:
    mailbox.reply = lambda address: "451 4.3.0 come back later"
    dispatch("ingest", str(SAMPLE))
    done = dispatch("issues", "send", "534", "--to", "editor@x.test", expect=1)
    assert "come back later" in done.err
    mailbox.reply = lambda address: "250 OK"
    dispatch("run", "--once")
    assert mailbox.mails == []
