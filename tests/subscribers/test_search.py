"""Each filter chooses what it says and nothing else, sorted and cut into pages; and what changes many."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from subscribers import audit, bulk, directory, proof, search, suppression
from subscribers.changes import Change
from subscribers.database import Database
from subscribers.errors import InvalidValue
from subscribers.model import Address, Cadence, EndpointState, Preferences, Rhythm
from subscribers.search import Sort, Wanted
from subscribers.suppression import Hasher
from tests.acts import at
from tests.subscribers.conftest import NOW, Add, email, telegram, webhook

EVERYONE = Wanted()

DAILY = Preferences(Rhythm(Cadence.DAILY, minute=540), "en", "titles", bundled=True)


@pytest.fixture
def people(db: Database, add: Add) -> None:
    """e1 and e2 are Li's; e3 Wang's, daily; e4 100%_o!k's, added later and pending; e5 was removed."""
    add(email("li"), telegram("77"), name="Li Na", follows=("park:a", "all"))
    add(Address("email", "wang@Qq.com".lower(), "email"), name="Wang", follows=("park:b",), preferences=DAILY)
    add(webhook("w"), name="100%_o!k", follows=("province:p", "park:a"), consent="", now=NOW + 5000)
    gone = add(email("gone"), name="Li gone", follows=("park:a",))
    with db.transaction():
        directory.remove(db, gone, at(NOW))


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (EVERYONE, [1, 2, 3, 4]),
        (Wanted(tags=("park:a",)), [1, 2, 4]),
        (Wanted(tags=("park:b", "province:p")), [3, 4]),
        (Wanted(channels=("email",)), [1, 3]),
        (Wanted(channels=("telegram", "webhook")), [2, 4]),
        (Wanted(states=("pending",)), [4]),
        (Wanted(domain="qq.com"), [3]),
        (Wanted(domain="q.com"), []),
        (Wanted(since=NOW + 5000), [4]),
        (Wanted(until=NOW + 5000), [1, 2, 3]),
        (Wanted(changed_since=NOW + 1), [4]),
        (Wanted(name="li"), [1, 2]),
        (Wanted(name="%_O!"), [4]),
        (Wanted(name="_"), [4]),
        (Wanted(address="LI@"), [1]),
        (Wanted(languages=("en",)), [3]),
        (Wanted(cadences=("daily", "weekly")), [3]),
        (Wanted(consent=False), [4]),
        (Wanted(consent=True), [1, 2, 3]),
        (Wanted(tags=("park:a",), channels=("email",), name="na"), [1]),
    ],
)
def test_a_filter_chooses_what_it_says(db: Database, wanted: Wanted, expected: list[int]) -> None:
    found = [endpoint.id for person in search.found(db, wanted) for endpoint in person.endpoints]
    assert found == expected
    assert search.count(db, wanted) == len(expected)
    assert sum(search.by_channel(db, wanted).values()) == len(expected)
    assert search.next_ids(db, wanted, 0, 100) == expected
    assert search.next_ids(db, wanted, 1, 100) == [id_ for id_ in expected if id_ > 1]
    assert search.still(db, wanted, [2, 4, 99]) == [id_ for id_ in expected if id_ in (2, 4)]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (Sort.ID, [1, 2, 3, 4]),
        (Sort.ADDED, [1, 2, 3, 4]),
        (Sort.CHANGED, [1, 2, 3, 4]),
        (Sort.NAME, [4, 1, 2, 3]),
        (Sort.ADDRESS, [2, 4, 1, 3]),
        (Sort.STATE, [1, 2, 3, 4]),
    ],
)
def test_sorted_both_ways_and_cut_into_pages(db: Database, sort: Sort, expected: list[int]) -> None:
    def ids(**how: int | bool) -> list[int]:
        found = search.found(db, EVERYONE, sort, **how)  # type: ignore[arg-type]  # numbers and a yes by name
        return [endpoint.id for person in found for endpoint in person.endpoints]

    assert ids() == expected
    assert ids(reverse=True) == expected[::-1]
    assert ids(most=3) + ids(most=3, skip=3) == expected
    assert ids(most=3, skip=4) == []


def test_what_is_found_is_the_subscriber_with_the_chosen_endpoints(db: Database, people: None) -> None:
    [li] = search.found(db, Wanted(name="li", channels=("telegram",)))
    whole = directory.get(db, 1)
    assert (li.id, li.name, li.created_at) == (whole.id, whole.name, whole.created_at)
    assert li.endpoints == whole.endpoints[1:]


def test_more_than_are_loaded_at_once_come_in_order(db: Database, add: Add) -> None:
    for n in range(1, 702):
        add(email(f"r{n:04}"))
    found = [person.endpoints[0].address.address for person in search.found(db, EVERYONE, Sort.ADDRESS, reverse=True)]
    assert found == [f"r{n:04}@example.com" for n in range(701, 0, -1)]


# ---- the same change to many


def swept(db: Database, wanted: Wanted, work: Callable[[Sequence[int]], int]) -> tuple[int, int]:
    steps = list(bulk.sweep(db, wanted, work))
    return sum(step.seen for step in steps), sum(step.changed for step in steps)


def acts(db: Database, endpoint_id: int) -> list[tuple[str, object]]:
    return [(row["action"], row["detail"]) for row in audit.of_subject(db, audit.ENDPOINT, [endpoint_id])]


def follows(db: Database, endpoint_id: int) -> set[str]:
    return set(directory.endpoint(db, endpoint_id).follows)


def test_many_that_are_pending_are_confirmed_on_a_stated_basis(db: Database, add: Add) -> None:
    ids = [add(email(name), consent="").endpoints[0].id for name in ("li", "wang", "erased")]
    active = add(email("zhou"), consent="before").endpoints[0]
    with db.transaction():
        suppression.suppress(db, Hasher.load(db), email("erased"), "erased", NOW)
        assert bulk.confirm(db, [*ids, active.id], "a signed list", at(NOW)) == 2
    found = [directory.endpoint(db, id_) for id_ in [*ids, active.id]]
    assert [item.state for item in found] == ["active", "active", "pending", "active"]
    assert [item.consent for item in found] == ["a signed list", "a signed list", "", "before"]
    assert [step.basis for step in proof.proofs(db, ids[0])] == ["a signed list"]
    [row] = audit.of_subject(db, audit.ENDPOINT, [ids[0]])
    assert row["detail"] == {"from": "pending", "reason": "a signed list", "to": "active"}


def test_many_follow_and_drop_and_each_that_changed_has_it_on_record(db: Database, people: None) -> None:
    act = at(NOW + 9)
    everyone_follows = (4, 3)
    assert swept(db, EVERYONE, lambda ids: bulk.follow(db, ids, ["park:a", "park:b"], act)) == (4, 4)
    assert swept(db, EVERYONE, lambda ids: bulk.follow(db, ids, ["park:a", "park:b"], act)) == (4, 0)
    assert [follows(db, id_) >= {"park:a", "park:b"} for id_ in (1, 2, 3, 4)] == [True] * 4
    assert acts(db, 3) == [("followed", {"follows": ["park:a"]})]
    assert acts(db, 1) == [("followed", {"follows": ["park:b"]})]
    assert swept(db, EVERYONE, lambda ids: bulk.unfollow(db, ids, ["all", "province:p"], act)) == everyone_follows
    assert follows(db, 1) == {"park:a", "park:b"}
    assert acts(db, 4)[0] == ("unfollowed", {"follows": ["province:p"]})
    assert len(acts(db, 3)) == 1


def test_a_sweep_changes_what_is_wanted_alone_whatever_the_change_makes_of_it(db: Database, add: Add) -> None:
    for n in range(1203):
        add(email(f"r{n}"), consent="asked" if n % 2 else "")
    act, active = at(NOW + 9), Wanted(states=("active",))
    assert swept(db, active, lambda ids: bulk.pause(db, ids, lambda zone: None, act)) == (601, 601)
    assert search.count(db, active) == 0
    assert search.count(db, Wanted(states=("pending",))) == 602
    assert swept(db, EVERYONE, lambda ids: bulk.resume(db, ids, act)) == (1203, 601)
    assert search.count(db, active) == 601


def test_a_pause_of_many_ends_where_each_reader_is(db: Database, add: Add) -> None:
    add(email("a"))
    add(email("b"), preferences=Preferences(Rhythm(timezone="Europe/Berlin")))
    ends = {"Asia/Shanghai": NOW + 1, "Europe/Berlin": NOW + 2}
    for changed in (2, 0):
        assert swept(db, EVERYONE, lambda ids: bulk.pause(db, ids, ends.get, at(NOW))) == (2, changed)
    found = [directory.endpoint(db, id_) for id_ in (1, 2)]
    assert [item.paused_until for item in found] == [NOW + 1, NOW + 2]
    assert acts(db, 2) == [
        ("state", {"from": "active", "to": "paused", "reason": "paused by an administrator", "until": NOW + 2})
    ]
    assert {item.state for item in found} == {EndpointState.PAUSED}


def test_preferences_of_many_change_in_what_is_named_alone(db: Database, people: None) -> None:
    setting = bulk.Setting(Change(cadence="weekly", language="en"))
    assert swept(db, EVERYONE, lambda ids: setting(db, ids, at(NOW))) == (4, 4)
    assert swept(db, EVERYONE, lambda ids: setting(db, ids, at(NOW))) == (4, 0)
    assert directory.endpoint(db, 1).preferences == Preferences(Rhythm(Cadence.WEEKLY, 0, 480), "en")
    was = directory.endpoint(db, 3).preferences
    assert was == Preferences(Rhythm(Cadence.WEEKLY, 0, 540), "en", "titles", bundled=True)


def test_a_change_that_does_not_fit_all_is_refused_before_it_is_made_to_one(db: Database, people: None) -> None:
    with pytest.raises(InvalidValue, match="some that were chosen have the cadence now"):
        bulk.check(db, EVERYONE, Change(at="10:00"))
    bulk.check(db, Wanted(cadences=("daily",)), Change(at="10:00"))
    bulk.check(db, EVERYONE, Change(at="10:00", cadence="daily"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change(cadence="now"), Rhythm(Cadence.NOW, quiet_from=1320, quiet_until=420)),
        (Change(quiet="none"), Rhythm(Cadence.WEEKLY, 4, 600)),
        (Change(quiet="12:00-13:00", at="9:00"), Rhythm(Cadence.WEEKLY, 4, 540, quiet_from=720, quiet_until=780)),
        (Change(cadence="daily"), Rhythm(Cadence.DAILY, -1, 600, quiet_from=1320, quiet_until=420)),
        (Change(timezone="UTC", weekday="sun"), Rhythm(Cadence.WEEKLY, 6, 600, "UTC", 1320, 420)),
    ],
)
def test_what_a_change_does_not_name_stays(change: Change, expected: Rhythm) -> None:
    assert change.of(Preferences(Rhythm(Cadence.WEEKLY, 4, 600, quiet_from=1320, quiet_until=420))).rhythm == expected
