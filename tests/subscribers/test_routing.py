"""Routing against the plainest way to say the same in Python."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers import directory
from subscribers.database import SCHEMA, Database, Row
from subscribers.model import Address, Cadence, EndpointState, Preferences, Rhythm
from subscribers.routing import reached, route
from tests.acts import at
from tests.marks import sqlite_only
from tests.subscribers.conftest import NOW, Add, email, webhook

HIGHEST = 1 << 61
ALL = 2**63 - 1
TAGS = ("all", "park:南昌高新区", "park:南昌高新区+mentions", "topic:区块链", "column:huoju/要闻", "bulletin:huoju")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One database for all examples, each of which is rolled back."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('routing') / 'store.db'}"
    else:
        url = request.getfixturevalue("postgres").create()
    database = Database.open(url, [SCHEMA], synchronous="normal")
    yield database
    database.close()


@contextmanager
def undone(db: Database) -> Iterator[None]:
    """A transaction that leaves nothing."""

    class Undo(Exception):
        pass

    with suppress(Undo), db.transaction():
        yield
        raise Undo


def owed(db: Database, tags: list[tuple[str, int]], low: int = 0, high: int = ALL) -> dict[int, int]:
    found = route(tags)
    rows = db.all(found.sql, {**found.params, "low": low, "high": high})
    variants = {row["endpoint_id"]: row["variant"] for row in rows}
    assert len(variants) == len(rows), "an endpoint has one row"
    return variants


def expected(people: dict[int, tuple[EndpointState, frozenset[str]]], tags: list[tuple[str, int]]) -> dict[int, int]:
    variants: dict[int, int] = {}
    for endpoint_id, (state, follows) in people.items():
        for tag, bit in tags:
            if state is EndpointState.ACTIVE and tag in follows:
                variants[endpoint_id] = variants.get(endpoint_id, 0) | bit
    return variants


def populate(
    db: Database, people: list[tuple[EndpointState, frozenset[str]]]
) -> dict[int, tuple[EndpointState, frozenset[str]]]:
    stored = {}
    for n, (state, follows) in enumerate(people):
        subscriber_id = directory.add(
            db,
            name="",
            addresses=[Address("email", f"r{n}@example.com", "email")],
            follows=sorted(follows),
            preferences=Preferences(),
            consent="asked",
            act=at(NOW),
        )
        endpoint = directory.get(db, subscriber_id).endpoints[0]
        directory.set_state(db, endpoint.id, state, "", at(NOW))
        stored[endpoint.id] = (state, follows)
    return stored


people_lists = st.lists(
    st.tuples(st.sampled_from(list(EndpointState) + [EndpointState.ACTIVE] * 5), st.frozensets(st.sampled_from(TAGS))),
    max_size=8,
)
digest_tags = st.lists(
    st.tuples(st.sampled_from(TAGS), st.integers(0, 61).map(lambda n: 1 << n)), unique=True, max_size=40
)


@given(people_lists, digest_tags, st.lists(st.integers(0, 10), max_size=4).map(sorted))
def test_routing_is_what_python_says_and_slices_divide_it_exactly(
    shared: Database,
    people: list[tuple[EndpointState, frozenset[str]]],
    tags: list[tuple[str, int]],
    cuts: list[int],
) -> None:
    with undone(shared):
        stored = populate(shared, people)
        wanted = expected(stored, tags)
        assert owed(shared, tags) == wanted
        lowest = min(stored, default=1) - 1
        edges = [0, *(lowest + cut for cut in cuts), ALL]
        slices = [owed(shared, tags, low, high) for low, high in pairwise(edges)]
        assert sum(map(len, slices)) == len(wanted)
        assert {key: variant for part in slices for key, variant in part.items()} == wanted


def test_all_62_articles_and_the_highest_alone_are_variants(db: Database, add: Add) -> None:
    everything, last = add(email("a"), follows=("all",)), add(email("b"), follows=("topic:x",))
    tags = [("all", 1 << n) for n in range(62)] + [("topic:x", HIGHEST)]
    assert owed(db, tags) == {everything.endpoints[0].id: 2**62 - 1, last.endpoints[0].id: HIGHEST}


def test_an_article_that_several_follows_match_counts_once(db: Database, add: Add) -> None:
    reader = add(email("a"), follows=TAGS)
    assert owed(db, [(tag, HIGHEST) for tag in TAGS]) == {reader.endpoints[0].id: HIGHEST}


@pytest.mark.parametrize("state", [state for state in EndpointState if state is not EndpointState.ACTIVE])
def test_only_active_endpoints_are_owed_anything(db: Database, add: Add, state: EndpointState) -> None:
    reader = add(email("a"), follows=("all",))
    directory.set_state(db, reader.endpoints[0].id, state, "", at(NOW))
    assert owed(db, [("all", 1)]) == {}


def test_a_slice_is_above_low_and_up_to_high(db: Database, add: Add) -> None:
    ids = [add(email(str(n)), follows=("all",)).endpoints[0].id for n in range(4)]
    assert set(owed(db, [("all", 1)], ids[0], ids[2])) == set(ids[1:3])


def test_a_digest_without_tags_goes_to_nobody(db: Database, add: Add) -> None:
    add(email("a"), follows=("all",))
    assert owed(db, []) == {}


@pytest.mark.parametrize(
    "tag", ["park:南昌", "park:南昌高新区+mentions", "PARK:南昌高新区", "park:%", "' OR 1=1 --", ""]
)
def test_a_tag_matches_itself_only(db: Database, add: Add, tag: str) -> None:
    add(email("a"), follows=("park:南昌高新区",))
    assert owed(db, [(tag, 1)]) == {}


def test_articles_with_as_many_tags_as_there_is_room_to_count_stay_apart(db: Database, add: Add) -> None:
    """Each article is counted in a few bits: an endpoint that follows all its tags fills them, and no more."""
    for most in (1, 2, 3, 4, 7, 8, 15, 16):
        follows = tuple(f"topic:{most}-{n}" for n in range(most))
        reader = add(email(f"r{most}"), follows=follows)
        tags = [(tag, 1 << n) for tag in follows for n in range(0, 62, 2)] + [("topic:none", HIGHEST)]
        assert owed(db, tags) == {reader.endpoints[0].id: sum(1 << n for n in range(0, 62, 2))}


@sqlite_only
def test_routing_looks_tags_up_and_makes_no_table_of_the_readers(db: Database) -> None:
    found = route([(f"topic:{n}", 1 << (n % 62)) for n in range(300)])
    rows = db.rows(f"EXPLAIN QUERY PLAN {found.sql}", {**found.params, "low": 0, "high": 9})
    steps = [str(row[3]) for row in rows]
    assert "SEARCH f USING PRIMARY KEY (tag=? AND endpoint_id>? AND endpoint_id<?)" in steps
    assert "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)" in steps
    assert not [step for step in steps if step.startswith(("SCAN f", "SCAN e", "MATERIALIZE"))]


def test_reached_counts_each_endpoint_once_by_state_channel_and_rhythm(db: Database, add: Add) -> None:
    add(email("a"), follows=TAGS)
    add(email("b"), follows=("all",))
    add(webhook("c"), follows=("topic:区块链",))
    add(email("d"), follows=("topic:x",))
    paused = add(email("e"), follows=TAGS)
    directory.set_state(db, paused.endpoints[0].id, EndpointState.PAUSED, "", at(NOW))
    found = reached([*TAGS, "all"])
    rows = db.all(found.sql, {**found.params, "low": 0, "high": ALL})
    counts = {(row["state"], row["channel"]): row["endpoints"] for row in rows}
    assert counts == {("active", "email"): 2, ("active", "webhook"): 1, ("paused", "email"): 1}
    nobody = reached([])
    assert db.all(nobody.sql, {**nobody.params, "low": 0, "high": ALL}) == []


def test_a_long_column_with_many_tags_is_one_statement(db: Database, add: Add) -> None:
    reader = add(email("a"), follows=("park:0", "park:61"))
    tags = [(f"park:{n % 250}", 1 << (n // 250)) for n in range(62 * 250)]
    assert owed(db, tags) == {reader.endpoints[0].id: 2**62 - 1}


def test_a_row_says_how_and_when_the_endpoint_wants_it(db: Database, add: Add) -> None:
    wish = Preferences(Rhythm(Cadence.DAILY, minute=480), "en", "titles", bundled=True)
    endpoint = add(webhook("a"), follows=("all",), preferences=wish).endpoints[0]
    found = route([("all", 4)])
    rows: list[Row] = db.all(found.sql, {**found.params, "low": 0, "high": ALL})
    assert rows == [
        {
            "endpoint_id": endpoint.id,
            "variant": 4,
            "channel": "webhook",
            "queue": "webhook:hooks.example.com",
            "language": "en",
            "format": "titles",
            "bundled": 1,
            "rhythm_id": directory.rhythm_id(db, wish.rhythm),
        }
    ]
