"""`dispatch deliveries`: lists, stories, counts, another try, the proof."""

from __future__ import annotations

import csv
import json
import stat

import pytest

from dispatch.delivery.clock import SystemClock
from dispatch.model import Rejected, Retry, Sent
from tests.cli.conftest import Office


def refuse_b(address: str) -> Sent | Rejected:
    return Rejected("550 5.1.1 no such user", "550") if address.startswith("b") else Sent(code="250")


def filled(office: Office, *, answer: bool = True) -> Office:
    """Three readers, of whom b is refused."""
    for name in ("a@x.test", "b@x.test"):
        office.desk.reader(name, "topic:blockchain")
    office.desk.reader("77", "all", channel="telegram")
    office.desk.issue({"一": ["blockchain"], "二": ["news"]})
    office.desk.plan()
    if answer:
        office.settle(refuse_b)
    return office


def test_a_list_says_that_there_is_more(office: Office) -> None:
    filled(office)
    done = office("deliveries", "list", "--limit", "2")
    assert done.stdout.count("email") == 2
    assert "only the first 2 are shown" in done.stdout
    for words in (("--limit", "4"), ("--limit", "0"), ()):
        whole = office("deliveries", "list", *words).stdout
        assert whole.count("email") == 2
        assert "only the first" not in whole
    assert len(office.json("deliveries", "list")) == 4
    assert len(office.json("deliveries", "list", "--limit", "3")) == 3
    office("deliveries", "list", "--limit", "-1", expect=2)


def test_a_list_of_an_address_of_nobodys_is_refused(office: Office) -> None:
    filled(office)
    office("deliveries", "list", "--endpoint", "nobody@x.test", expect=1)
    office("deliveries", "list", "--endpoint", "e99", "--json", expect=1)
    assert len(office.json("deliveries", "list", "--endpoint", "b@x.test")) == 1


@pytest.mark.parametrize("word", ["--state", "--channel", "--issue"])
def test_a_word_that_is_none_is_refused(office: Office, word: str) -> None:
    office("deliveries", "list", word, "lost", expect=1 if word == "--issue" else 2)


def test_a_story_is_told_in_words_and_as_json(office: Office) -> None:
    filled(office)
    sent = office("deliveries", "show", "1").stdout
    for words in ("article: blockchain", "follows topic:blockchain (区块链", "sent for:   topic:blockchain", "id id-1"):
        assert words in sent
    refused = office.json("deliveries", "show", "2")
    assert refused["next"]["words"].endswith("dispatch deliveries retry 2")
    assert refused["follows"][0]["tag"] == "topic:blockchain"
    assert (refused["attempts"][0]["detail"], refused["message"]["state"]) == ("550 5.1.1 no such user", "failed")
    waiting = office("deliveries", "show", "3").stdout
    assert "no attempt was made" in waiting
    assert "next:       first attempt as soon as a lane of telegram takes it" in waiting


def test_a_story_of_what_is_gone_is_told_all_the_same(office: Office) -> None:
    filled(office)
    with office.desk.db.transaction():
        office.desk.db.run("UPDATE deliveries SET message_id = NULL, variant = 0, reason = ''")
        office.desk.db.run("DELETE FROM attempts")
    told = office("deliveries", "show", "1").stdout
    for words in ("articles: kept no longer", "message:    kept no longer", "attempts are kept no longer"):
        assert words in told
    assert office.json("deliveries", "show", "1")["message"] is None


def test_a_story_tells_a_pause(office: Office) -> None:
    filled(office, answer=False)
    with office.desk.db.transaction():
        office.desk.db.run("UPDATE messages SET state = 'paused', paused_at = 1700000000000, paused_for = 1")
    told = office("deliveries", "show", "1").stdout
    assert "state:      paused" in told
    assert "paused since" in told
    assert "dispatch issues resume 534" in told
    assert office.json("deliveries", "list")[0]["paused"] is True


def test_a_summary_is_a_table_of_channels_and_states(office: Office) -> None:
    filled(office)
    lines = [line.split() for line in office("deliveries", "summary").stdout.splitlines()]
    assert ["channel", "sent", "failed", "waiting", "total"] in lines
    assert ["email", "1", "1", "0", "2"] in lines
    assert ["telegram", "0", "0", "2", "2"] in lines
    assert ["total", "1", "1", "2", "4"] in lines
    found = office.json("deliveries", "summary", "--issue", "534")
    assert found["total"] == 4
    assert {"channel": "email", "state": "failed", "deliveries": 1} in found["counts"]
    assert found["reasons"] == [{"state": "failed", "reason": "550 5.1.1 no such user", "deliveries": 1}]


def test_a_summary_of_nothing_says_so(office: Office) -> None:
    assert office("deliveries", "summary").stdout == "no deliveries\n"
    assert office.json("deliveries", "summary") == {"counts": [], "total": 0, "reasons": []}


def test_a_dry_run_of_another_try_says_how_many_and_why(office: Office) -> None:
    filled(office)
    told = office("deliveries", "retry", "--failed", "--dry-run").stdout
    assert "1 deliveries would be queued again; nothing was changed" in told
    assert "550 5.1.1 no such user" in told
    assert office.json("deliveries", "retry", "--reason", "SUCH", "--dry-run")["deliveries"] == 1
    assert office.json("deliveries", "retry", "--reason", "full", "--dry-run")["reasons"] == []
    assert "failed" in [item["state"] for item in office.json("deliveries", "summary")["counts"]]


def test_another_try_takes_what_is_wanted(office: Office) -> None:
    filled(office)
    nothing = {"messages": 0, "deliveries": 0, "left_out": {}}
    assert office.json("deliveries", "retry", "--channel", "telegram") == nothing
    told = office("deliveries", "retry", "--reason", "no such", "--issue", "534", "--channel", "email").stdout
    assert told.startswith("messages queued: 1;")
    assert office.json("deliveries", "show", "2")["state"] == "planned"
    assert office.json("deliveries", "retry", "2")["messages"] == 1


def test_another_try_says_what_it_leaves_out_and_why(office: Office) -> None:
    filled(office)
    office("subscribers", "suppress", "b@x.test", "--reason", "asked by telephone")
    done = office("deliveries", "retry", "--failed")
    assert done.stdout.startswith("messages queued: 0;")
    assert "left out, for their endpoint is suppressed: 1; see: dispatch subscribers reactivate" in done.stderr
    assert office.json("deliveries", "retry", "--failed", "--dry-run")["left_out"] == {"suppressed": 1}
    office("deliveries", "retry", "2", expect=1)


def test_what_was_put_off_is_made_due_now(office: Office) -> None:
    filled(office, answer=False)
    office.settle(lambda address: Retry("451 later", "451"))
    told = office("deliveries", "retry", "--waiting", "--dry-run").stdout
    assert "2 deliveries would be made due now" in told
    assert office.json("deliveries", "retry", "--waiting")["messages"] == 2
    assert office.json("deliveries", "retry", "--waiting")["messages"] == 0
    office.desk.clock.ms = SystemClock().now()  # the command's now is a little later than the test's
    office.settle()
    assert [row["state"] for row in office.json("deliveries", "list", "--channel", "email")] == ["sent", "sent"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2),
        (("1", "--failed"), 2),
        (("1", "--dry-run"), 2),
        (("--dry-run",), 2),
        (("--failed", "--waiting"), 2),
        (("--channel", "fax"), 2),
        (("9",), 1),
    ],
)
def test_another_try_of_what_is_not_clear_is_refused(office: Office, words: tuple[str, ...], code: int) -> None:
    office("deliveries", "retry", *words, expect=code)


def test_the_proof_is_a_file_that_spreadsheets_read(office: Office) -> None:
    filled(office)
    assert "4 deliveries in proof.csv" in office("deliveries", "export", "proof.csv").stdout
    data = (office.folder / "proof.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbfdelivery,")
    rows = list(csv.DictReader(data.decode("utf-8-sig").splitlines()))
    assert [(row["address"], row["state"]) for row in rows] == [
        *(("a@x.test", "sent"), ("b@x.test", "failed"), ("77", "planned"), ("77", "planned")),
    ]
    assert stat.S_IMODE((office.folder / "proof.csv").stat().st_mode) == 0o600
    for words in ((), ("-",)):
        assert office("deliveries", "export", *words).stdout == data.decode("utf-8-sig")
    assert not (office.folder / "-").exists()


def test_the_proof_is_cut_to_an_issue_a_subscriber_and_a_state(office: Office) -> None:
    filled(office)

    def states(*words: str) -> list[str]:
        return [item["state"] for item in office.json("deliveries", "export", *words)]

    assert states("--subscriber", "b@x.test") == ["failed"]
    assert states("--subscriber", "3", "--issue", "534") == ["planned", "planned"]
    assert states("--state", "sent") == ["sent"]
    office("deliveries", "export", "--subscriber", "nobody", expect=1)
    office("deliveries", "export", "--state", "lost", expect=2)
    office("deliveries", "export", "--json", "proof.json")
    assert len(json.loads((office.folder / "proof.json").read_text(encoding="utf-8"))) == 4


def test_a_proof_that_cannot_be_written_leaves_what_was_there(office: Office) -> None:
    filled(office)
    office("deliveries", "export", "no/such/folder.csv", expect=1)
    file = office.folder / "proof.csv"
    file.write_text("before")
    with office.desk.db.transaction():
        office.desk.db.run("UPDATE articles SET blocks = 'broken' WHERE id = 2")
    with pytest.raises(ValueError, match="Expecting value"):
        office("deliveries", "export", "proof.csv")
    assert file.read_text() == "before"
    assert not list(office.folder.glob(".export-*"))


def test_what_was_put_off_shows_when_it_is_tried_next(office: Office) -> None:
    filled(office, answer=False)
    office.settle(lambda address: Retry("451 later", "451"))
    story = office.json("deliveries", "show", "1")
    assert story["reason"] == "451 later"
    assert [item["outcome"] for item in story["attempts"]] == ["retry"]


def test_what_was_sent_names_every_follow_that_brought_it(office: Office) -> None:
    follows = ["all", "topic:blockchain", "topic:news"]
    office.desk.reader("a@x.test", *follows, "topic:elsewhere")
    office.desk.issue({"一": ["blockchain news"]})
    office.desk.plan()
    office.settle(lambda address: Sent(code="250"))
    [listed] = office.json("deliveries", "list")
    assert listed["reason"].split() == follows
    assert all(tag in office("deliveries", "list").stdout for tag in follows)
    [line] = [line for line in office("deliveries", "show", "1").stdout.splitlines() if line.startswith("sent for:")]
    assert [tag for tag in follows if f"{tag} (" in line] == follows
    assert "elsewhere" not in line
    [proved] = json.loads(office("deliveries", "export", "--json").stdout)
    assert proved["follows"] == follows
    [row] = csv.DictReader(office("deliveries", "export").stdout.splitlines())
    assert row["follows"] == " / ".join(follows)
