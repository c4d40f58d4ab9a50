"""The benchmarks measure what they say: both sides do the same work. How fast is not asked here."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from benchmarks.sending.processes import Ended
from benchmarks.sending.product import checked
from benchmarks.sending.sink import Sink, fingerprint

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(name: str, *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / name), *words], capture_output=True, text=True, check=True, timeout=120
    )
    return dict(json.loads(done.stdout))


def test_the_ledger_and_raw_sqlite_leave_the_same_rows() -> None:
    ours, raw = (run("ledger.py", "--one", side, "1500") for side in ("ours", "raw"))
    assert ours["left"] == raw["left"] == {key: [1500, 1500] for key in ("deliveries", "messages", "attempts")}
    assert set(ours) == set(raw) >= {"plan", "claim", "settle", "total", "peak_mb"}


@pytest.mark.parametrize("what", ["skewed", "all"])
def test_routing_and_ready_rows_leave_the_same_rows_and_the_planner_as_many(what: str) -> None:
    found = run("subscribers.py", "--one", what, "3000", "1")  # it stops by itself where the two sides differ
    assert found["routed"]["rows"] == found["ready"]["rows"] > 0
    if what == "all":
        assert found["ready"]["rows"] == 3000 * 24 / 25  # of 25 one is not active
    else:
        assert found["plan"]["deliveries"] == found["ready"]["rows"]


def test_the_import_and_raw_sqlite_leave_the_same_rows() -> None:
    ours, raw = (run("subscribers_import.py", "--one", side, "3000") for side in ("ours", "raw"))
    left = {"subscribers": 3000, "endpoints": 3000, "follows": 6000, "consents": 3000, "audit": 3000}
    assert ours["left"] == raw["left"] == left


def test_the_product_settles_what_the_sink_took() -> None:
    found = run("email.py", "--one", "product", "70", "4")  # it stops by itself where ledger and sink differ
    assert (found["messages"], found["whole"], found["most_open"]) == (70, True, 4)
    assert 20_000 < found["message_bytes"] < 26_000


def test_the_product_and_other_clients_post_the_same_bytes() -> None:
    found = run("webhooks.py", "--messages", "200", "--json")  # it stops by itself where ledger and receiver differ
    assert found["ratios"]["product_to_aiohttp"] > 0
    assert 8_000 < found["figures"]["body_bytes"] < 8_600
    assert {"product", "aiohttp", "httpx", "httpx over aiohttp", "raw asyncio"} <= set(found["figures"]["senders"])


def test_the_sample_is_all_right_and_a_worse_reading_counts_for_less(tmp_path: Path) -> None:
    sample = BENCHMARKS.parent / "config" / "samples" / "huoju-2022-05.md"
    found = run("intake.py", "--one", str(sample), "1")
    assert (found["articles"], found["cuts"], found["more_blocks"]) == (11, 9, 0)
    assert found["blocks"] == found["of_blocks"] > 60
    assert found["ms"] > 0
    worse = tmp_path / "worse.md"
    text = sample.read_text(encoding="utf-8")
    worse.write_text(text.replace("(供稿:苏州高新区)", "").replace("昆山高\n", "昆山高。\n"), encoding="utf-8")
    found = run("intake.py", "--one", str(worse), "1")
    assert (found["articles"], found["cuts"], found["more_blocks"]) == (10, 8, 2)
    worse.write_text("这不是一期刊物。", encoding="utf-8")
    assert run("intake.py", "--one", str(worse), "1")["articles"] == 0


@pytest.mark.parametrize("name", ["smtplib, ready", "smtplib, built", "aiosmtplib, ready", "aiosmtplib, built"])
def test_all_that_a_library_sends_arrives(name: str) -> None:
    assert run("email.py", "--one", name, "50", "1")["accepted"] == 50


@pytest.mark.skipif(shutil.which("smtp-source") is None, reason="Postfix is not installed: there is no smtp-source")
def test_all_that_smtp_source_sends_arrives() -> None:
    assert run("email.py", "--one", "smtp-source", "50", "1")["accepted"] == 50


ENVELOPE = b"MAIL FROM:<a@b.test>\r\nRCPT TO:<r@b.test>\r\nDATA\r\n"
BODIES = {
    "dots": b"Subject: x.y\r\n\r\n" + b"..\r\na.b.c\r\n" * 600,
    "base64": b"Subject: x.y\r\n\r\n" + b"QUJD\r\n" * 2000,
    "nothing": b"",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_the_sink_finds_the_end_of_a_body_wherever_a_chunk_ends(body: bytes) -> None:
    with Sink() as sink:
        for cut in range(1, 7):  # within CRLF.CRLF and before it
            with socket.create_connection(("127.0.0.1", sink.port), timeout=20) as client:
                replies = client.makefile("rb")
                assert replies.readline().startswith(b"220 ")
                client.sendall(ENVELOPE)
                assert [replies.readline()[:3] for _ in range(3)] == [b"250", b"250", b"354"]
                data = body + b".\r\n"
                first = max(len(data) - cut, 0)
                client.sendall(data[:first])
                assert sink.report()["accepted"] == 0  # so that what follows comes as a chunk of its own
                client.sendall(data[first:] + ENVELOPE)  # the next envelope in one write with the end
                assert [replies.readline()[:3] for _ in range(4)] == [b"250", b"250", b"250", b"354"]
            report = sink.report()
            assert (report["accepted"], report["bytes"], report["refused"]) == (1, len(data), 0)
            assert report["recipients"] == fingerprint("r@b.test")
            assert report["samples"] == [body.decode()]


def test_the_sink_wants_commands_in_order() -> None:
    with Sink() as sink, socket.create_connection(("127.0.0.1", sink.port), timeout=20) as client:
        replies = client.makefile("rb")
        replies.readline()
        client.sendall(b"RCPT TO:<r@b.test>\r\nDATA\r\nMAIL FROM:<a@b.test>\r\nDATA\r\nWHAT\r\n")
        assert [replies.readline()[:3] for _ in range(5)] == [b"503", b"503", b"250", b"503", b"502"]
        assert sink.report()["accepted"] == 0


@pytest.mark.parametrize(
    ("state", "taken", "said"),
    [
        ("sent", ["one@b.test"], "the sink took 1 messages"),  # one was lost
        ("sent", ["one@b.test", "one@b.test"], "the sink took 2 messages"),  # one came twice, another not at all
        ("queued", ["one@b.test", "two@b.test"], "the ledger has"),
    ],
)
def test_a_run_counts_only_where_ledger_and_sink_agree(tmp_path: Path, state: str, taken: list[str], said: str) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        db.executescript(f"""
            CREATE TABLE issues (state, ended_at); INSERT INTO issues VALUES ('sent', 2);
            CREATE TABLE endpoints (id, address); INSERT INTO endpoints VALUES (1, 'one@b.test'), (2, 'two@b.test');
            CREATE TABLE deliveries (state); INSERT INTO deliveries VALUES ('sent'), ('sent');
            CREATE TABLE messages (id, endpoint_id, state, created_at, ended_at);
            INSERT INTO messages VALUES (1, 1, 'sent', 1, 2), (2, 2, '{state}', 1, 2);
            CREATE TABLE attempts (message_id, outcome); INSERT INTO attempts VALUES (1, 'sent'), (2, 'sent');
        """)
    took = {"accepted": len(taken), "recipients": sum(map(fingerprint, taken))}
    ended = Ended(code=0, seconds=1.0, cpu=1.0, peak_mb=1.0, out="", err="", stopped=False)
    with pytest.raises(SystemExit, match=said):
        checked(tmp_path / "ledger.db", 2, ended, took)


@pytest.mark.parametrize("file", sorted(BENCHMARKS.glob("*.py")), ids=lambda file: file.name)
def test_every_benchmark_tells_what_it_measures(file: Path) -> None:
    done = subprocess.run([sys.executable, str(file), "--help"], capture_output=True, text=True, check=True, timeout=60)
    assert {"--quick", "--json"} <= set(done.stdout.replace("[", " ").replace("]", " ").split())
