"""What comes of reports: for whom, how often, and for nobody without a signature."""

from __future__ import annotations

import pytest

from dispatch.bounces.desk import Desk, Done
from dispatch.delivery import bounces, reports
from dispatch.delivery.retention import Sweep
from dispatch.model import Outcome, Rejected, Retry
from dispatch.settings import RetentionSettings
from dispatch.web import preferences
from subscribers import audit, consent, directory
from subscribers.audit import READER, Act, Way
from subscribers.consent import Wish
from subscribers.model import COMPLAINED, OPTED_OUT, Address, EndpointState
from subscribers.proof import Step, proofs
from subscribers.suppression import Hasher
from subscribers.tokens import Purpose, rotate
from tests.acts import at
from tests.bounces.conftest import DAY, LIMITS, Office
from tests.bounces.mails import FORMS, complaint

BY_NAME = {form.name: form.text for form in FORMS}
DEAD, FULL, BLOCKED = BY_NAME["postfix, no such user"], BY_NAME["full mailbox"], BY_NAME["listed as spam"]


def test_an_address_at_which_nobody_is_is_suppressed_at_once_and_on_record(office: Office) -> None:
    message = office.issue()
    result = office.come(office.written(DEAD, message))
    assert (result.done, result.endpoint_id, result.message_id) == (Done.SUPPRESSED, office.endpoint, message)
    assert office.li.state is EndpointState.SUPPRESSED
    assert office.li.reason.startswith("mail came back: 550 5.1.1")
    act = audit.of_subject(office.desk.db, audit.ENDPOINT, [office.endpoint])[0]
    assert (act["way"], act["detail"]["to"]) == ("mail", "suppressed")
    [delivery] = reports.deliveries(office.desk.db)
    story = reports.story(office.desk.db, delivery["id"], office.desk.clock.now())
    assert (story.row["state"], [item["kind"] for item in story.returned]) == ("sent", ["hard"])


def test_the_same_report_counts_once(office: Office) -> None:
    mail = office.written(DEAD, office.issue())
    office.come(mail)
    with office.desk.db.transaction():
        directory.reactivate(office.desk.db, office.li, "", at(office.desk.clock.now()))
    records = office.count("audit")
    assert office.come(mail).done is Done.KNOWN
    assert office.li.state is EndpointState.ACTIVE
    assert (office.count("bounces"), office.count("audit")) == (1, records)


@pytest.mark.parametrize("text", [DEAD, FULL, complaint(), BY_NAME["qmail"]])
def test_a_report_without_a_signature_of_ours_suppresses_nobody(office: Office, text: str) -> None:
    message = office.issue()
    forged = f"bounces+{message:012x}{office.endpoint:08x}{'0' * 24}@bulletin.test"
    result = office.come(office.written(text, message, to=forged, token=f"{office.endpoint}.forged"))
    assert result.done is Done.UNSIGNED
    assert not result.done.understood
    assert (office.li.state, office.count("bounces")) == (EndpointState.ACTIVE, 0)


def test_the_path_of_one_message_speaks_for_its_reader_alone(office: Office) -> None:
    other = office.desk.reader("wang@example.com", "topic:b")
    message = office.issue()
    text = DEAD.replace("Return-Path: <>", "Return-Path: <>\nX-Failed-Recipients: wang@example.com")
    office.come(office.written(text, message, reader="wang@example.com"))
    assert directory.endpoint(office.desk.db, other).state is EndpointState.ACTIVE
    assert office.li.state is EndpointState.SUPPRESSED


def test_a_path_to_another_endpoint_than_the_messages_is_of_the_past(office: Office) -> None:
    other = office.desk.reader("wang@example.com", "topic:b")
    message = office.issue()
    result = office.come(office.written(DEAD, message, to=office.paths.make(message, other)))
    assert result.done is Done.PAST
    assert office.come(office.written(DEAD, 10**9)).done is Done.PAST


def test_what_was_signed_with_an_older_key_still_counts(office: Office) -> None:
    mail = office.written(DEAD, office.issue())
    with office.desk.db.transaction():
        rotate(office.desk.db, office.desk.clock.now())
    assert office.paths.reload(office.desk.db)
    assert office.signer.reload(office.desk.db)
    assert office.come(mail).done is Done.SUPPRESSED


def test_without_return_paths_the_token_of_the_message_tells(office: Office) -> None:
    message = office.issue()
    desk = Desk(office.signer, None, LIMITS)
    office.reports = desk
    assert office.come(office.written(DEAD, message, to="news@bulletin.test")).done is Done.SUPPRESSED


def soft(office: Office, text: str = FULL, days: int = 1) -> Done:
    """A message that comes back, some days later than the last."""
    office.desk.clock.ms += days * DAY
    return office.come(office.written(text, office.issue())).done


def test_a_full_mailbox_is_paused_on_the_third_day(office: Office) -> None:
    assert [soft(office), soft(office, days=0), soft(office)] == [Done.COUNTED] * 3
    assert office.state == "active"
    assert soft(office) is Done.PAUSED
    assert office.state == "paused"
    assert office.li.reason.startswith("mail came back on 3 days out of 30; last: ")
    preferences.resume(office.desk.db, office.endpoint, Act(office.desk.clock.now(), READER, Way.PAGE))
    assert office.state == "active"


def test_what_is_about_us_pauses_nobody(office: Office) -> None:
    """It would be all of a provider's readers, for a DNS record of ours."""
    assert {soft(office, BLOCKED) for _ in range(8)} == {Done.COUNTED}
    assert office.state == "active"


def test_a_pause_uses_the_score_up(office: Office) -> None:
    for _ in range(3):
        soft(office)
    with office.desk.db.transaction():
        directory.resume(office.desk.db, office.li, at(office.desk.clock.now()))
    assert [soft(office), soft(office), soft(office)] == [Done.COUNTED, Done.COUNTED, Done.PAUSED]


def test_what_is_long_ago_counts_no_more(office: Office) -> None:
    assert [soft(office), soft(office), soft(office, days=31)] == [Done.COUNTED] * 3
    assert office.li.state is EndpointState.ACTIVE


def test_a_message_that_must_have_arrived_ends_the_score(office: Office) -> None:
    soft(office)
    soft(office)
    office.desk.clock.ms += DAY
    office.issue()
    assert soft(office, days=7) is Done.COUNTED  # six days after the one of which nothing came back
    assert [soft(office), soft(office)] == [Done.COUNTED, Done.PAUSED]


@pytest.mark.parametrize(
    ("outcome", "kinds"),
    [
        (Rejected("552 5.2.2 full", code="552"), ["soft"]),
        (Rejected("554 5.7.1 spam", code="554"), ["block"]),
        (Retry("452 4.2.2 full", code="452"), ["soft"]),
        (Retry("421 4.3.0 closing", code="421", suspect=True), []),
        (Retry("went away", code="lost", suspect=True), []),
        (Rejected("no SMTPUTF8", code="smtputf8"), []),
        (Rejected("550 5.1.1 no such user", code="550", endpoint_state="suppressed"), []),
    ],
)
def test_what_is_refused_in_the_session_until_the_end_counts(
    office: Office, outcome: Outcome, kinds: list[str]
) -> None:
    office.issue(outcome)
    rows = bounces.page_of(office.desk.db)
    assert [(row["kind"], row["source"]) for row in rows] == [(kind, "smtp") for kind in kinds]


def test_refusals_in_the_session_pause_an_endpoint_too(office: Office) -> None:
    for _ in range(3):
        office.desk.clock.ms += DAY
        office.issue(Rejected("552 5.2.2 full", code="552"))
    assert bounces.score_new(office.desk.db, LIMITS, office.desk.clock.now()) == 1
    assert office.li.state is EndpointState.PAUSED
    assert bounces.score_new(office.desk.db, LIMITS, office.desk.clock.now()) == 0


def test_what_an_old_address_did_says_nothing_of_the_new_one(office: Office) -> None:
    message = office.issue()
    office.desk.clock.ms += 1_000
    with office.desk.db.transaction():
        directory.change_address(office.desk.db, office.endpoint, "new@example.com", at(office.desk.clock.now()))
    assert office.come(office.written(DEAD, message)).done is Done.COUNTED
    assert office.li.state is EndpointState.ACTIVE


def test_a_complaint_ends_it_as_the_readers_own_wish(office: Office) -> None:
    message = office.issue()
    result = office.come(office.written(complaint(), message))
    assert (result.done, result.message_id) == (Done.SUPPRESSED, message)
    assert (office.li.reason, office.li.opted_out) == (COMPLAINED, True)
    assert [proof.step for proof in proofs(office.desk.db, office.endpoint)][-1] is Step.WITHDRAWN
    assert office.come(office.written(complaint(), message)).done is Done.KNOWN


def test_a_complaint_whose_return_path_was_taken_out_is_known_by_its_token(office: Office) -> None:
    message = office.issue()
    redacted = office.written(complaint(), message, to="redacted")
    assert (office.come(redacted).done, office.come(redacted).done) == (Done.SUPPRESSED, Done.KNOWN)
    assert bounces.page_of(office.desk.db)[0]["message_id"] == message


def test_a_complaint_of_which_no_message_is_known_counts_once(office: Office) -> None:
    mail = office.written(complaint(), 10**9, to="redacted")
    assert [office.come(mail).done, office.come(mail).done] == [Done.SUPPRESSED, Done.KNOWN]
    assert bounces.page_of(office.desk.db)[0]["message_id"] == 0


def test_a_wish_by_mail_is_carried_out(office: Office) -> None:
    wish = f"From: x@y.test\nSubject: unsubscribe {office.signer.leave(office.endpoint, 'topic:a')}\n\n"
    assert office.come(wish.encode()).done is Done.UNSUBSCRIBED
    assert (office.li.follows, office.li.state) == ((), EndpointState.ACTIVE)
    wish = f"From: x@y.test\nSubject: unsubscribe {office.signer.leave(office.endpoint)}\n\n"
    assert [office.come(wish.encode()).done, office.come(wish.encode()).done] == [Done.UNSUBSCRIBED, Done.KNOWN]
    assert office.li.reason == OPTED_OUT
    acts = audit.of_subject(office.desk.db, audit.ENDPOINT, [office.endpoint])
    assert (acts[0]["actor"], acts[0]["way"]) == (READER, "mail")
    forged = f"From: x@y.test\nSubject: unsubscribe {office.signer.leave(office.endpoint)[:-3]}AAA\n\n"
    assert office.come(forged.encode()).done is Done.UNSIGNED


@pytest.mark.parametrize("tag", ["", "topic:a"])
def test_a_wish_from_a_group_by_mail_changes_nothing_there(office: Office, tag: str) -> None:
    group = office.desk.reader("-1001234", "topic:a", channel="telegram")
    wish = f"From: x@y.test\nSubject: unsubscribe {office.signer.leave(group, tag)}\n\n"
    assert office.come(wish.encode()).done is Done.SHARED
    kept = directory.endpoint(office.desk.db, group)
    assert (kept.follows, kept.state) == (("topic:a",), EndpointState.ACTIVE)


def test_a_yes_by_mail_is_carried_out_in_its_time(office: Office) -> None:
    now = office.desk.clock.now()
    with office.desk.db.transaction():
        asked = consent.ask(
            office.desk.db, Hasher.load(office.desk.db), Address("email", "wang@example.com", "email"),
            Wish("", ("all",)), "好", Act(now, READER, Way.PAGE), "", None,
        )  # fmt: skip
    assert asked is not None
    token = office.signer.token(Purpose.CONFIRM, asked.consent_id, now + DAY)
    mail = f"From: x@y.test\nSubject: confirm {token}\n\n".encode()
    assert [office.come(mail).done, office.come(mail).done] == [Done.CONFIRMED, Done.KNOWN]
    assert directory.endpoint(office.desk.db, asked.endpoint_id).state is EndpointState.ACTIVE
    office.desk.clock.ms += 2 * DAY
    assert office.come(mail).done is Done.OVER


@pytest.mark.parametrize("name", ["a reader's vacation", "postfix, still trying", "a receipt", "somebody writes"])
def test_what_is_no_report_changes_nothing(office: Office, name: str) -> None:
    result = office.come(office.written(BY_NAME[name], office.issue()))
    assert result.done is (Done.UNKNOWN if name == "somebody writes" else Done.IGNORED)
    assert office.count("bounces") == 0


def test_a_paused_or_pending_endpoint_is_not_paused_again(office: Office) -> None:
    messages = []
    for _ in range(3):
        office.desk.clock.ms += DAY
        messages.append(office.issue())
    with office.desk.db.transaction():
        directory.pause(office.desk.db, office.li, at(office.desk.clock.now()))
    reason = office.li.reason
    for message in messages:
        office.desk.clock.ms += DAY
        assert office.come(office.written(FULL, message)).done is Done.COUNTED
    assert office.li.reason == reason


def test_a_test_message_that_comes_back_is_written_down(office: Office) -> None:
    message = office.issue()
    with office.desk.db.transaction():
        office.desk.db.run("UPDATE messages SET endpoint_id = NULL WHERE id = :id", {"id": message})
    result = office.come(office.written(DEAD, message, to=office.paths.make(message, 0)))
    assert (result.done, result.endpoint_id) == (Done.COUNTED, 0)
    assert office.li.state is EndpointState.ACTIVE


def test_what_came_back_is_kept_as_long_as_messages(office: Office) -> None:
    soft(office)
    office.desk.clock.ms += 20 * DAY
    soft(office)
    office.desk.clock.ms += 20 * DAY
    settings = RetentionSettings(deliveries_days=30)
    dry, real = (Sweep(settings, office.desk.clock.now(), dry=dry) for dry in (True, False))
    for sweep in (dry, real):
        while sweep.slice(office.desk.db):
            pass
        assert sweep.pruned.bounces == 1
    assert office.count("bounces") == 1
