"""Who is in the directory, in which state, and what outlives whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from subscribers import directory
from subscribers.database import Database
from subscribers.errors import Conflict, DatabaseError, InvalidValue, NotFound
from subscribers.model import Address, Cadence, Endpoint, EndpointState, Holder, Preferences, Rhythm
from tests.acts import at
from tests.subscribers.conftest import NOW, Add, email, telegram, webhook

LATER = NOW + 1000
WEEKLY = Preferences(Rhythm(Cadence.WEEKLY, 4, 600, "Europe/Berlin", 1320, 420), "en", "titles", bundled=True)


def endpoint(db: Database, endpoint_id: int) -> Endpoint:
    return directory.find(db, f"e{endpoint_id}")[1][0]


def remove(db: Database, word: str) -> None:
    with db.transaction():
        directory.remove(db, directory.find(db, word)[0], at(LATER))


def holder(db: Database, name: str) -> Holder | None:
    return directory.holder_of(db, email(name))


# ---- add


def test_a_subscriber_comes_back_as_added(db: Database, add: Add) -> None:
    added = add(email("li"), webhook("a"), name="李娜", follows=("park:南昌高新区", "all"), preferences=WEEKLY)
    assert (added.name, added.created_at) == ("李娜", NOW)
    assert [item.address for item in added.endpoints] == [email("li"), webhook("a")]
    for item in added.endpoints:
        assert (item.subscriber_id, item.state, item.reason) == (added.id, EndpointState.ACTIVE, "")
        assert (item.consent, item.consented_at) == ("asked in writing", NOW)
        assert item.preferences == WEEKLY
        assert item.follows == ("all", "park:南昌高新区")
    assert list(directory.everyone(db)) == [added]


def test_without_consent_endpoints_are_pending(add: Add) -> None:
    item = add(email("li"), consent="").endpoints[0]
    assert (item.state, item.consent, item.consented_at) == (EndpointState.PENDING, "", None)


def test_a_subscriber_without_an_address_is_refused(db: Database, add: Add) -> None:
    with pytest.raises(InvalidValue, match="needs an address"):
        add()
    assert list(directory.everyone(db)) == []


def test_an_address_given_twice_is_one_endpoint(add: Add) -> None:
    again = replace(webhook("a"), secret="whsec_another")
    assert len(add(webhook("a"), email("li"), again, email("li")).endpoints) == 2


def test_an_address_of_somebody_else_is_refused_with_their_number(db: Database, add: Add) -> None:
    owner = add(email("li"), follows=("all",))
    with pytest.raises(Conflict, match=f"email address li@example.com belongs to subscriber {owner.id} already"):
        add(email("wang"), email("li"), follows=("topic:x",))
    assert list(directory.everyone(db)) == [owner]


def test_the_same_words_may_be_an_address_on_two_channels(db: Database, add: Add) -> None:
    twice = [Address("telegram", "@li", "telegram"), Address("other", "@li", "other")]
    first, second = add(*twice).endpoints
    with pytest.raises(InvalidValue, match=f"several endpoints \\({first.label}, {second.label}\\)"):
        directory.find(db, "@li")


def test_endpoints_of_one_rhythm_share_it(db: Database, add: Add) -> None:
    for name in "abc":
        add(email(name), preferences=WEEKLY)
    add(email("d"))
    assert sorted(map(str, directory.rhythms(db).values())) == sorted(map(str, [WEEKLY.rhythm, Rhythm()]))


# ---- find


def test_a_number_is_a_subscriber_with_all_endpoints(db: Database, add: Add) -> None:
    add(email("x"))
    wanted = add(email("li"), telegram("-1001"))
    assert directory.find(db, str(wanted.id)) == (wanted, wanted.endpoints)


def test_a_label_or_an_address_is_one_endpoint(db: Database, add: Add) -> None:
    add(email("x"))
    wanted = add(email("li"), telegram("-1001"))
    for word in (wanted.endpoints[1].label, "-1001"):
        assert directory.find(db, word) == (wanted, wanted.endpoints[1:])


def test_a_number_that_is_no_subscriber_may_be_a_chat(db: Database, add: Add) -> None:
    wanted = add(email("li"), telegram("123456789"))
    assert directory.find(db, "123456789") == (wanted, wanted.endpoints[1:])


@pytest.mark.parametrize(
    "word", ["", "0", "99", "e0", "e99", "e", "e-1", "wang@example.com", "9" * 19, "9" * 9999, f"e{'9' * 9999}", "７"]
)
def test_a_word_for_nobody_is_refused(db: Database, add: Add, word: str) -> None:
    add(email("li"))
    with pytest.raises(NotFound):
        directory.find(db, word)


@pytest.mark.parametrize("number", [0, -1, 99, 2**63, 10**30])
def test_a_number_of_nobody_is_refused(db: Database, number: int) -> None:
    with pytest.raises(NotFound, match=f"no subscriber {number}"):
        directory.get(db, number)


def test_subscribers_come_in_the_order_of_their_numbers_with_their_own_follows(db: Database, add: Add) -> None:
    added = [add(email(str(n)), telegram(f"{n}"), follows=(f"topic:{n}",)) for n in range(1, 30)]
    assert list(directory.everyone(db)) == added


# ---- follow and unfollow


def test_follows_are_added_once_and_stand_in_the_order_of_their_coming(db: Database, add: Add) -> None:
    item = add(email("li"), follows=("topic:x", "all", "topic:x")).endpoints[0]
    directory.follow(db, item.id, ["all", "column:a", "column:a"], at(LATER))
    assert endpoint(db, item.id).follows == ("all", "topic:x", "column:a")


def test_an_unfollow_drops_that_follow_of_that_endpoint_only(db: Database, add: Add) -> None:
    one, other = add(email("li"), telegram("1"), follows=("all", "topic:x")).endpoints
    assert directory.unfollow(db, one.id, ["all", "topic:unknown"], at(NOW)) == 1
    assert directory.unfollow(db, one.id, ["all"], at(NOW)) == 0
    assert endpoint(db, one.id).follows == ("topic:x",)
    assert endpoint(db, other.id).follows == ("all", "topic:x")


# ---- states


def test_a_pause_ends_with_a_resume(db: Database, add: Add) -> None:
    item = add(email("li")).endpoints[0]
    assert directory.pause(db, item, at(LATER))
    paused = endpoint(db, item.id)
    assert (paused.state, paused.reason) == (EndpointState.PAUSED, "paused by an administrator")
    assert directory.resume(db, paused, at(LATER))
    assert endpoint(db, item.id) == item


@pytest.mark.parametrize("state", [state for state in EndpointState if state is not EndpointState.ACTIVE])
def test_only_an_active_endpoint_is_paused(db: Database, add: Add, state: EndpointState) -> None:
    item = add(email("li")).endpoints[0]
    directory.set_state(db, item.id, state, "why", at(NOW))
    assert not directory.pause(db, endpoint(db, item.id), at(LATER))
    assert (endpoint(db, item.id).state, endpoint(db, item.id).reason) == (state, "why")


@pytest.mark.parametrize("state", [state for state in EndpointState if state is not EndpointState.PAUSED])
def test_only_a_paused_endpoint_is_resumed(db: Database, add: Add, state: EndpointState) -> None:
    item = add(email("li")).endpoints[0]
    directory.set_state(db, item.id, state, "why", at(NOW))
    assert not directory.resume(db, endpoint(db, item.id), at(LATER))
    assert (endpoint(db, item.id).state, endpoint(db, item.id).reason) == (state, "why")


def test_a_confirmation_makes_active_and_keeps_its_basis(db: Database, add: Add) -> None:
    one, other = add(email("li"), telegram("1"), consent="").endpoints
    directory.confirm(db, one.id, "clicked the link", at(LATER))
    found = endpoint(db, one.id)
    assert (found.state, found.consent, found.consented_at) == (EndpointState.ACTIVE, "clicked the link", LATER)
    assert endpoint(db, other.id) == other


def test_an_opt_out_suppresses_that_endpoint_and_says_why(db: Database, add: Add) -> None:
    one, other = add(email("li"), telegram("1")).endpoints
    directory.opt_out(db, one.id, at(LATER))
    found = endpoint(db, one.id)
    assert (found.state, found.reason) == (EndpointState.SUPPRESSED, "unsubscribed by the reader")
    assert endpoint(db, other.id) == other


def test_a_second_opt_out_keeps_the_time_of_the_first(db: Database, add: Add) -> None:
    item = add(email("li")).endpoints[0]
    for moment in (LATER, LATER + 5):
        directory.opt_out(db, item.id, at(moment))
    assert db.value("SELECT changed_at FROM endpoints") == LATER


def test_an_opt_out_counts_for_more_than_a_suppression_by_the_provider(db: Database, add: Add) -> None:
    item = add(email("li")).endpoints[0]
    directory.provider_state(db, item.id, EndpointState.SUPPRESSED, "550 no such user", at(NOW))
    directory.opt_out(db, item.id, at(LATER))
    assert endpoint(db, item.id).reason == "unsubscribed by the reader"
    assert db.value("SELECT changed_at FROM endpoints") == LATER


@pytest.mark.parametrize("state", EndpointState)
def test_no_answer_of_a_provider_changes_an_opt_out(db: Database, add: Add, state: EndpointState) -> None:
    item = add(email("li")).endpoints[0]
    directory.opt_out(db, item.id, at(NOW))
    left = endpoint(db, item.id)
    assert not directory.provider_state(db, item.id, state, "what a provider says", at(LATER))
    assert endpoint(db, item.id) == left


def test_an_answer_of_a_provider_is_kept_with_its_reason(db: Database, add: Add) -> None:
    one, other = add(email("li"), telegram("1")).endpoints
    assert directory.provider_state(db, one.id, EndpointState.GONE, "403 blocked", at(LATER))
    assert (endpoint(db, one.id).state, endpoint(db, one.id).reason) == (EndpointState.GONE, "403 blocked")
    assert endpoint(db, other.id) == other


# ---- mailboxes in another case


def test_a_mailbox_is_found_in_any_case_and_kept_as_typed(db: Database, add: Add) -> None:
    wanted = add(email("Li.Na"))
    assert wanted.endpoints[0].address.address == "Li.Na@example.com"
    for word in ("Li.Na@example.com", "li.na@example.com", "LI.NA@EXAMPLE.COM"):
        assert directory.find(db, word) == (wanted, wanted.endpoints)


def test_a_mailbox_in_another_case_is_no_second_endpoint(db: Database, add: Add) -> None:
    assert len(add(email("li"), email("LI")).endpoints) == 1
    with pytest.raises(Conflict):
        add(email("Li"))
    with pytest.raises(DatabaseError, match=r"(?i)unique"):
        db.run(
            "INSERT INTO endpoints (subscriber_id, channel, address, queue, state, language, format, bundled,"
            " rhythm_id, created_at, changed_at) SELECT subscriber_id, channel, upper(address), queue, state,"
            " language, format, bundled, rhythm_id, created_at, changed_at FROM endpoints"
        )


def test_an_opt_out_holds_for_a_mailbox_in_another_case(db: Database, add: Add) -> None:
    item = add(email("li")).endpoints[0]
    directory.opt_out(db, item.id, at(NOW))
    remove(db, "li@example.com")
    again = add(email("Li")).endpoints[0]
    assert (again.id, again.state) == (item.id, EndpointState.SUPPRESSED)
    assert again.address.address == "Li@example.com"


def test_the_case_of_a_web_address_tells_two_apart(add: Add) -> None:
    assert len(add(webhook("a"), webhook("A")).endpoints) == 2


def test_letters_beyond_ascii_are_compared_as_they_are(db: Database, add: Add) -> None:
    assert len(add(email("\u00e4"), email("\u00c4")).endpoints) == 2


# ---- remove, and who comes after


def test_a_removed_subscriber_is_nowhere_to_be_found(db: Database, add: Add) -> None:
    gone, stays = add(email("li"), telegram("1"), follows=("all",)), add(email("wang"), follows=("all",))
    remove(db, str(gone.id))
    assert list(directory.everyone(db)) == [stays]
    for word in (str(gone.id), gone.endpoints[0].label, "li@example.com"):
        with pytest.raises(NotFound):
            directory.find(db, word)
    assert [found and found.removed for found in (holder(db, "li"), holder(db, "wang"), holder(db, "zhao"))] == [
        True,
        False,
        None,
    ]


def test_a_removal_leaves_the_endpoints_gone_and_without_follows(db: Database, add: Add) -> None:
    item = add(email("li"), follows=("all", "topic:x")).endpoints[0]
    remove(db, "li@example.com")
    row = db.one("SELECT state, reason FROM endpoints WHERE id = :id", {"id": item.id})
    assert row == {"state": "gone", "reason": "subscriber removed"}
    assert db.value("SELECT COUNT(*) FROM follows") == 0


def test_the_address_of_a_removed_subscriber_can_be_used_again_as_the_same_endpoint(db: Database, add: Add) -> None:
    first = add(webhook("a"), follows=("all",), name="old")
    remove(db, str(first.id))
    again = replace(webhook("a"), secret="whsec_another")
    second = add(again, follows=("topic:x",), name="new", preferences=WEEKLY, consent="a second time", now=LATER)
    assert second.id != first.id
    item = second.endpoints[0]
    assert item.id == first.endpoints[0].id, "what was sent to it is not sent again"
    assert (item.address, item.preferences, item.follows) == (again, WEEKLY, ("topic:x",))
    assert (item.state, item.reason) == (EndpointState.ACTIVE, "")
    assert (item.consent, item.consented_at) == ("a second time", LATER)


def test_a_taken_over_address_without_consent_is_pending(db: Database, add: Add) -> None:
    add(email("li"))
    remove(db, "li@example.com")
    item = add(email("li"), consent="").endpoints[0]
    assert (item.state, item.consent, item.consented_at) == (EndpointState.PENDING, "", None)


@pytest.mark.parametrize("consent", ["", "asked in writing"])
def test_an_opt_out_outlives_removal_and_a_new_subscriber(db: Database, add: Add, consent: str) -> None:
    item = add(email("li"), follows=("all",)).endpoints[0]
    directory.opt_out(db, item.id, at(NOW))
    remove(db, "li@example.com")
    found = add(email("li"), follows=("all",), consent=consent).endpoints[0]
    assert (found.state, found.reason) == (EndpointState.SUPPRESSED, "unsubscribed by the reader")


def test_an_opt_out_ends_with_the_readers_own_confirmation(db: Database, add: Add) -> None:
    item = add(email("li")).endpoints[0]
    directory.opt_out(db, item.id, at(NOW))
    directory.confirm(db, item.id, "clicked the link", at(LATER))
    assert (endpoint(db, item.id).state, endpoint(db, item.id).reason) == (EndpointState.ACTIVE, "")


def test_removal_of_one_of_two_owners_after_a_take_over_leaves_the_new_one(db: Database, add: Add) -> None:
    old = add(email("li"), email("wang"))
    remove(db, str(old.id))
    first, second = add(email("li"), follows=("all",)), add(email("wang"), follows=("all",))
    remove(db, str(first.id))
    assert list(directory.everyone(db)) == [second]


# ---- changing an address


def test_a_changed_address_keeps_the_endpoint(db: Database, add: Add) -> None:
    item = add(telegram("-5"), follows=("all",)).endpoints[0]
    directory.change_address(db, item.id, "-1005", at(LATER))
    assert endpoint(db, item.id) == replace(item, address=telegram("-1005"))


def test_an_address_changed_to_itself_stays(db: Database, add: Add) -> None:
    item = add(telegram("-5")).endpoints[0]
    directory.change_address(db, item.id, "-5", at(LATER))
    assert endpoint(db, item.id) == item


def test_an_address_of_somebody_on_that_channel_is_not_taken(db: Database, add: Add) -> None:
    item, holder = add(telegram("-5")).endpoints[0], add(telegram("-1005")).endpoints[0]
    with pytest.raises(Conflict, match=f"moved to -1005, which is endpoint {holder.label}"):
        directory.change_address(db, item.id, "-1005", at(LATER))
    assert endpoint(db, item.id) == item


def test_an_opted_out_address_is_not_reached_by_a_change(db: Database, add: Add) -> None:
    item, left = add(telegram("-5")).endpoints[0], add(telegram("-1005")).endpoints[0]
    directory.opt_out(db, left.id, at(NOW))
    remove(db, "-1005")
    with pytest.raises(Conflict):
        directory.change_address(db, item.id, "-1005", at(LATER))


def test_a_secret_is_in_no_representation(add: Add) -> None:
    assert "whsec_" not in repr(add(webhook("a")))


def test_active_endpoints_are_counted_by_channel(db: Database, add: Add) -> None:
    add(email("a"), email("b"), telegram("1"))
    add(email("c"), consent="")
    counts = {row["channel"]: row["endpoints"] for row in db.all(directory.SQL["count_active"])}
    assert counts == {"email": 2, "telegram": 1}
