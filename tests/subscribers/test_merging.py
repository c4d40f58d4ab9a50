"""Merging, moving and splitting lose no follow, no opt-out and no history."""

from __future__ import annotations

import pytest

from subscribers import consent, directory, merging, proof, suppression
from subscribers.consent import Answer, Limits, Wish
from subscribers.database import Database
from subscribers.errors import Conflict, InvalidValue, NotFound
from subscribers.history import events, whose
from subscribers.model import OPTED_OUT, Cadence, Endpoint, EndpointState, Preferences, Rhythm
from subscribers.suppression import Hasher
from tests.acts import at
from tests.subscribers.conftest import NOW, Add, email, telegram, webhook

LATER = at(NOW + 1000)
DAILY = Preferences(Rhythm(Cadence.DAILY, minute=480), "en")


def happened(db: Database, word: str) -> list[tuple[str, str]]:
    return [(event.about, event.action) for event in events(db, whose(db, word))]


def moved(db: Database, endpoint: Endpoint, name: str, wish: str = "") -> Endpoint:
    with db.transaction():
        merging.move(db, endpoint, email(name), LATER, consent=wish)
    return directory.endpoint(db, endpoint.id)


# ---- merge


def test_two_become_one_with_all_they_had(db: Database, add: Add) -> None:
    one = add(email("a"), telegram("7"), follows=("all",), name="Li", preferences=DAILY)
    other = add(email("b"), follows=("park:x",))
    with db.transaction():
        merging.merge(db, one, other, LATER)
    found = directory.get(db, other.id)
    assert found.name == "Li"
    assert [item.label for item in found.endpoints] == ["e1", "e2", "e3"]
    assert [(item.follows, item.preferences) for item in found.endpoints[:2]] == [(("all",), DAILY)] * 2
    with pytest.raises(NotFound):
        directory.get(db, one.id)


def test_the_history_of_both_is_found_after_a_merge_and_a_merge_of_that(db: Database, add: Add) -> None:
    a, b, c = (add(email(name)) for name in "abc")
    with db.transaction():
        merging.merge(db, a, b, LATER)
    with db.transaction():
        merging.merge(db, directory.get(db, b.id), c, at(NOW + 2000))
    assert {about for about, action in happened(db, "3") if action == "added"} == {f"subscriber {n}" for n in (1, 2, 3)}
    assert ("subscriber 1", "removed") in happened(db, "1")
    assert ("e1", "consent given") in happened(db, "3")


def test_nobody_is_merged_into_themselves(db: Database, add: Add) -> None:
    one = add(email("a"))
    with pytest.raises(InvalidValue, match="into itself"), db.transaction():
        merging.merge(db, one, one, LATER)


# ---- to another subscriber, and away


def test_an_endpoint_goes_to_another_subscriber(db: Database, add: Add) -> None:
    one, other = add(email("a"), telegram("7"), follows=("all",)), add(email("b"))
    with db.transaction():
        assert not merging.hand_over(db, one.endpoints[1], other, LATER)
    found = directory.get(db, other.id).endpoints
    assert [(item.label, item.follows) for item in found] == [("e2", ("all",)), ("e3", ())]
    assert happened(db, "1")[0] == ("subscriber 1", "gave")
    assert ("subscriber 2", "got") in happened(db, "2")
    with pytest.raises(InvalidValue, match="already"), db.transaction():
        merging.hand_over(db, found[0], directory.get(db, other.id), LATER)


def test_who_gives_the_last_endpoint_away_is_removed(db: Database, add: Add) -> None:
    one, other = add(email("a")), add(email("b"))
    with db.transaction():
        assert merging.hand_over(db, one.endpoints[0], other, LATER)
    with pytest.raises(NotFound):
        directory.get(db, one.id)
    assert directory.endpoint(db, 1).state is EndpointState.ACTIVE


def test_a_removed_endpoint_gets_nothing_and_its_address_can_be_used_again(db: Database, add: Add) -> None:
    one = add(email("a"), telegram("7"), follows=("all",))
    with db.transaction():
        merging.remove_endpoint(db, one.endpoints[0], LATER)
    assert [item.label for item in directory.get(db, one.id).endpoints] == ["e2"]
    holder = directory.holder_of(db, email("a"))
    assert holder is not None
    assert (holder.endpoint_id, holder.state, holder.removed) == (1, EndpointState.GONE, True)
    assert db.rows("SELECT tag FROM follows WHERE endpoint_id = 1") == []
    assert add(email("a")).endpoints[0].id == 1
    assert ("e1", "removed") in happened(db, "e1")


def test_an_opt_out_outlives_the_endpoint_that_is_removed(db: Database, add: Add) -> None:
    one = add(email("a"), telegram("7"))
    with db.transaction():
        directory.opt_out(db, 1, LATER)
        merging.remove_endpoint(db, directory.endpoint(db, 1), LATER)
    assert add(email("A")).endpoints[0].opted_out
    assert directory.get(db, one.id).endpoints[0].id == 2


# ---- to another address


def test_at_another_address_nobody_agreed_yet(db: Database, add: Add) -> None:
    add(email("old"), follows=("all",), preferences=DAILY)
    found = moved(db, directory.endpoint(db, 1), "new")
    assert (found.address, found.state, found.consent, found.consented_at) == (
        email("new"), EndpointState.PENDING, "", None,
    )  # fmt: skip
    assert (found.follows, found.preferences) == (("all",), DAILY)
    assert happened(db, "1")[:2] == [("e1", "state"), ("e1", "moved")]


def test_with_a_basis_of_consent_it_is_active_at_the_new_address(db: Database, add: Add) -> None:
    add(email("old"))
    found = moved(db, directory.endpoint(db, 1), "new", "a letter of 3 March")
    assert (found.state, found.consent) == (EndpointState.ACTIVE, "a letter of 3 March")
    assert [step.basis for step in proof.proofs(db, 1)][-1] == "a letter of 3 March"


def test_a_pause_goes_on_at_the_new_address(db: Database, add: Add) -> None:
    add(email("old"))
    with db.transaction():
        directory.pause(db, directory.endpoint(db, 1), LATER, NOW + 9000)
    found = moved(db, directory.endpoint(db, 1), "new", "a letter")
    assert (found.state, found.paused_until) == (EndpointState.PAUSED, NOW + 9000)


def test_what_is_suppressed_stays_so_at_the_address_that_is_left(db: Database, add: Add) -> None:
    add(email("old"))
    with db.transaction():
        directory.suppress(db, directory.endpoint(db, 1), "it complained", LATER)
    assert moved(db, directory.endpoint(db, 1), "new").state is EndpointState.PENDING
    assert suppression.reasons(db, Hasher.load(db), [email("OLD")]) == {email("old").identity: "it complained"}
    with pytest.raises(Conflict, match="it complained"):
        add(email("old"))


def test_who_unsubscribed_moves_only_by_their_own_new_wish(db: Database, add: Add) -> None:
    add(email("old"))
    with db.transaction():
        directory.opt_out(db, 1, LATER)
    with pytest.raises(Conflict, match="unsubscribed by the reader"):
        moved(db, directory.endpoint(db, 1), "new")
    assert directory.endpoint(db, 1).address == email("old")
    assert moved(db, directory.endpoint(db, 1), "new", "asked by mail").state is EndpointState.ACTIVE
    assert list(suppression.reasons(db, Hasher.load(db), [email("old")]).values()) == [OPTED_OUT]


def test_the_same_address_in_other_letters_is_no_move(db: Database, add: Add) -> None:
    add(email("old"))
    found = moved(db, directory.endpoint(db, 1), "Old")
    assert (found.address.address, found.state) == ("Old@example.com", EndpointState.ACTIVE)


def test_an_address_that_is_somebodys_or_was_is_refused_with_what_to_do(db: Database, add: Add) -> None:
    add(email("a"))
    add(email("b"))
    gone = add(email("c"))
    with db.transaction():
        directory.remove(db, gone, LATER)
    with pytest.raises(Conflict, match="merge 2 1"):
        moved(db, directory.endpoint(db, 1), "B")
    with pytest.raises(Conflict, match="add-endpoint 1"):
        moved(db, directory.endpoint(db, 1), "c")
    assert directory.endpoint(db, 1).address == email("a")


def test_a_confirmation_that_waits_at_the_old_address_says_nothing_of_the_new_one(db: Database, add: Add) -> None:
    hasher = Hasher.load(db)
    with db.transaction():
        asked = consent.ask(db, hasher, email("old"), Wish(), "yes, write to me", at(NOW), "", Limits())
    assert asked is not None
    moved(db, directory.endpoint(db, asked.endpoint_id), "new")
    with db.transaction():
        answer, _ = consent.confirm(db, hasher, asked.consent_id, at(NOW + 5000), "")
    assert answer is Answer.OVER
    assert directory.endpoint(db, asked.endpoint_id).state is EndpointState.PENDING


def test_a_webhook_that_moves_takes_its_queue_and_secret_along(db: Database, add: Add) -> None:
    [endpoint] = add(webhook("a")).endpoints
    new = webhook("b")
    with db.transaction():
        merging.move(db, endpoint, new, LATER)
    assert directory.endpoint(db, endpoint.id).address == new


# ---- more endpoints


def test_another_endpoint_of_a_known_subscriber(db: Database, add: Add) -> None:
    one = add(email("a"))
    with db.transaction():
        ids = directory.add_endpoints(
            db, one.id, [telegram("7")], follows=["all"], preferences=DAILY, consent="a letter", act=LATER
        )
    found = directory.get(db, one.id).endpoints[1]
    assert ids == [found.id]
    assert (found.follows, found.preferences, found.state) == (("all",), DAILY, EndpointState.ACTIVE)
    assert happened(db, "1")[:2] == [("e2", "added"), ("e2", "consent given")]
    with pytest.raises(Conflict, match="belongs to subscriber 1 already"), db.transaction():
        directory.add_endpoints(db, one.id, [email("A")], follows=[], preferences=DAILY, consent="", act=LATER)


def test_a_history_is_of_who_is_named_and_reads_pages_by_pages(db: Database, add: Add) -> None:
    add(email("a"))
    add(email("b"))
    for n in range(230):
        with db.transaction():
            directory.follow(db, 1, [f"park:{n}"], at(NOW + n))
    found = list(events(db, whose(db, "A@example.com")))
    assert len(found) == 232
    assert [event.at for event in found] == sorted((event.at for event in found), reverse=True)
    assert found[0].detail == {"follows": ["park:229"]}
    assert len(list(events(db, whose(db, "2")))) == 2
    for word in ("9", "e9", "nobody@example.com", "e" + "9" * 30):
        with pytest.raises(NotFound):
            whose(db, word)
