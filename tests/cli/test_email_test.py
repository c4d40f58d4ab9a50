"""`dispatch email test` against real servers on loopback."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from dispatch.assets import config_dir
from dispatch.cli.context import user
from dispatch.testing import SmtpSink
from dispatch.testing.certificate import CERTIFICATE
from subscribers.database import SCHEMA, Database
from tests.acceptance.conftest import Command

SAMPLE_ISSUE = config_dir() / "samples" / "huoju-2022-05.md"
FIRST = "邵新宇在“火炬讲堂”为青年干部作专题报告"


def command(folder: Path, *sinks: SmtpSink, **more: str) -> Command:
    """With a relay a server: `default`, `second`."""
    environment = {"DISPATCH_DATABASE__URL": f"sqlite:///{folder / 'work.db'}", **more}
    if sinks:
        environment |= {
            "DISPATCH_EMAIL__HOST": sinks[0].host,
            "DISPATCH_EMAIL__PORT": str(sinks[0].port),
            "DISPATCH_EMAIL__SECURITY": "none",
            "DISPATCH_EMAIL__FROM_ADDRESS": "news@bulletin.test",
        }
    others = [{"name": "second", "host": sink.host, "port": sink.port, "security": "none"} for sink in sinks[1:]]
    if others:
        environment["DISPATCH_EMAIL__RELAYS"] = json.dumps(others)
    return Command(folder, environment)


async def prepared(dispatch: Command, *issues: Path) -> Command:
    await asyncio.to_thread(dispatch, "init")
    for issue in issues:
        await asyncio.to_thread(dispatch, "ingest", str(issue))
    return dispatch


def recorded(folder: Path) -> list[tuple[str, str, str, str]]:
    db = Database.open(f"sqlite:///{folder / 'work.db'}", (SCHEMA,))
    try:
        rows = db.all("SELECT actor, action, subject, subject_id FROM audit WHERE action = 'tested' ORDER BY id")
        return [(row["actor"], row["action"], row["subject"], row["subject_id"]) for row in rows]
    finally:
        db.close()


async def test_without_an_issue_the_bundled_one_goes_out_by_each_relay(tmp_path: Path) -> None:
    async with SmtpSink() as one, SmtpSink() as two:
        dispatch = await prepared(command(tmp_path, one, two))
        done = (await asyncio.to_thread(dispatch, "email", "test", "li@x.test", "--json")).json
        mails = [sink.messages[0] for sink in (one, two)]
        assert [len(sink.messages) for sink in (one, two)] == [1, 1]
    assert (done["to"], done["issue"]) == ("li@x.test", "sample")
    assert [(row["relay"], row["outcome"], row["code"]) for row in done["relays"]] == [
        ("default", "sent", "250"),
        ("second", "sent", "250"),
    ]
    assert all(row["said"].startswith("250") for row in done["relays"])
    assert all(mail.recipients == ("li@x.test",) for mail in mails)
    assert all("【测试】" in mail.parsed["Subject"] and FIRST in mail.parsed["Subject"] for mail in mails)
    assert len({mail.parsed["Message-ID"] for mail in mails}) == 2
    assert "mailto:news@bulletin.test" in mails[0].parsed["List-Unsubscribe"]
    assert recorded(tmp_path) == [(user(), "tested", "issue", "sample")]


async def test_the_newest_issue_or_the_named_one_by_the_named_relay_in_a_language(tmp_path: Path) -> None:
    async with SmtpSink() as one, SmtpSink() as two:
        dispatch = await prepared(command(tmp_path, one, two), SAMPLE_ISSUE)
        words = ("email", "test", "li@x.test", "--relay", "second", "--language", "en", "--issue", "534")
        done = await asyncio.to_thread(dispatch, *words)
        again = await asyncio.to_thread(dispatch, "email", "test", "li@x.test", "--relay", "default")
        assert [len(sink.messages) for sink in (one, two)] == [1, 1]
        assert two.messages[0].parsed["Subject"].startswith("[Test] ")
    assert "test to li@x.test, issue 534: messages sent: 1" in done.out
    assert "250" in done.out
    assert "second" in done.out
    assert "issue 534" in again.out
    assert [row[3] for row in recorded(tmp_path)] == ["huoju:534", "huoju:534"]


async def test_a_refusal_is_shown_in_the_servers_words(tmp_path: Path) -> None:
    async with SmtpSink() as good, SmtpSink() as bad:
        bad.answer("RCPT", "550 5.1.1 no such user here")
        dispatch = await prepared(command(tmp_path, good, bad))
        done = await asyncio.to_thread(dispatch, "email", "test", "li@x.test", "--json", expect=1)
    assert [row["outcome"] for row in done.json["relays"]] == ["sent", "rejected"]
    assert "no such user here" in done.json["relays"][1]["said"]


async def test_a_relay_that_does_not_answer_is_no_traceback(tmp_path: Path) -> None:
    sink = SmtpSink()
    async with sink:
        dispatch = await prepared(command(tmp_path, sink))
    done = await asyncio.to_thread(dispatch, "email", "test", "li@x.test", "--json", expect=1)
    assert done.json["relays"][0]["outcome"] == "retry"


async def test_it_tells_what_tls_was_spoken(tmp_path: Path) -> None:
    trusted = tmp_path / "trusted.pem"
    trusted.write_text(CERTIFICATE, encoding="ascii")
    async with SmtpSink(security="starttls") as secure, SmtpSink() as plain:
        more = {"DISPATCH_EMAIL__SECURITY": "starttls", "DISPATCH_EMAIL__HOST": "localhost"}
        dispatch = await prepared(command(tmp_path, secure, plain))
        dispatch.environment |= {**more, "SSL_CERT_FILE": str(trusted)}
        done = await asyncio.to_thread(dispatch, "email", "test", "li@x.test", "--json")
    assert [row["tls"].partition(" with ")[0] for row in done.json["relays"]] == ["TLSv1.3", "no TLS"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("no address",), "address"),
        (("li@x.test", "--relay", "third"), "no relay 'third'; there are default"),
        (("li@x.test", "--language", "fr"), "allowed are zh, en"),
    ],
)
async def test_a_wrong_call_sends_nothing(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    async with SmtpSink() as sink:
        dispatch = await prepared(command(tmp_path, sink))
        done = await asyncio.to_thread(dispatch, "email", "test", *words, expect=2)
        assert len(sink.messages) == 0
    assert said in done.err


async def test_without_a_relay_it_says_what_to_set(tmp_path: Path) -> None:
    dispatch = await prepared(command(tmp_path))
    done = await asyncio.to_thread(dispatch, "email", "test", "li@x.test", expect=2)
    assert "set [email] host" in done.err


async def test_previews_of_one_column_and_of_titles(tmp_path: Path) -> None:
    dispatch = await prepared(command(tmp_path), SAMPLE_ISSUE)
    words = ("issues", "preview", "534", "--column", "园区发展", "--format", "titles", "--language", "en", "--json")
    found = (await asyncio.to_thread(dispatch, *words)).json
    files = [tmp_path / row["file"] for row in found if row["channel"] == "email"]
    assert {row["column"] for row in found} == {"园区发展"}
    assert {file.name for file in files} == {f"3-园区发展.email{suffix}" for suffix in (".html", ".txt", ".eml")}
    html = next(file for file in files if file.suffix == ".html").read_text(encoding="utf-8")
    assert "Park Development" in html
    assert 'class="lead"' in html
    assert 'class="text"' not in html
    wrong = await asyncio.to_thread(dispatch, "issues", "preview", "534", "--column", "无", expect=2)
    assert "has no column 无; it has 火炬在行动" in wrong.err
    assert (
        "allowed are full, titles"
        in (await asyncio.to_thread(dispatch, "issues", "preview", "534", "--format", "short", expect=2)).err
    )
