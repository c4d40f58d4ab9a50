"""When a message is due: by the reader's clock, never in the past, never in quiet hours."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.errors import InvalidValue
from subscribers.model import WEEKDAYS, Cadence, Rhythm
from subscribers.rhythm import clock, due_at, parse_rhythm, quiet_text, weekday_text

SHANGHAI, BERLIN, NEW_YORK = "Asia/Shanghai", "Europe/Berlin", "America/New_York"
ZONES = (SHANGHAI, BERLIN, NEW_YORK, "UTC", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns", "Africa/Cairo")


def stamp(text: str) -> int:
    """Milliseconds of a moment with its offset: 2026-03-29T08:00+02:00."""
    return int(dt.datetime.fromisoformat(text).timestamp() * 1000)


def local(moment: int, zone: str) -> dt.datetime:
    return dt.datetime.fromtimestamp(moment / 1000, ZoneInfo(zone))


def due(rhythm: Rhythm, now: str) -> str:
    return local(due_at(rhythm, stamp(now)), rhythm.timezone).isoformat(timespec="minutes")


def daily(at: str, zone: str, quiet: str = "") -> Rhythm:
    return parse_rhythm("daily", "", at, zone, quiet)


# ---- as people write them


def test_nothing_said_is_at_once_by_the_clocks_of_china() -> None:
    assert parse_rhythm() == Rhythm(Cadence.NOW, -1, -1, SHANGHAI, -1, -1)


def test_all_parts_are_read() -> None:
    found = parse_rhythm("weekly", "Fri", "18:30", BERLIN, "22:00-07:00")
    assert found == Rhythm(Cadence.WEEKLY, 4, 18 * 60 + 30, BERLIN, 22 * 60, 7 * 60)


def test_a_daily_or_weekly_message_comes_at_eight_and_on_monday_unless_said() -> None:
    assert parse_rhythm("daily").minute == 480
    assert (parse_rhythm("weekly").weekday, parse_rhythm("weekly").minute) == (0, 480)


@pytest.mark.parametrize(("word", "number"), [("mon", 0), ("TUE", 1), ("Sunday", 6), ("saturday", 5)])
def test_weekdays_are_read_short_and_long(word: str, number: int) -> None:
    assert parse_rhythm("weekly", word).weekday == number


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("hourly",), "cadence 'hourly': allowed are now, daily, weekly"),
        (("Daily ",), "cadence 'Daily '"),
        (("now", "", "08:00"), "needs --cadence daily or weekly"),
        (("", "mon"), "needs --cadence daily or weekly"),
        (("daily", "mon"), "a weekday needs --cadence weekly"),
        (("weekly", "monkey"), "weekday 'monkey': allowed are mon, tue"),
        (("weekly", "mo"), "weekday 'mo'"),
        (("weekly", "周一"), "weekday '周一'"),
        (("daily", "", "24:00"), "time of day '24:00': write it as 08:00"),
        (("daily", "", "8"), "time of day '8'"),
        (("daily", "", "08:60"), "time of day '08:60'"),
        (("daily", "", "8am"), "time of day '8am'"),
        (("daily", "", "-1:00"), "time of day '-1:00'"),
        (("daily", "", "08:00", "Mars/Olympus"), "time zone 'Mars/Olympus': write it as"),
        (("daily", "", "08:00", "Asia"), "time zone 'Asia'"),
        (("daily", "", "08:00", "../../etc/passwd"), "time zone '../../etc/passwd'"),
        (("daily", "", "08:00", "/etc/localtime"), "time zone '/etc/localtime'"),
        (("daily", "", "08:00", "Asia/Shang\0hai"), "time zone "),
        (("daily", "", "08:00", "x" * 5000), "time zone "),
        (("now", "", "", "", "22:00"), "quiet hours '22:00': write them as 22:00-07:00"),
        (("now", "", "", "", "22:00-"), "time of day ''"),
        (("now", "", "", "", "22:00-7"), "time of day '7'"),
        (("now", "", "", "", "22:00-22:00"), "begin and end at the same minute"),
        (("now", "", "", "", "22:00-07:00-08:00"), "time of day '07:00-08:00'"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_what_is_allowed(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        parse_rhythm(*words)
    assert message in str(refusal.value)
    assert refusal.value.exit_code == 2


minutes = st.integers(0, 1439)
quiets = st.one_of(st.just((-1, -1)), st.tuples(minutes, minutes).filter(lambda pair: pair[0] != pair[1]))


@st.composite
def rhythms(draw: st.DrawFn) -> Rhythm:
    cadence = draw(st.sampled_from(Cadence))
    return Rhythm(
        cadence,
        draw(st.integers(0, 6)) if cadence is Cadence.WEEKLY else -1,
        -1 if cadence is Cadence.NOW else draw(minutes),
        draw(st.sampled_from(ZONES)),
        *draw(quiets),
    )


@given(rhythms())
def test_a_rhythm_written_out_reads_back_the_same(rhythm: Rhythm) -> None:
    words = (rhythm.cadence, weekday_text(rhythm), clock(rhythm.minute), rhythm.timezone, quiet_text(rhythm))
    assert parse_rhythm(*words) == rhythm


# ---- when it is due

# Between 2024 and 2038; half of them within hours of a change of clocks, where the mistakes are.
_CHANGES = ("2026-03-29T01:00+00:00", "2026-10-25T01:00+00:00", "2026-03-08T07:00+00:00", "2026-11-01T06:00+00:00")
moments = st.one_of(
    st.integers(1_704_067_200_000, 2_145_916_800_000),
    st.builds(lambda text, off: stamp(text) + off, st.sampled_from(_CHANGES), st.integers(-90_000_000, 90_000_000)),
)


def in_quiet_hours(rhythm: Rhythm, moment: int) -> bool:
    here = local(moment, rhythm.timezone)
    minute, start, end = here.hour * 60 + here.minute, rhythm.quiet_from, rhythm.quiet_until
    return start >= 0 and (start <= minute < end if start < end else minute >= start or minute < end)


@given(rhythms(), moments)
def test_a_message_is_never_due_in_the_past_nor_in_quiet_hours(rhythm: Rhythm, now: int) -> None:
    found = due_at(rhythm, now)
    assert found >= now
    assert not in_quiet_hours(rhythm, found)


@given(rhythms(), moments)
def test_nobody_waits_longer_than_a_round_and_a_night(rhythm: Rhythm, now: int) -> None:
    days = {Cadence.NOW: 1, Cadence.DAILY: 2, Cadence.WEEKLY: 8}[rhythm.cadence]
    assert due_at(rhythm, now) - now <= (days * 24 + 2) * 3_600_000


@given(rhythms(), moments)
def test_without_quiet_hours_a_slot_is_at_its_minute_unless_the_clocks_skip_it(rhythm: Rhythm, now: int) -> None:
    plain = Rhythm(rhythm.cadence, rhythm.weekday, rhythm.minute, rhythm.timezone)
    found = due_at(plain, now)
    if plain.cadence is Cadence.NOW:
        assert found == now
        return
    here = local(found, plain.timezone)
    asked = here.replace(hour=plain.minute // 60, minute=plain.minute % 60)
    exists = asked.astimezone(dt.UTC).astimezone(here.tzinfo).replace(tzinfo=None) == asked.replace(tzinfo=None)
    assert here.replace(tzinfo=None) == asked.replace(tzinfo=None) or not exists
    assert plain.cadence is Cadence.DAILY or here.weekday() == plain.weekday


def test_at_once_is_at_once_to_the_millisecond() -> None:
    assert due_at(Rhythm(), 1_653_955_200_123) == 1_653_955_200_123


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-05-31T07:59:59.999+08:00", "2026-05-31T08:00+08:00"),
        ("2026-05-31T08:00+08:00", "2026-06-01T08:00+08:00"),
        ("2026-12-31T09:00+08:00", "2027-01-01T08:00+08:00"),
        ("2028-02-28T09:00+08:00", "2028-02-29T08:00+08:00"),
    ],
)
def test_a_daily_message_is_due_at_the_next_slot(now: str, then: str) -> None:
    assert due(daily("08:00", SHANGHAI), now) == then


@pytest.mark.parametrize(
    ("weekday", "then"),
    [
        ("wed", "2026-06-03T08:00+08:00"),
        ("tue", "2026-06-09T08:00+08:00"),
        ("mon", "2026-06-08T08:00+08:00"),
    ],
)
def test_a_weekly_message_is_due_on_its_day(weekday: str, then: str) -> None:
    assert WEEKDAYS[local(stamp("2026-06-02T08:00+08:00"), SHANGHAI).weekday()] == "tue"
    assert due(parse_rhythm("weekly", weekday, "08:00"), "2026-06-02T08:00+08:00") == then


@pytest.mark.parametrize(
    ("zone", "now", "then"),
    [
        (BERLIN, "2026-03-28T09:00+01:00", "2026-03-29T08:00+02:00"),
        (BERLIN, "2026-10-24T09:00+02:00", "2026-10-25T08:00+01:00"),
        (NEW_YORK, "2026-03-07T09:00-05:00", "2026-03-08T08:00-04:00"),
        (NEW_YORK, "2026-10-31T09:00-04:00", "2026-11-01T08:00-05:00"),
    ],
)
def test_eight_stays_eight_over_a_change_of_clocks(zone: str, now: str, then: str) -> None:
    assert due(daily("08:00", zone), now) == then


def test_a_weekly_eight_stays_eight_over_a_change_of_clocks() -> None:
    assert due(parse_rhythm("weekly", "mon", "08:00", BERLIN), "2026-03-23T09:00+01:00") == "2026-03-30T08:00+02:00"


@pytest.mark.parametrize(
    ("zone", "now", "then"),
    [
        (BERLIN, "2026-03-29T00:00+01:00", "2026-03-29T03:30+02:00"),
        (NEW_YORK, "2026-03-08T00:00-05:00", "2026-03-08T03:30-04:00"),
    ],
)
def test_a_slot_in_the_skipped_hour_comes_an_hour_later_by_the_clock(zone: str, now: str, then: str) -> None:
    assert due(daily("02:30", zone), now) == then


def test_a_slot_in_the_repeated_hour_comes_once() -> None:
    rhythm = daily("02:30", BERLIN)
    assert due(rhythm, "2026-10-25T00:00+02:00") == "2026-10-25T02:30+02:00"
    assert due(rhythm, "2026-10-25T02:30+02:00") == "2026-10-26T02:30+01:00"


@pytest.mark.parametrize(
    ("quiet", "now", "then"),
    [
        ("12:00-14:00", "11:59", "2026-05-31T11:59+08:00"),
        ("12:00-14:00", "12:00", "2026-05-31T14:00+08:00"),
        ("12:00-14:00", "13:59", "2026-05-31T14:00+08:00"),
        ("12:00-14:00", "14:00", "2026-05-31T14:00+08:00"),
        ("22:00-07:00", "21:59", "2026-05-31T21:59+08:00"),
        ("22:00-07:00", "22:00", "2026-06-01T07:00+08:00"),
        ("22:00-07:00", "23:59", "2026-06-01T07:00+08:00"),
        ("22:00-07:00", "00:00", "2026-05-31T07:00+08:00"),
        ("22:00-07:00", "06:59", "2026-05-31T07:00+08:00"),
        ("22:00-07:00", "07:00", "2026-05-31T07:00+08:00"),
        ("22:00-00:00", "23:00", "2026-06-01T00:00+08:00"),
        ("00:00-07:00", "00:00", "2026-05-31T07:00+08:00"),
    ],
)
def test_what_falls_into_quiet_hours_waits_for_their_end(quiet: str, now: str, then: str) -> None:
    assert due(parse_rhythm(quiet=quiet), f"2026-05-31T{now}+08:00") == then


def test_a_slot_within_quiet_hours_waits_for_their_end_too() -> None:
    assert due(daily("06:00", SHANGHAI, "22:00-07:00"), "2026-05-31T05:00+08:00") == "2026-05-31T07:00+08:00"


def test_quiet_hours_end_by_the_clock_over_a_change_of_clocks() -> None:
    rhythm = parse_rhythm(timezone=BERLIN, quiet="22:00-07:00")
    assert due(rhythm, "2026-03-28T23:00+01:00") == "2026-03-29T07:00+02:00"
    assert due(rhythm, "2026-10-24T23:00+02:00") == "2026-10-25T07:00+01:00"


def test_quiet_hours_that_end_in_the_repeated_hour_end_after_the_message_came_up() -> None:
    rhythm = parse_rhythm(timezone=BERLIN, quiet="01:00-02:30")
    assert due(rhythm, "2026-10-25T02:15+01:00") == "2026-10-25T02:30+01:00"


def test_china_has_no_change_of_clocks() -> None:
    rhythm = daily("08:00", SHANGHAI)
    start = stamp("2026-01-01T09:00+08:00")
    assert {local(due_at(rhythm, start + n * 86_400_000), SHANGHAI).hour for n in range(366)} == {8}
