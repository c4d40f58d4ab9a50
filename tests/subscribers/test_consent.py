"""Double opt-in: what is asked, what a click on yes does, and how often strangers may ask."""

from __future__ import annotations

import pytest

from subscribers import audit, consent, directory, proof, suppression
from subscribers.audit import READER, Way
from subscribers.consent import Answer, Asked, Limits, Wish, network_of
from subscribers.database import Database
from subscribers.errors import Conflict
from subscribers.model import Address, Endpoint, EndpointState, Preferences
from subscribers.suppression import Hasher
from tests.acts import at
from tests.subscribers.conftest import NOW, Add, email

LATER = NOW + 60_000
HOUR, DAY = 3_600_000, 86_400_000
TEXT = "请把《火炬动态》发给我。"
READS = Preferences(language="en", bundled=True)


def asked(
    db: Database,
    address: Address,
    wish: Wish = Wish(),  # noqa: B008 - it is frozen
    now: int = NOW,
    origin: str = "192.0.2.7",
    limits: Limits | None = Limits(),  # noqa: B008 - it is frozen
) -> Asked | None:
    with db.transaction():
        act = at(now, READER, Way.PAGE)
        return consent.ask(db, Hasher.load(db), address, wish, TEXT, act, origin, limits)


def sure(found: Asked | None) -> Asked:
    assert found is not None
    return found


def confirmed(db: Database, found: Asked, now: int = LATER) -> Answer:
    with db.transaction():
        answer, endpoint_id = consent.confirm(
            db, Hasher.load(db), found.consent_id, at(now, READER, Way.PAGE), "192.0.2.8"
        )
    assert endpoint_id in (0, found.endpoint_id)
    return answer


def endpoint(db: Database, found: Asked) -> Endpoint:
    return directory.endpoint(db, found.endpoint_id)


def test_who_asks_waits_until_they_say_yes(db: Database) -> None:
    found = sure(asked(db, email("li"), Wish("Li", ("all",), READS)))
    waiting = endpoint(db, found)
    assert (waiting.state, waiting.follows, waiting.preferences) == (EndpointState.PENDING, ("all",), READS)
    assert confirmed(db, found) is Answer.DONE
    active = endpoint(db, found)
    assert (active.state, active.consent, active.consented_at) == ("active", "confirmed by the reader", LATER)


def test_the_proof_says_when_from_where_and_by_which_text(db: Database) -> None:
    found = sure(asked(db, email("li")))
    confirmed(db, found)
    steps = [(step.step, step.at, step.origin, step.way, step.text) for step in proof.proofs(db, found.endpoint_id)]
    assert steps == [("asked", NOW, "192.0.2.7", "page", TEXT), ("given", LATER, "192.0.2.8", "page", TEXT)]


def test_what_a_known_reader_is_asked_for_changes_nothing_before_they_say_yes(db: Database, add: Add) -> None:
    [known] = add(email("li"), follows=("topic:a",)).endpoints
    found = sure(asked(db, Address("email", "LI@example.com", "email"), Wish("", ("topic:b",), READS)))
    assert found.endpoint_id == known.id
    assert endpoint(db, found) == known
    assert confirmed(db, found) is Answer.DONE
    after = endpoint(db, found)
    assert (set(after.follows), after.preferences) == ({"topic:a", "topic:b"}, READS)


def test_a_wish_without_preferences_leaves_them_as_they_are(db: Database, add: Add) -> None:
    add(email("li"), preferences=READS)
    found = sure(asked(db, email("li"), Wish("", ("all",))))
    confirmed(db, found)
    assert endpoint(db, found).preferences == READS


def test_a_second_click_does_nothing_more(db: Database) -> None:
    found = sure(asked(db, email("li")))
    assert [confirmed(db, found), confirmed(db, found)] == [Answer.DONE, Answer.ALREADY]
    assert len(proof.proofs(db, found.endpoint_id)) == 2


def test_an_old_link_does_not_bring_back_who_left_since(db: Database) -> None:
    found = sure(asked(db, email("li")))
    confirmed(db, found)
    with db.transaction():
        directory.opt_out(db, found.endpoint_id, at(LATER + 1, READER, Way.PAGE))
    assert confirmed(db, found, LATER + 2) is Answer.OVER
    assert endpoint(db, found).state is EndpointState.SUPPRESSED


def test_who_left_comes_back_by_a_new_yes_alone(db: Database, add: Add) -> None:
    [left] = add(email("li")).endpoints
    with db.transaction():
        directory.opt_out(db, left.id, at(NOW))
    found = sure(asked(db, email("li"), Wish(follows=("all",))))
    assert endpoint(db, found).state is EndpointState.SUPPRESSED
    assert confirmed(db, found) is Answer.DONE
    assert endpoint(db, found).state is EndpointState.ACTIVE


def test_a_click_on_what_is_not_there_any_more_is_over(db: Database) -> None:
    assert confirmed(db, Asked(1, 999)) is Answer.OVER


def test_a_removed_subscriber_who_asks_is_somebody_new_with_the_old_suppression(db: Database, add: Add) -> None:
    gone = add(email("li"), follows=("topic:a",))
    with db.transaction():
        directory.opt_out(db, gone.endpoints[0].id, at(NOW))
        directory.remove(db, directory.get(db, gone.id), at(NOW))
    found = sure(asked(db, email("li"), Wish(follows=("topic:b",))))
    assert (endpoint(db, found).state, endpoint(db, found).follows) == ("suppressed", ("topic:b",))
    assert endpoint(db, found).subscriber_id != gone.id
    confirmed(db, found)
    assert endpoint(db, found).state is EndpointState.ACTIVE


def test_a_first_digest_is_owed_of_all_that_was_wished(db: Database) -> None:
    found = sure(asked(db, email("li"), Wish(follows=("topic:a", "topic:b"), first=True)))
    assert db.rows("SELECT tag FROM firsts") == []
    confirmed(db, found)
    assert db.rows("SELECT endpoint_id, tag FROM firsts ORDER BY tag") == [
        (found.endpoint_id, "topic:a"),
        (found.endpoint_id, "topic:b"),
    ]


def test_a_yes_is_to_what_was_asked_and_to_nothing_that_others_asked_in_their_name(db: Database, add: Add) -> None:
    sure(asked(db, email("li"), Wish(follows=("bulletin:huoju",)), origin="198.51.100.1"))  # a stranger
    own = sure(asked(db, email("li"), Wish(follows=("topic:a",))))
    confirmed(db, own)
    assert endpoint(db, own).follows == ("topic:a",)
    waiting = add(email("wang"), follows=("all",), consent="").endpoints[0]  # an administrator's
    confirmed(db, found := sure(asked(db, email("wang"), Wish(follows=("topic:a",)))))
    assert (found.endpoint_id, endpoint(db, found).follows) == (waiting.id, ("topic:a",))


def test_a_yes_brings_back_nobody_who_was_removed(db: Database) -> None:
    found = sure(asked(db, email("li"), Wish(follows=("all",))))
    with db.transaction():
        directory.remove(db, directory.get(db, endpoint(db, found).subscriber_id), at(NOW))
    assert confirmed(db, found) is Answer.OVER
    assert db.value("SELECT state FROM endpoints") == "gone"


def test_leaving_again_ends_what_a_stranger_asked_for_since(db: Database, add: Add) -> None:
    [left] = add(email("li")).endpoints
    with db.transaction():
        directory.opt_out(db, left.id, at(NOW, READER, Way.PAGE))
    found = sure(asked(db, email("li")))
    with db.transaction():
        directory.opt_out(db, left.id, at(NOW, READER, Way.PAGE))
    assert confirmed(db, found) is Answer.OVER
    assert endpoint(db, found).state is EndpointState.SUPPRESSED


# Limits


def test_one_address_is_asked_so_often_a_day_by_whoever_asks(db: Database) -> None:
    limits = Limits(address=2, network=99)
    origins = [f"198.51.{n}.1" for n in range(3)]
    found = [asked(db, email("li"), origin=origin, limits=limits) for origin in origins]
    assert [item is not None for item in found] == [True, True, False]
    assert asked(db, Address("email", "LI@EXAMPLE.com", "email"), origin="203.0.113.1", limits=limits) is None
    assert asked(db, email("li+2"), origin="203.0.113.1", limits=limits) is None
    assert asked(db, email("wang"), origin="203.0.113.1", limits=limits)
    assert asked(db, email("li"), now=NOW + DAY + 1, limits=limits)


def test_one_network_asks_so_often_an_hour_for_whomever(db: Database) -> None:
    limits = Limits(address=99, network=2)
    found = [asked(db, email(f"r{n}"), origin=f"192.0.2.{n}", limits=limits) for n in range(3)]
    assert [item is not None for item in found] == [True, True, False]
    assert db.value("SELECT COUNT(*) FROM endpoints") == 2
    assert asked(db, email("r3"), origin="192.0.3.1", limits=limits)
    assert asked(db, email("r2"), origin="192.0.2.9", now=NOW + HOUR + 1, limits=limits)


def test_an_administrator_is_not_counted(db: Database) -> None:
    assert all(asked(db, email("li"), origin="", limits=None) for _ in range(3))
    assert db.rows("SELECT * FROM asks") == []


def test_who_was_asked_within_a_day_may_still_answer(db: Database) -> None:
    assert not consent.waits(db, email("li"), NOW)
    found = sure(asked(db, email("li")))
    assert consent.waits(db, email("li"), NOW + DAY)
    assert not consent.waits(db, email("li"), NOW + DAY + 1)
    confirmed(db, found)
    assert not consent.waits(db, email("li"), NOW)


def test_what_is_counted_holds_no_address(db: Database) -> None:
    asked(db, email("li"))
    kept = " ".join(str(row) for row in db.rows("SELECT who FROM asks"))
    assert "192.0.2" not in kept
    assert "example" not in kept


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("2001:db8:1:ff::1", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("unix", "unix"),
    ],
)
def test_a_network_is_what_one_household_has(address: str, network: str) -> None:
    assert network_of(address) == network


# Suppressions that no endpoint stands for any more


def suppressed(db: Database, address: Address) -> None:
    with db.transaction():
        suppression.suppress(db, Hasher.load(db), address, "erased", NOW)


def test_an_address_that_nothing_may_go_to_is_not_added(db: Database, add: Add) -> None:
    suppressed(db, email("li"))
    with pytest.raises(Conflict, match=r"nothing may be sent to Li@example\.com \(erased\).*--ask"):
        add(email("wang"), Address("email", "Li@example.com", "email"))
    assert db.value("SELECT COUNT(*) FROM subscribers") == 0


def test_nobody_but_the_person_brings_back_an_address_that_was_asked_for_since(db: Database, add: Add) -> None:
    suppressed(db, email("li"))
    found = sure(asked(db, email("li"), origin="198.51.100.1"))  # anybody can ask
    with db.transaction(), pytest.raises(Conflict, match=r"until the person asks for it: send them a confirmation"):
        directory.confirm(db, found.endpoint_id, "a list", at(NOW))
    with db.transaction():
        directory.remove(db, directory.get(db, endpoint(db, found).subscriber_id), at(NOW))
    with pytest.raises(Conflict, match="nothing may be sent"):
        add(email("li"))


def test_who_stays_suppressed_has_agreed_to_nothing_new(db: Database, add: Add) -> None:
    gone = add(email("li"))
    with db.transaction():
        directory.opt_out(db, gone.endpoints[0].id, at(NOW))
        directory.remove(db, directory.get(db, gone.id), at(NOW))
    [again] = add(email("li"), consent="a list").endpoints
    assert (again.state, again.consent) == ("suppressed", "")
    assert proof.proofs(db, again.id)[-1].step == "withdrawn"


def test_a_first_digest_is_no_longer_owed_to_who_was_removed(db: Database, add: Add) -> None:
    found = sure(asked(db, email("li"), Wish(follows=("all",), first=True)))
    confirmed(db, found)
    with db.transaction():
        directory.remove(db, directory.get(db, endpoint(db, found).subscriber_id), at(NOW))
    add(email("li"), follows=("all",))
    assert db.rows("SELECT * FROM firsts") == []


def test_a_yes_lifts_the_suppression(db: Database, add: Add) -> None:
    suppressed(db, email("li"))
    found = sure(asked(db, email("li")))
    assert endpoint(db, found).state is EndpointState.PENDING
    confirmed(db, found)
    assert endpoint(db, found).state is EndpointState.ACTIVE
    assert suppression.reasons(db, Hasher.load(db), [email("li")]) == {}


def test_suppressions_are_found_in_any_spelling_and_tell_no_address(db: Database) -> None:
    suppressed(db, email("li"))
    asked_for = [Address("email", "LI@EXAMPLE.COM", "x"), Address("webhook", "li@example.com", "x"), email("wang")]
    assert suppression.reasons(db, Hasher.load(db), asked_for) == {("email", "li@example.com"): "erased"}
    assert "example" not in str(db.rows("SELECT * FROM suppressions"))


def test_the_hashes_of_two_stores_differ() -> None:
    assert Hasher("one").address(email("li")) != Hasher("two").address(email("li"))


def test_many_addresses_are_looked_up_in_slices(db: Database) -> None:
    suppressed(db, email("r7"))
    many = [email(f"r{n}") for n in range(12_000)]
    assert suppression.reasons(db, Hasher.load(db), many) == {("email", "r7@example.com"): "erased"}


# What is on record


def test_what_changes_is_on_record_with_who_and_by_which_way(db: Database, add: Add) -> None:
    person = add(email("li"), follows=("all",))
    [item] = person.endpoints
    with db.transaction():
        directory.follow(db, item.id, ["topic:a", "all"], at(LATER, "wang"))
        directory.unfollow(db, item.id, ["topic:a", "topic:x"], at(LATER, READER, Way.PAGE))
        directory.set_preferences(db, item.id, READS, at(LATER, READER, Way.PAGE))
        directory.pause(db, directory.endpoint(db, item.id), at(LATER, "wang"), until=LATER + DAY)
        directory.provider_state(db, item.id, EndpointState.GONE, "550 gone", at(LATER, "email", Way.PROVIDER))
    told = [
        (row["action"], row["actor"], row["way"], row["detail"])
        for row in reversed(audit.of_subject(db, audit.ENDPOINT, [item.id]))
    ]
    assert [row[:3] for row in told] == [
        ("followed", "wang", "command"),
        ("unfollowed", "reader", "page"),
        ("preferences", "reader", "page"),
        ("state", "wang", "command"),
        ("state", "email", "provider"),
    ]
    assert told[0][3] == {"follows": ["topic:a"]}
    assert told[1][3] == {"follows": ["topic:a"]}
    assert told[3][3] == {
        "from": "active",
        "reason": "paused by an administrator",
        "to": "paused",
        "until": LATER + DAY,
    }
    assert told[4][3] == {"from": "paused", "reason": "550 gone", "to": "gone"}
    [added] = audit.of_subject(db, audit.SUBSCRIBER, [person.id])
    assert (added["action"], added["detail"]) == ("added", {"endpoints": [item.id], "follows": ["all"]})


def test_what_changes_nothing_is_not_on_record(db: Database, add: Add) -> None:
    [item] = add(email("li"), follows=("all",)).endpoints
    before = audit.found(db, audit.Wanted())
    with db.transaction():
        directory.follow(db, item.id, ["all"], at(LATER))
        directory.unfollow(db, item.id, ["topic:x"], at(LATER))
        directory.resume(db, item, at(LATER))
    assert audit.found(db, audit.Wanted()) == before


def _follow_and_take(db: Database, item: Endpoint, taken: Address) -> None:
    directory.follow(db, item.id, ["all"], at(LATER))
    directory.add(db, name="", addresses=[taken], follows=[], preferences=READS, consent="", act=at(LATER))


def test_an_act_that_fails_is_not_on_record(db: Database, add: Add) -> None:
    [item] = add(email("li")).endpoints
    before = audit.found(db, audit.Wanted())
    with pytest.raises(Conflict), db.transaction():
        _follow_and_take(db, item, email("li"))
    assert audit.found(db, audit.Wanted()) == before


def test_the_record_is_read_page_by_page(db: Database, add: Add) -> None:
    [item] = add(email("li")).endpoints
    for n in range(5):
        with db.transaction():
            directory.follow(db, item.id, [f"topic:{n}"], at(LATER + n))
    first = audit.of_subject(db, audit.ENDPOINT, [item.id], page=2)
    second = audit.of_subject(db, audit.ENDPOINT, [item.id], page=2, before=first[-1]["id"])
    assert [row["detail"]["follows"] for row in first + second] == [["topic:4"], ["topic:3"], ["topic:2"], ["topic:1"]]


# Pauses that end


def test_a_pause_until_a_date_ends_by_itself(db: Database, add: Add) -> None:
    paused = [add(email(f"r{n}")).endpoints[0] for n in range(3)]
    with db.transaction():
        for number, item in enumerate(paused):
            assert directory.pause(db, item, at(NOW), until=NOW + number * DAY if number else None)
    with db.transaction():
        assert directory.resume_due(db, at(NOW + DAY, audit.PROGRAM, Way.SCHEDULE)) == 1
    found = [directory.endpoint(db, item.id) for item in paused]
    assert [item.state for item in found] == ["paused", "active", "paused"]
    assert [item.paused_until for item in found] == [None, None, NOW + 2 * DAY]


def test_a_pause_is_made_longer_by_pausing_again(db: Database, add: Add) -> None:
    [item] = add(email("li")).endpoints
    with db.transaction():
        assert directory.pause(db, item, at(NOW), until=LATER)
        again = directory.endpoint(db, item.id)
        assert not directory.pause(db, again, at(NOW), until=LATER)
        assert directory.pause(db, again, at(NOW), until=LATER + DAY)
    assert directory.endpoint(db, item.id).paused_until == LATER + DAY


def test_who_leaves_in_a_pause_does_not_come_back_when_it_ends(db: Database, add: Add) -> None:
    [item] = add(email("li")).endpoints
    with db.transaction():
        directory.pause(db, item, at(NOW), until=LATER)
        directory.opt_out(db, item.id, at(NOW))
        assert directory.resume_due(db, at(LATER + 1)) == 0
    assert directory.endpoint(db, item.id).state is EndpointState.SUPPRESSED


def test_a_yes_does_not_end_an_administrators_pause_and_does_the_readers_own(db: Database, add: Add) -> None:
    ends = []
    for name, by in (("li", "wang"), ("zhou", READER)):
        [item] = add(email(name)).endpoints
        with db.transaction():
            directory.pause(db, item, at(NOW, by), until=LATER)
        confirmed(db, found := sure(asked(db, email(name), Wish(follows=("all",)))))
        ends.append((endpoint(db, found).state, endpoint(db, found).paused_until, endpoint(db, found).follows))
    assert ends == [("paused", LATER, ("all",)), ("active", None, ("all",))]
