"""Days and times as people write them."""

from __future__ import annotations

import datetime as dt

from subscribers.errors import InvalidValue

_DAY = dt.timedelta(days=1)


def moment(text: str, what: str, zone: dt.tzinfo | None = None, *, after: bool = False) -> int:
    """The ms of `2022-06-01`, where the day begins (or ends, with `after`), or of `2022-06-01T08:00`; in `zone`, else
    that of this machine.

    Raises InvalidValue, which begins with `what`.
    """
    try:
        found = dt.datetime.fromisoformat(text.strip()) + (_DAY if after and _is_day(text.strip()) else dt.timedelta())
        if found.tzinfo is None:
            found = found.replace(tzinfo=zone) if zone else found.astimezone()
        return int(found.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise InvalidValue(f"{what} {text!r}: write a day as 2022-06-01 or a time as 2022-06-01T08:00") from None


def _is_day(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True
