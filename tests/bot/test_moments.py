"""Times as the clock of the reader shows them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest

from dispatch.bot.desk import Desk, Office
from dispatch.bot.moments import moment
from dispatch.bot.scene import Place, Scene
from dispatch.catalog import load_catalog
from subscribers.database import Database

SHANGHAI = "Asia/Shanghai"


def ms(words: str, zone: str = SHANGHAI) -> int:
    return int(dt.datetime.fromisoformat(words).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("at", "zone", "chinese", "english"),
    [
        ("2026-11-25 08:00", SHANGHAI, "明天 08:00（Asia/Shanghai）", "tomorrow at 08:00 (Asia/Shanghai)"),
        ("2026-11-24 23:59", SHANGHAI, "今天 23:59（Asia/Shanghai）", "today at 23:59 (Asia/Shanghai)"),
        ("2026-12-01 08:00", SHANGHAI, "12月1日（周二）08:00（Asia/Shanghai）", "Tue, 1 Dec at 08:00 (Asia/Shanghai)"),
        ("2027-11-24 08:00", SHANGHAI, "2027-11-24 08:00（Asia/Shanghai）", "2027-11-24 08:00 (Asia/Shanghai)"),
        # It is the day before in New York, now and then.
        (
            "2026-11-25 08:00",
            "America/New_York",
            "明天 19:00（America/New_York）",
            "tomorrow at 19:00 (America/New_York)",
        ),
        ("2026-11-24 10:00", "America/New_York", "今天 21:00（America/New_York）", "today at 21:00 (America/New_York)"),
    ],
)
def test_a_moment_is_told_by_the_clock_of_the_reader(
    connect: Callable[[], Database], at: str, zone: str, chinese: str, english: str
) -> None:
    db, here = connect(), Place(7)
    now = ms("2026-11-24 08:00")
    office = Office(number=42, username="bot", queue="telegram", catalog=load_catalog())
    for language, words in (("zh", chinese), ("en", english)):
        desk = Desk(db, office, Scene(here, here, user_id=7, language=language), now)
        assert moment(desk, ms(at), zone) == words
