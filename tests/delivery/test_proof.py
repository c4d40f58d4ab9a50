"""The proof of who got what: whole, and harmless to what opens it."""

from __future__ import annotations

import csv
import io
import json

import pytest

from dispatch.delivery import claims, proof, reports, settles
from dispatch.delivery.ledger import Attempt
from dispatch.delivery.reports import Wanted
from dispatch.model import Outcome, Rejected, Sent
from tests.delivery.conftest import Desk


def prepared(desk: Desk, reason: str = "550 no") -> None:
    """One delivery that was sent, one that was refused."""
    for name in ("a@x.test", "b@x.test"):
        desk.reader(name, "topic:red")
    desk.issue({"一": ["red", "blue"]})
    desk.plan()
    works = claims.claim(desk.db, "email", 10, "me", desk.clock.now(), 1000)
    outcomes: tuple[Outcome, ...] = (Sent(code="250"), Rejected(reason, "550"))
    for work, outcome in zip(works, outcomes, strict=True):
        made = Attempt(work, 0, outcome, desk.clock.now(), 1, True, f"id-{work.message_id}@x", "lane")
        settles.settle(desk.db, [made], desk.clock.now())


def rows(desk: Desk, wanted: Wanted | None = None) -> list[dict[str, str]]:
    out = io.StringIO()
    count = proof.write_csv(reports.deliveries(desk.db, wanted), out)
    found = list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))
    assert len(found) == count
    return found


def test_a_row_says_who_got_what_why_when_and_by_which_message(desk: Desk) -> None:
    prepared(desk)
    sent, refused = rows(desk)
    moment = "2023-11-14T22:13:20+00:00"
    assert sent == {
        "delivery": "1",
        "issue": "huoju:534",
        "column": "一",
        "articles": "red",
        "subscriber": "1",
        "name": "a@x.test",
        "channel": "email",
        "address": "a@x.test",
        "follows": "topic:red",
        "state": "sent",
        "reason": "",
        "planned_at": moment,
        "ended_at": moment,
        "attempts": "1",
        "last_code": "250",
        "message_id": "id-1@x",
    }
    assert (refused["state"], refused["reason"], refused["follows"], refused["last_code"]) == (
        *("failed", "550 no", ""),
        "550",
    )


@pytest.mark.parametrize("words", ["=HYPERLINK(1)", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "＝1+1", " =1"])
def test_no_cell_is_a_formula(desk: Desk, words: str) -> None:
    prepared(desk, words)
    reason = rows(desk)[1]["reason"]
    assert reason == f"'{words.strip()}"


def test_no_cell_steers_a_terminal_and_lines_stay_within_theirs(desk: Desk) -> None:
    prepared(desk, '550 \x1b[2J no\r\nsuch, "user"\x00')
    reason = rows(desk)[1]["reason"]
    assert "\x1b" not in reason
    assert "no\nsuch" in reason.replace("�", "")
    assert '"user"' in reason


def test_json_is_an_array_with_an_entry_a_line(desk: Desk) -> None:
    out = io.StringIO()
    assert proof.write_json(reports.deliveries(desk.db), out) == 0
    assert json.loads(out.getvalue()) == []
    prepared(desk)
    out = io.StringIO()
    assert proof.write_json(reports.deliveries(desk.db), out) == 2
    assert out.getvalue().count("\n") == 4
    sent, refused = json.loads(out.getvalue())
    assert (sent["articles"], sent["follows"], sent["attempts"]) == (["red"], ["topic:red"], 1)
    assert refused["reason"] == "550 no"


def test_what_is_gone_after_its_time_leaves_who_what_and_when(desk: Desk) -> None:
    prepared(desk)
    with desk.db.transaction():
        desk.db.run("UPDATE deliveries SET message_id = NULL, variant = 0, reason = ''")
    sent, refused = rows(desk)
    assert (sent["address"], sent["column"], sent["state"], sent["message_id"]) == ("a@x.test", "一", "sent", "")
    assert refused["state"] == "failed"
    with desk.db.transaction():
        desk.db.run("DELETE FROM attempts")
        desk.db.run("DELETE FROM messages")
        desk.db.run("DELETE FROM follows")
        desk.db.run("DELETE FROM endpoints")
    assert [row["address"] for row in rows(desk)] == ["e1", "e2"]
