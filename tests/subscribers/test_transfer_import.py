"""What an import does to the store: in bulk what `add` does to one, with opt-outs stronger than any file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from subscribers import audit, consent, directory, proof, suppression
from subscribers.audit import Way
from subscribers.database import Database, Row
from subscribers.errors import BadFile
from subscribers.model import OPTED_OUT, Address, EndpointState, Preferences
from subscribers.proof import Step
from subscribers.suppression import Hasher
from subscribers.transfer.bulk import Terms, Totals
from subscribers.transfer.columns import Columns
from subscribers.transfer.incoming import SLICE, Import
from subscribers.transfer.rows import Checker
from subscribers.transfer.tables import read_table
from tests.acts import at
from tests.subscribers.conftest import NOW, Add, email, telegram
from tests.subscribers.test_transfer import address, tag

LATER = NOW + 60_000
ACT = at(LATER, "li", Way.FILE)
SIGNED = Terms("signed at the fair", "file people.csv")
Imports = Callable[..., Totals]


@pytest.fixture
def imports(db: Database, tmp_path: Path) -> Imports:
    """Import a text, all rows of which are good."""

    def done(text: str, terms: Terms = SIGNED) -> Totals:
        with checked(db, tmp_path, text) as incoming:
            assert list(incoming.bad_rows()) == []
            foreseen = incoming.foresee(terms)
            totals = incoming.store(terms, ACT)
            assert totals == foreseen
            return totals

    return done


@contextmanager
def checked(db: Database, folder: Path, text: str) -> Iterator[Import]:
    """An import whose rows are checked."""
    file = folder / "people.csv"
    file.write_text(text, encoding="utf-8")
    with Import(db) as incoming:
        incoming.check(read_table(file), Columns(), Checker(address, tag, LATER))
        yield incoming


def counts(totals: Totals) -> dict[str, int]:
    """What is not 0."""
    return {name: value for name, value in vars(totals).items() if isinstance(value, int) and value}


def table(db: Database, name: str, *without: str) -> list[Row]:
    rows = db.all(f"SELECT * FROM {name} ORDER BY 1, 2")
    return [{key: value for key, value in row.items() if key not in without} for row in rows]


# ---- as `add` does it


def test_rows_come_out_as_those_of_one_added_by_hand(db: Database, imports: Imports) -> None:
    with db.transaction():
        directory.add(
            db,
            name="Li",
            addresses=[email("li"), telegram("7")],
            follows=["all", "topic:x"],
            preferences=Preferences(),
            consent="signed at the fair",
            act=ACT,
        )
    imports("name,email,telegram,follows\nLi,wang@example.com,8,all;topic:x\n")
    for name, without in (
        ("subscribers", ["id"]),
        ("endpoints", ["id", "subscriber_id", "address"]),
        ("follows", ["endpoint_id"]),
        ("consents", ["id", "endpoint_id", "origin"]),
        ("audit", ["id", "subject_id", "detail"]),
    ):
        rows = table(db, name, *without)
        half = [row for place, row in enumerate(rows) if place < len(rows) // 2]
        assert len(rows) >= 2, name
        if name == "follows":
            assert sorted(map(str, rows[::2])) == sorted(map(str, rows[1::2]))
        else:
            assert half == rows[len(half) :], name
    by_hand, imported = directory.everyone(db)
    assert [(e.address.channel, e.follows) for e in by_hand.endpoints] == [
        (e.address.channel, e.follows) for e in imported.endpoints
    ]


def test_who_did_it_by_which_way_and_on_which_basis_is_kept(db: Database, imports: Imports) -> None:
    imports("email,follows\nli@example.com,all\n")
    [person] = directory.everyone(db)
    [endpoint] = person.endpoints
    [act] = audit.of_subject(db, audit.SUBSCRIBER, [person.id])
    assert (act["actor"], act["way"], act["action"]) == ("li", Way.FILE, "added")
    assert act["detail"] == {"endpoints": [endpoint.id], "follows": ["all"]}
    [step] = proof.proofs(db, endpoint.id)
    assert (step.at, step.step, step.basis, step.origin) == (LATER, Step.GIVEN, "signed at the fair", "file people.csv")
    assert (endpoint.consent, endpoint.consented_at) == ("signed at the fair", LATER)


def test_without_a_basis_they_wait_and_a_basis_of_the_row_is_better_than_that_of_the_file(
    db: Database, imports: Imports
) -> None:
    text = "email,consent,consented_at\nli@example.com,,\nwang@example.com,by letter,2022-05-01T00:00:00Z\n"
    totals = imports(text, Terms("", "file people.csv"))
    assert counts(totals) == {"rows": 2, "added": 2, "endpoints": 2, "pending": 1}
    li, wang = (person.endpoints[0] for person in directory.everyone(db))
    assert (li.state, li.consent, li.consented_at) == (EndpointState.PENDING, "", None)
    assert (wang.state, wang.consent, wang.consented_at) == (EndpointState.ACTIVE, "by letter", 1_651_363_200_000)


def test_rows_of_one_person_are_one_subscriber_over_slices_too(db: Database, imports: Imports) -> None:
    lines = [f"r{n}@example.com,{'7' if n in (0, SLICE + 5) else ''}" for n in range(SLICE + 10)]
    totals = imports("email,person\n" + "\n".join(lines) + "\n")
    people = list(directory.everyone(db))
    assert len(people) == len(lines) - 1
    assert [e.address.address for e in people[0].endpoints] == ["r0@example.com", f"r{SLICE + 5}@example.com"]
    assert totals.rows == len(lines)


def test_ids_go_on_where_they_were_and_later_adds_go_on_after_them(db: Database, add: Add, imports: Imports) -> None:
    first = add(email("first"))
    imports("email\nli@example.com\nwang@example.com\n")
    last = add(email("last"))
    ids = [person.id for person in directory.everyone(db)]
    assert ids == sorted(ids)
    assert (len(ids), ids[0], ids[-1]) == (4, first.id, last.id)


# ---- what is known


def test_known_addresses_get_the_follows_and_keep_all_else(db: Database, add: Add, imports: Imports) -> None:
    known = add(email("Li"), follows=("all",), name="Li", consent="")
    totals = imports("name,email,follows,cadence\nOther,LI@example.com,all;topic:x,daily\n")
    assert counts(totals) == {"rows": 1, "known": 1, "followed": 1}
    after = directory.get(db, known.id)
    assert (after.name, after.endpoints[0].follows) == ("Li", ("all", "topic:x"))
    assert (after.endpoints[0].state, after.endpoints[0].preferences) == (
        EndpointState.PENDING,
        known.endpoints[0].preferences,
    )
    [act, _] = [
        *audit.of_subject(db, audit.ENDPOINT, [known.endpoints[0].id]),
        *audit.of_subject(db, audit.SUBSCRIBER, [known.id]),
    ]
    assert (act["action"], act["detail"]) == ("followed", {"follows": ["topic:x"]})


def test_a_row_of_a_known_address_and_a_new_one_is_refused(db: Database, add: Add, tmp_path: Path) -> None:
    known = add(email("li"))
    with checked(db, tmp_path, "email,telegram\nli@example.com,7\nwang@example.com,8\n") as incoming:
        [bad] = incoming.bad_rows()
        assert bad.line == 2
        assert f"belongs to subscriber {known.id} already" in bad.problem
        assert (incoming.good, incoming.bad) == (1, 1)


def test_what_came_in_between_undoes_the_whole_import(db: Database, add: Add, tmp_path: Path) -> None:
    with checked(db, tmp_path, "email,telegram\nwang@example.com,\nli@example.com,7\n") as incoming:
        add(email("li"))
        with pytest.raises(BadFile, match=r"line 3: email address li@example\.com belongs"), db.transaction():
            incoming.write(SIGNED, ACT)
    assert [e.address.address for p in directory.everyone(db) for e in p.endpoints] == ["li@example.com"]


# ---- opt-outs


def state_of(db: Database, endpoint_id: int) -> tuple[EndpointState, str]:
    found = directory.endpoint(db, endpoint_id)
    return found.state, found.reason


def test_who_opted_out_stays_so_whatever_a_file_says(db: Database, add: Add, imports: Imports) -> None:
    item = add(email("li")).endpoints[0]
    with db.transaction():
        directory.opt_out(db, item.id, at(NOW))
    totals = imports("email,state,consent,follows\nLi@example.com,active,they said so,all\n")
    assert counts(totals) == {"rows": 1, "known": 1, "suppressed": 1}
    assert directory.endpoint(db, item.id).follows == ()  # nobody adds to what a later yes would bring back
    assert totals.suppressed_shown == ["Li@example.com"]
    assert state_of(db, item.id) == (EndpointState.SUPPRESSED, OPTED_OUT)


def test_who_opted_out_and_was_removed_comes_back_suppressed_on_the_old_row(
    db: Database, add: Add, imports: Imports
) -> None:
    person = add(email("li"), follows=("all",))
    with db.transaction():
        directory.opt_out(db, person.endpoints[0].id, at(NOW))
        directory.remove(db, directory.get(db, person.id), at(NOW))
    totals = imports("name,email,follows,paused_until\nNew,LI@example.com,topic:x,2030-01-01\nO,o@example.com,,\n")
    assert counts(totals) == {"rows": 2, "added": 2, "endpoints": 2, "suppressed": 1}
    new = next(p for p in directory.everyone(db) if p.name == "New").endpoints[0]
    assert (new.id, new.address.address, new.follows) == (person.endpoints[0].id, "LI@example.com", ("topic:x",))
    assert state_of(db, new.id) == (EndpointState.SUPPRESSED, OPTED_OUT)


def test_who_was_erased_is_not_added_again_and_the_other_address_is(db: Database, imports: Imports) -> None:
    with db.transaction():
        suppression.suppress(db, Hasher.load(db), email("li"), "erased", NOW)
    totals = imports("email,telegram\nLI@example.com,7\n")
    assert counts(totals) == {"rows": 1, "added": 1, "endpoints": 1, "suppressed": 1}
    totals = imports("email\nli@example.com\n")
    assert counts(totals) == {"rows": 1, "suppressed": 1}
    assert [e.address.address for p in directory.everyone(db) for e in p.endpoints] == ["7"]


def test_an_opt_out_in_a_file_is_the_readers_own(db: Database, add: Add, imports: Imports) -> None:
    known = add(email("li")).endpoints[0]
    imports(f"email,state,reason\nli@example.com,suppressed,{OPTED_OUT}\nnew@example.com,suppressed,{OPTED_OUT}\n")
    new = list(directory.everyone(db))[1].endpoints[0]
    for endpoint_id in (known.id, new.id):
        assert directory.endpoint(db, endpoint_id).opted_out
        last = proof.proofs(db, endpoint_id)[-1]
        assert (last.step, last.origin) == (Step.WITHDRAWN, "file people.csv")


# ---- asking


def asking(db: Database, asked: list[str]) -> Terms:
    hasher = Hasher.load(db)

    def ask(address: Address) -> None:
        found = consent.ask(db, hasher, address, consent.Wish(), "", ACT, "", None)
        assert found is not None
        asked.append(address.address)

    return Terms("", "file people.csv", ask)


def test_mailboxes_that_wait_are_asked_and_no_others(db: Database, add: Add, imports: Imports) -> None:
    add(email("waits"), consent="")
    add(email("agreed"))
    gone = add(email("left")).endpoints[0]
    with db.transaction():
        directory.opt_out(db, gone.id, at(NOW))
        suppression.suppress(db, Hasher.load(db), email("erased"), "erased", NOW)
    asked: list[str] = []
    text = "email,telegram,state,consent\n" + "".join(
        f"{line}\n"
        for line in (
            "new@example.com,7,,",
            "waits@example.com,,,",
            "agreed@example.com,,,",
            "left@example.com,,,",
            "erased@example.com,,,",
            "paused@example.com,,paused,",
            "letter@example.com,,,by letter",
        )
    )
    totals = imports(text, asking(db, asked))
    assert asked == ["new@example.com", "waits@example.com"]
    assert (totals.asked, totals.suppressed) == (2, 2)
    steps = {
        e.address.address: [step.step for step in proof.proofs(db, e.id)]
        for person in directory.everyone(db)
        for e in person.endpoints
    }
    assert steps["new@example.com"] == [Step.ASKED]
    assert steps["7"] == []


# ---- size


def test_memory_and_statements_do_not_grow_with_the_rows(db: Database, tmp_path: Path) -> None:
    """Rows are read, checked and written a slice at a time."""
    held: list[int] = []
    rows = 3 * SLICE

    def told(what: str, done: int, total: int) -> None:
        held.append(done)

    file = tmp_path / "people.csv"
    file.write_text("email\n" + "".join(f"r{n}@example.com\n" for n in range(rows)), encoding="utf-8")
    with Import(db, told) as incoming:
        incoming.check(read_table(file), Columns(), Checker(address, tag, LATER))
        slices: Sequence[int] = [len(entries) for entries in incoming.slices()]
        with db.transaction():
            incoming.write(SIGNED, ACT)
    assert slices == [SLICE] * 3
    assert held[3:] == [SLICE, 2 * SLICE, 3 * SLICE]
    assert directory.get(db, rows).endpoints[0].address.address == f"r{rows - 1}@example.com"


def test_an_opt_out_by_hash_wins_over_the_row_of_a_removed_subscriber(db: Database, add: Add, imports: Imports) -> None:
    person = add(email("li"))
    with db.transaction():
        directory.remove(db, directory.get(db, person.id), at(NOW))
        suppression.suppress(db, Hasher.load(db), email("li"), OPTED_OUT, NOW)
    totals = imports("email\nLI@example.com\n")
    assert counts(totals) == {"rows": 1, "suppressed": 1}
    assert list(directory.everyone(db)) == []


def test_half_of_a_character_is_a_bad_row_of_its_line(db: Database, tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    file.write_text(
        '{"name": "a", "email": "a@x.cn"}\n{"name": "\\ud800x", "email": "b@x.cn"}\n'
        '{"\\udc00": "", "email": "c@x.cn"}\n'
    )
    with Import(db) as incoming:
        incoming.check(read_table(file), Columns(), Checker(address, tag, LATER))
        assert [row.line for row in incoming.bad_rows()] == [2, 3]
        assert all("half of a character" in row.problem for row in incoming.bad_rows())
        incoming.write_bad(tmp_path / "bad.csv")
        with db.transaction():
            incoming.write(SIGNED, ACT)
    assert "\ufffdx" in (tmp_path / "bad.csv").read_text(encoding="utf-8-sig")
    assert [person.name for person in directory.everyone(db)] == ["a"]


# ---- beside others


def test_others_write_while_an_import_is_planned_and_what_they_do_counts(
    db: Database, add: Add, connect: Callable[[], Database], tmp_path: Path
) -> None:
    item = add(email("li")).endpoints[0]
    other = connect()
    told: list[str] = []

    def tick(what: str, done: int, total: int) -> None:
        told.append(what)
        if told == ["checking", "planning"]:
            with other.transaction():
                directory.opt_out(other, item.id, at(NOW))
                directory.add(
                    other,
                    name="",
                    addresses=[email("in")],
                    follows=(),
                    preferences=Preferences(),
                    consent="x",
                    act=at(NOW),
                )

    totals = stored(db, tmp_path, "email,cadence\nli@example.com,\nnew@example.com,daily\n", tick)
    assert told == ["checking", "planning", "planning", "writing"]
    assert counts(totals) == {"rows": 2, "added": 1, "endpoints": 1, "known": 1, "suppressed": 1}
    assert [e.address.address for p in directory.everyone(db) for e in p.endpoints] == [
        *("li@example.com", "in@example.com", "new@example.com")
    ]


def test_where_others_never_rest_an_import_is_planned_inside_its_transaction(
    db: Database, add: Add, connect: Callable[[], Database], tmp_path: Path
) -> None:
    item = add(email("li")).endpoints[0]
    other = connect()
    told: list[str] = []

    def tick(what: str, done: int, total: int) -> None:
        told.append(what)
        if what == "planning":
            with other.transaction():
                directory.follow(other, item.id, [f"topic:{len(told)}"], at(NOW))

    totals = stored(db, tmp_path, "email\nnew@example.com\n", tick)
    assert told == ["checking", "planning", "planning", "planning", "writing"]
    assert counts(totals) == {"rows": 1, "added": 1, "endpoints": 1}


def stored(db: Database, folder: Path, text: str, tick: Callable[[str, int, int], None]) -> Totals:
    file = folder / "people.csv"
    file.write_text(text, encoding="utf-8")
    with Import(db, tick) as incoming:
        incoming.check(read_table(file), Columns(), Checker(address, tag, LATER))
        return incoming.store(SIGNED, ACT)
