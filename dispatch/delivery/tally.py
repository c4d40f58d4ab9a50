"""What became of deliveries, counted: by SQL a slice at a time, summed here. Memory does not grow with their number."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dispatch.delivery.slices import Advance, Slice, silent, slices
from dispatch.model import DeliveryState, MessageState
from subscribers.database import Database, Row, queries

SQL = queries(Path(__file__).with_name("tally.sql"))
PAUSED, WAITING = "paused", "waiting"
# What becomes of a delivery, in the order it is shown: the states, but of those planned the paused ones apart from
# those that wait. That it was planned is said of every delivery, whatever became of it.
STANDINGS = (
    *(DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.EXPIRED, DeliveryState.SUPPRESSED),
    *(DeliveryState.CANCELLED, WAITING, PAUSED),
)
OTHER = "other reasons"
_MOST_REASONS = 2_000
_MOST_BINS = 4_096
_LONGEST = 300
# What makes every receiver's words different though they say the same, and what a report should not name.
_PERSONAL = re.compile(r"<?[\w.+%-]+@[\w-]+(?:\.[\w-]+)+>?")
_NUMBERS = re.compile(r"\b(?=[0-9A-Za-z-]*\d)[0-9A-Za-z]{6,}(?:-[0-9A-Za-z]+)*\b|\b\d{4,}\b")


def standing(state: str, message_state: str | None) -> str:
    """A delivery's state; of a planned one, whether it waits or its message is paused."""
    if state != DeliveryState.PLANNED:
        return state
    return PAUSED if message_state == MessageState.PAUSED else WAITING


def folded(reason: str) -> str:
    """A reason without addresses and ids, so that those alike count together."""
    return _NUMBERS.sub("…", _PERSONAL.sub("‹address›", reason[:_LONGEST]))


class Reasons:
    """Counts reasons by state. Beyond two thousand different ones, new ones count as others: a receiver that words
    each refusal anew fills no memory."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, state: str, reason: str, count: int) -> None:
        key = (state, folded(reason))
        if key not in self._counts and len(self._counts) >= _MOST_REASONS:
            key = (state, OTHER)
        self._counts[key] += count

    def commonest(self, most: int) -> list[tuple[str, str, int]]:
        """(state, reason, deliveries), the commonest first."""
        ordered = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        return [(*key, count) for key, count in ordered[:most]]


class Timeline:
    """Counts by time and channel, by the second at first; where that fills too many bins, they become twice as wide."""

    def __init__(self) -> None:
        self.seconds = 1
        self.bins: Counter[tuple[int, str]] = Counter()

    def add(self, second: int, channel: str, count: int) -> None:
        self.bins[second // self.seconds, channel] += count
        while len(self.bins) > _MOST_BINS:
            self._widen()

    def _widen(self) -> None:
        wider: Counter[tuple[int, str]] = Counter()
        for (place, channel), count in self.bins.items():
            wider[place // 2, channel] += count
        self.bins = wider
        self.seconds *= 2

    def points(self) -> list[tuple[int, str, int]]:
        """(second at which the bin begins, channel, count), in the order of time."""
        return [(place * self.seconds, channel, count) for (place, channel), count in sorted(self.bins.items())]


@dataclass
class Tally:
    """All counts of an issue's deliveries, or of all. Latencies are from due to sent in ms, to three digits."""

    standings: Counter[tuple[int, str, str]] = field(default_factory=Counter)  # digest, channel, standing
    attempted: Counter[str] = field(default_factory=Counter)  # channel
    tries: Counter[tuple[str, int]] = field(default_factory=Counter)  # channel, attempts it took until sent
    attempts: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # channel, outcome, code
    busy_ms: Counter[str] = field(default_factory=Counter)  # channel
    latencies: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    reasons: Reasons = field(default_factory=Reasons)
    sent: Timeline = field(default_factory=Timeline)
    planned_from: int | None = None
    planned_to: int | None = None

    @property
    def total(self) -> int:
        return sum(self.standings.values())

    def by_channel(self) -> dict[str, Counter[str]]:
        """Each channel's deliveries by standing."""
        found: dict[str, Counter[str]] = {}
        for (_, channel, stands), count in sorted(self.standings.items()):
            found.setdefault(channel, Counter())[stands] += count
        return found

    def by_digest(self) -> dict[int, Counter[str]]:
        found: dict[int, Counter[str]] = {}
        for (digest, _, stands), count in sorted(self.standings.items()):
            found.setdefault(digest, Counter())[stands] += count
        return found


def summary(db: Database, issue_id: int | None, advance: Advance = silent) -> Tally:
    """Where deliveries stand and why, of an issue or of all."""
    tally = Tally()
    for part in slices(db, issue_id):
        _standings(db, part, tally)
        _reasons(db, part, tally)
        advance(part.size)
    return tally


def count_issue(db: Database, issue_id: int, expire_ms: Mapping[str, int], advance: Advance = silent) -> Tally:
    """All that is known of an issue's deliveries. `expire_ms` is how long each channel's messages are worth sending."""
    tally = Tally()
    for part in slices(db, issue_id):
        _standings(db, part, tally)
        _reasons(db, part, tally)
        for row in db.all(SQL["sent_seconds"], part.params):
            tally.sent.add(row["second"], row["channel"], row["deliveries"])
        for channel, ms, count in _latencies(db, part, expire_ms):
            tally.latencies[channel][max(ms, 0)] += count
        for row in db.all(SQL["attempts"], part.params):
            tally.attempts[row["channel"], row["outcome"], row["code"][:20]] += row["attempts"]
            tally.busy_ms[row["channel"]] += int(row["busy_ms"])
        advance(part.size)
    return tally


def _standings(db: Database, part: Slice, tally: Tally) -> None:
    for row in db.all(SQL["standings"], part.params):
        channel, count = row["channel"], row["deliveries"]
        tally.standings[part.digest, channel, standing(row["state"], row["message_state"])] += count
        if row["attempts"] or row["state"] in (DeliveryState.SENT, DeliveryState.FAILED):
            tally.attempted[channel] += count
        if row["state"] == DeliveryState.SENT and row["attempts"]:
            tally.tries[channel, row["attempts"]] += count
        tally.planned_from = min(row["planned_from"], tally.planned_from or row["planned_from"])
        tally.planned_to = max(row["planned_to"], tally.planned_to or 0)


def _reasons(db: Database, part: Slice, tally: Tally) -> None:
    for row in db.all(SQL["reasons"], part.params):
        if row["reason"]:
            tally.reasons.add(standing(row["state"], row["message_state"]), row["reason"], row["deliveries"])


def _latencies(db: Database, part: Slice, expire_ms: Mapping[str, int]) -> Iterator[tuple[str, int, int]]:
    for row in db.all(SQL["latencies"], part.params):
        yield row["channel"], row["ms"], row["deliveries"]
    for row in db.all(SQL["sent_later"], part.params):
        yield row["channel"], three_digits(row["ended_at"] - first_due(row, expire_ms)), 1


def first_due(row: Row, expire_ms: Mapping[str, int]) -> int:
    """When a message that was put off was due at first: its expiry less what its channel's are worth. Where that
    setting has changed since, the time may be none that can be, and the last due time has to do."""
    first = int(row["expires_at"]) - expire_ms.get(row["channel"], 0)
    return first if row["planned_at"] <= first <= row["due_at"] else int(row["due_at"])


def three_digits(ms: int) -> int:
    """A number rounded down to three digits, as the queries do it."""
    step = 1
    while ms // step >= 1000 and step < 1_000_000:
        step *= 10
    return ms // step * step


def quantile(counts: Mapping[int, int], share: float) -> int | None:
    """The value that `share` of all are no greater than; None without any."""
    wanted, seen = share * sum(counts.values()), 0
    for value, count in sorted(counts.items()):
        seen += count
        if seen >= wanted:
            return value
    return None
