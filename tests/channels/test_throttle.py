"""A chat's limit, or the bot's own."""

from __future__ import annotations

from dispatch.channels.throttle import Throttle
from dispatch.model import Outcome, Rejected, Retry, Sent

BUSY = Retry("too many requests", "429", after=30)


class Watch:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def outages(throttle: Throttle, *answers: tuple[str, Outcome]) -> list[bool]:
    outcomes = [throttle.judged(chat, outcome) for chat, outcome in answers]
    return [isinstance(outcome, Retry) and outcome.outage for outcome in outcomes]


def test_several_chats_in_a_row_are_the_bots_limit_and_keep_what_was_asked_for() -> None:
    throttle = Throttle()
    assert outages(throttle, ("1", BUSY), ("2", BUSY), ("3", BUSY), ("4", BUSY)) == [False, False, True, True]
    judged = throttle.judged("5", BUSY)
    assert isinstance(judged, Retry)
    assert (judged.after, judged.counted) == (30, False)


def test_one_chat_that_is_refused_again_and_again_is_one_chat() -> None:
    assert outages(Throttle(), *[("1", BUSY)] * 9) == [False] * 9


def test_an_acceptance_in_between_shows_that_the_bot_may_write() -> None:
    answers: list[tuple[str, Outcome]] = [("1", BUSY), ("2", BUSY), ("3", Sent()), ("4", BUSY), ("5", BUSY)]
    assert outages(Throttle(), *answers) == [False] * 5


def test_other_refusals_say_nothing() -> None:
    answers: list[tuple[str, Outcome]] = [
        (str(chat), outcome) for chat in range(5) for outcome in (Rejected("no", "403"), Retry("x", "409"))
    ]
    assert outages(Throttle(), *answers) == [False] * 10


def test_what_was_a_minute_ago_was_not_together() -> None:
    watch = Watch()
    throttle = Throttle(watch)
    assert outages(throttle, ("1", BUSY), ("2", BUSY)) == [False, False]
    watch.seconds = 61
    assert outages(throttle, ("3", BUSY)) == [False]
