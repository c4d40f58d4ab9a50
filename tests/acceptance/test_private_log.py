"""Nothing of a person stands in the log, whatever receivers say, at its most talkative."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dispatch.testing import SmtpSink
from tests.acceptance.conftest import SAMPLE
from tests.acceptance.test_running import command, running

PEOPLE = {
    "zhang.san@liandan.test": "张三丰九阳",
    "li.si@xuanwu.test": "李四光明顶",
    "wang.wu@emei.test": "王五绝情谷",
}


def attempts(folder: Path) -> list[str]:
    """What receivers said, as the ledger has it."""
    with closing(sqlite3.connect(folder / "work.db")) as db:
        return [row[0] for row in db.execute("SELECT detail FROM attempts")]


@pytest.mark.parametrize("form", ["console", "json"])
async def test_no_address_and_no_name_stands_in_the_log(tmp_path: Path, form: str) -> None:
    refused, busy, _ = PEOPLE
    local = refused.partition("@")[0]
    async with SmtpSink() as smtp:
        smtp.answer("RCPT", f"550 5.1.1 no {local} <{refused}>", when=lambda step: step.recipient == refused)
        smtp.answer(
            "RCPT", f"421 4.7.0 too much for {local} <{busy}>", when=lambda step: step.recipient == busy, times=1
        )
        more = {"DISPATCH_LOG__LEVEL": "debug", "DISPATCH_LOG__FORMAT": form, "DISPATCH_PUBLISH__APPROVAL": "automatic"}
        dispatch = command(tmp_path, smtp, **more)
        for address, name in PEOPLE.items():
            words = ("--email", address, "--name", name, "--follow", "topic:区块链", "--confirmed")
            await asyncio.to_thread(dispatch, "subscribers", "add", *words)
        (tmp_path / "inbox").mkdir()
        (tmp_path / "inbox" / "issue.md").write_bytes(SAMPLE.read_bytes())
        log = b""
        async with running(dispatch) as process:
            assert process.stderr
            async with asyncio.timeout(60):
                while not (b"refused" in log and b"421" in log and b"sent" in log):
                    log += await process.stderr.readline()
        stored = await asyncio.to_thread(attempts, tmp_path)
    assert any(f"no {local}" in said for said in stored), stored  # it is in the ledger
    text = log.decode()
    for address, name in PEOPLE.items():
        for word in (address, *address.split("@"), name):
            assert word not in text, text
