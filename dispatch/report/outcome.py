"""What became of an issue, as values: made from the tally of its deliveries, shown by the command line and the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dispatch import archive
from dispatch.archive import StoredIssue
from dispatch.delivery import tally
from dispatch.delivery.slices import Advance, silent
from dispatch.delivery.tally import STANDINGS, Tally, quantile
from dispatch.model import Digest
from dispatch.output import iso
from subscribers.database import Database

REASONS = 10
CODES = 8
_SECOND, _MINUTE, _HOUR, _DAY = 1_000, 60_000, 3_600_000, 86_400_000
# Where the bars of the latencies begin: steps that people think in.
EDGES = (
    *(0, 100, 200, 500, _SECOND, 2 * _SECOND, 5 * _SECOND, 10 * _SECOND, 20 * _SECOND, 30 * _SECOND),
    *(_MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 20 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, 16 * _HOUR, _DAY, 2 * _DAY, 4 * _DAY, 8 * _DAY, 16 * _DAY, 32 * _DAY),
)


@dataclass(frozen=True, slots=True)
class Counts:
    """Deliveries by where they stand, under a name: a channel's or a column's."""

    name: str
    standings: Mapping[str, int]
    attempted: int = 0
    articles: int = 0

    @property
    def total(self) -> int:
        return sum(self.standings.values())

    @property
    def sent(self) -> int:
        return self.standings["sent"]

    @property
    def rest(self) -> list[tuple[str, int]]:
        """What was not sent, by standing; what does not occur is left out."""
        return [(name, self.standings[name]) for name in STANDINGS if name != "sent" and self.standings[name]]


@dataclass(frozen=True, slots=True)
class Latency:
    """How long after they were due deliveries were sent, in ms: so long at most for half of them, for 90 and 99 in a
    hundred, for all."""

    channel: str
    count: int
    p50: int
    p90: int
    p99: int
    longest: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a report tells. Times are ms since 1970."""

    stored: StoredIssue
    made_at: int
    total: Counts
    channels: tuple[Counts, ...]
    columns: tuple[Counts, ...]
    latency: tuple[Latency, ...]  # of all, then of each channel, where there are several
    latencies: tuple[tuple[int, int], ...]  # (beginning of a bar, deliveries), from the first bar with any to the last
    sent_points: tuple[tuple[int, str, int], ...]  # (second, channel, deliveries)
    sent_seconds: int  # the width of such a point
    reasons: tuple[tuple[str, str, int], ...]
    tries: tuple[tuple[int, int], ...]  # (attempts, deliveries that were sent with so many)
    attempts: Mapping[tuple[str, str], int]  # (channel, outcome)
    codes: tuple[tuple[str, str, str, int], ...]  # (channel, outcome, code, attempts)
    answer_ms: Mapping[str, int]  # channel: how long an attempt took on average
    planned_from: int | None
    planned_to: int | None


def gather(
    db: Database,
    stored: StoredIssue,
    expire_ms: Mapping[str, int],
    now: int,
    *,
    english: str = "",
    language: str = "zh",
    advance: Advance = silent,
) -> Outcome:
    """Count an issue's deliveries; `english` is its bulletin's English name."""
    found = tally.count_issue(db, stored.id, expire_ms, advance)
    digests = [archive.digest(db, digest_id, english) for digest_id in archive.digest_ids(db, stored.id)]
    total: Counter[str] = sum(found.by_channel().values(), Counter())
    return Outcome(
        stored=stored,
        made_at=now,
        total=Counts("", total, found.attempted.total()),
        channels=_channels(found),
        columns=_columns(found, digests, language),
        latency=tuple(_latency(found)),
        latencies=_bars(found),
        sent_points=tuple(found.sent.points()),
        sent_seconds=found.sent.seconds,
        reasons=tuple(found.reasons.commonest(REASONS)),
        tries=_tries(found),
        attempts=_attempts(found),
        codes=_codes(found),
        answer_ms=_answer_ms(found),
        planned_from=found.planned_from,
        planned_to=found.planned_to,
    )


def _channels(found: Tally) -> tuple[Counts, ...]:
    return tuple(Counts(name, counts, found.attempted[name]) for name, counts in found.by_channel().items())


def _columns(found: Tally, digests: list[Digest], language: str) -> tuple[Counts, ...]:
    """A line a digest, those that nobody was owed too."""
    counts = found.by_digest()
    return tuple(
        Counts(_column(digest, language), counts.get(digest.id, Counter()), articles=len(digest.articles))
        for digest in digests
    )


def _column(digest: Digest, language: str) -> str:
    name = digest.column_en if language == "en" else digest.column
    return f"{name} ({digest.part}/{digest.parts})" if digest.parts > 1 else name


def _latency(found: Tally) -> list[Latency]:
    everything: Counter[int] = sum(found.latencies.values(), Counter())
    several = sorted(found.latencies.items()) if len(found.latencies) > 1 else []
    named = [("", everything), *several] if several else [(name, counts) for name, counts in found.latencies.items()]
    return [_quantiles(name, counts) for name, counts in named if counts]


def _quantiles(channel: str, counts: Counter[int]) -> Latency:
    p50, p90, p99, longest = (quantile(counts, share) or 0 for share in (0.5, 0.9, 0.99, 1))
    return Latency(channel, counts.total(), p50, p90, p99, longest)


def _bars(found: Tally) -> tuple[tuple[int, int], ...]:
    bars: Counter[int] = Counter()
    for counts in found.latencies.values():
        for ms, count in counts.items():
            bars[max(edge for edge in EDGES if edge <= ms)] += count
    there = [edge for edge in EDGES if bars[edge]]
    return tuple((edge, bars[edge]) for edge in EDGES if there and there[0] <= edge <= there[-1])


def _tries(found: Tally) -> tuple[tuple[int, int], ...]:
    counts: Counter[int] = Counter()
    for (_, attempts), count in found.tries.items():
        counts[attempts] += count
    return tuple(sorted(counts.items()))


def _attempts(found: Tally) -> dict[tuple[str, str], int]:
    counts: Counter[tuple[str, str]] = Counter()
    for (channel, outcome, _), count in found.attempts.items():
        counts[channel, outcome] += count
    return dict(sorted(counts.items()))


def _codes(found: Tally) -> tuple[tuple[str, str, str, int], ...]:
    """The commonest codes of what was not accepted at once."""
    unwell = [(key, count) for key, count in found.attempts.items() if key[1] != "sent" and key[2]]
    ordered = sorted(unwell, key=lambda item: (-item[1], item[0]))
    return tuple((*key, count) for key, count in ordered[:CODES])


def _answer_ms(found: Tally) -> dict[str, int]:
    attempts: Counter[str] = Counter()
    for (channel, _, _), count in found.attempts.items():
        attempts[channel] += count
    return {channel: found.busy_ms[channel] // count for channel, count in sorted(attempts.items())}


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The report for programs."""
    issue = outcome.stored
    return {
        "issue": {
            "id": issue.name,
            "title": issue.issue.title,
            "state": issue.state.value,
            "date": issue.issue.date.isoformat() if issue.issue.date else None,
            "approved_by": issue.approved_by,
            "approved_at": iso(issue.approved_at),
        },
        "made_at": iso(outcome.made_at),
        "planned_from": iso(outcome.planned_from),
        "planned_to": iso(outcome.planned_to),
        "total": _counts_json(outcome.total),
        "channels": [{"channel": item.name, **_counts_json(item)} for item in outcome.channels],
        "columns": [{"column": item.name, **_column_json(item)} for item in outcome.columns],
        "latency_ms": [
            {"channel": item.channel or "all", "count": item.count, **_latency_json(item)} for item in outcome.latency
        ],
        "latency_histogram": [{"from_ms": edge, "deliveries": count} for edge, count in outcome.latencies],
        "sent_over_time": {
            "seconds": outcome.sent_seconds,
            "points": [
                {"at": iso(second * 1000), "channel": channel, "deliveries": count}
                for second, channel, count in outcome.sent_points
            ],
        },
        "reasons": [
            {"state": state, "reason": reason, "deliveries": count} for state, reason, count in outcome.reasons
        ],
        "tries": [{"attempts": attempts, "deliveries": count} for attempts, count in outcome.tries],
        "attempts": [
            {"channel": channel, "outcome": name, "attempts": count}
            for (channel, name), count in outcome.attempts.items()
        ],
        "codes": [
            {"channel": channel, "outcome": name, "code": code, "attempts": count}
            for channel, name, code, count in outcome.codes
        ],
        "answer_ms": dict(outcome.answer_ms),
    }


def _counts_json(counts: Counts) -> dict[str, int]:
    standings = {name: counts.standings[name] for name in STANDINGS}
    return {"total": counts.total, "attempted": counts.attempted, **standings}


def _column_json(counts: Counts) -> dict[str, int]:
    standings = {name: counts.standings[name] for name in STANDINGS}
    return {"articles": counts.articles, "total": counts.total, **standings}


def _latency_json(found: Latency) -> dict[str, int]:
    return {"p50": found.p50, "p90": found.p90, "p99": found.p99, "longest": found.longest}
