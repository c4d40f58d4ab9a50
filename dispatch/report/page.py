"""The report as one HTML file: the drawings stand in it, the style too, and nothing is loaded from anywhere."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from markupsafe import Markup

from dispatch.delivery.tally import PAUSED, STANDINGS, WAITING
from dispatch.digests.templates import environment
from dispatch.digests.words import Words
from dispatch.errors import RenderError
from dispatch.output import plain
from dispatch.report import drawing
from dispatch.report.drawing import NARROW, WIDE, Series, Window
from dispatch.report.outcome import EDGES, Counts, Outcome

LANGUAGES = ("zh", "en")
_FOLDER = "report"


def render(outcome: Outcome, folders: Sequence[Path], language: str, title: str, zone: dt.tzinfo) -> str:
    """The page. `folders` are those of the templates, the first one first; `title` is the bulletin's name in the
    language, `zone` that of the times. Raises RenderError where a template of the installation's fails."""
    made = environment(folders)
    try:
        view = View(outcome, _words(folders, language), language, title, zone)
        style = Markup(made.get_template(f"{_FOLDER}/style.css").render())  # noqa: S704 - ours, no data in it
        page = made.get_template(f"{_FOLDER}/report.html.j2").render(view=view, say=view.say, style=style)
        return plain(page)  # nothing that stands in a title or an answer turns the text around it
    except Exception as error:  # whatever an installation's own template makes of the values
        raise RenderError(f"the report's template fails: {str(error) or type(error).__name__}") from error


def _words(folders: Sequence[Path], language: str) -> dict[str, Any]:
    """Words of a folder replace those of the ones after it, key by key."""
    found: dict[str, Any] = {}
    for folder in reversed(folders):
        for name in (f"frame.{language}.toml", f"{_FOLDER}/words.{language}.toml"):
            file = folder / name
            if file.is_file():
                found |= tomllib.loads(file.read_text(encoding="utf-8-sig"))
    return found


class View:
    """What the template shows, in words of the language."""

    def __init__(self, outcome: Outcome, words: dict[str, Any], language: str, title: str, zone: dt.tzinfo) -> None:
        self.outcome = outcome
        self.language = language
        self.lang = {"zh": "zh-CN"}.get(language, language)
        self.bulletin = title
        self._zone = zone
        self._words = Words(words, language)
        self.say = self._words.say

    # Words and numbers.

    @property
    def issue_line(self) -> str:
        issue = self.outcome.stored.issue
        if issue.number and issue.total:
            return self.say("issue_and_total", year=issue.year, number=issue.number, total=issue.total)
        return self.say("issue", year=issue.year, number=issue.number) if issue.number else issue.ref

    @property
    def date_line(self) -> str:
        date = self.outcome.stored.issue.date
        return self._words.date_line(date) if date else ""

    def name(self, key: str, kind: str) -> str:
        """A state's, channel's or outcome's name; a channel unknown to the words has its own."""
        found = self._words.table.get(f"{kind}_{key}")
        return str(found) if found else key or self.say("unknown")

    def share(self, part: int, whole: int) -> str:
        """A percentage that says 100 and 0 of nothing but all and none."""
        if not whole:
            return "–"
        if part in (0, whole):
            return "100%" if part else "0%"
        return f"{min(max(100 * part / whole, 0.1), 99.9):.1f}%"

    def span(self, ms: int) -> str:
        """A length of time in its two greatest units."""
        if ms < 1000:
            return self.say("milliseconds", n=ms)
        seconds = round(ms / 1000, 1 if ms < 10_000 else 0)
        if seconds < 60:
            return self.say("seconds", n=f"{seconds:g}")
        units = [("seconds", 60), ("minutes", 60), ("hours", 24), ("days", 10**9)]
        rest, found = int(seconds), []
        for unit, size in units:
            found.append((unit, rest % size))
            rest //= size
        said = [(unit, n) for unit, n in reversed(found) if n][:2]
        first = [unit for unit, _ in units].index(said[0][0])
        kept = [(unit, n) for unit, n in said if [u for u, _ in units].index(unit) >= first - 1]
        return self.say("space").join(self.say(unit, n=n) for unit, n in kept)

    def time(self, ms: int | None) -> str:
        if ms is None:
            return "–"
        return dt.datetime.fromtimestamp(ms / 1000, self._zone).strftime("%Y-%m-%d %H:%M:%S")

    @property
    def zone(self) -> str:
        moment = dt.datetime.fromtimestamp(self.outcome.made_at / 1000, self._zone)
        return f"UTC{moment:%z}"[:6] + ":" + f"{moment:%z}"[3:5]

    # What the sections show.

    @property
    def waiting(self) -> int:
        standings = self.outcome.total.standings
        return standings[WAITING] + standings[PAUSED]

    @property
    def ended(self) -> list[tuple[str, int]]:
        """What ended unsent, by standing."""
        return [(name, count) for name, count in self.outcome.total.rest if name not in (WAITING, PAUSED)]

    @property
    def standings(self) -> list[str]:
        """Those that occur."""
        return [name for name in STANDINGS if self.outcome.total.standings[name]]

    def stack(self, counts: Counts) -> Markup:
        parts = [(name, counts.standings[name]) for name in STANDINGS if counts.standings[name]]
        return drawing.stack(parts, self._listed(parts))

    def rest(self, counts: Counts) -> Markup:
        return drawing.stack(counts.rest, self._listed(counts.rest))

    def _listed(self, parts: Sequence[tuple[str, int]]) -> str:
        return self.say("list_separator").join(f"{self.name(name, 'state')} {count:,}" for name, count in parts)

    def steps(self, counts: Counts) -> Iterator[tuple[str, int, str, Markup]]:
        """The funnel: what was planned, attempted, sent; each as (word, count, share, bar)."""
        for word, count in (("planned", counts.total), ("attempted", counts.attempted), ("sent", counts.sent)):
            share = self.share(count, counts.total)
            bar = drawing.bar(count / counts.total if counts.total else 0, f"f-{word}", f"{share}", 12)
            yield self.say(f"step_{word}"), count, share, bar

    @property
    def _series(self) -> Series:
        totals = {item.name: item.total for item in self.outcome.channels}
        return Series(self.outcome.sent_points, self.outcome.sent_seconds, totals)

    @property
    def window(self) -> Window:
        return drawing.window(self._series)

    @property
    def took(self) -> str:
        """From the first to the last that was sent."""
        points = self.outcome.sent_points
        return self.span(1000 * max(points[-1][0] - points[0][0], self.outcome.sent_seconds))

    def over_time(self) -> list[tuple[str, Markup]]:
        series, shown = self._series, self.window
        drawn = []
        for kind, width in (("wide", WIDE), ("narrow", NARROW)):
            step = self.span(1000 * drawing.pace_step(series, shown, width))
            words = {"label": self.say("time_title"), "share": self.say("share"), "pace": self.say("pace", step=step)}
            drawn.append((kind, drawing.over_time(series, shown, width, self._zone, words)))
        return drawn

    def legend(self) -> Markup:
        names = {item.name: self.name(item.name, "channel") for item in self.outcome.channels}
        return drawing.legend([item.name for item in self.outcome.channels], names)

    def latencies(self) -> list[tuple[str, Markup]]:
        first, bars = self.outcome.latency[0], self.outcome.latencies
        ends = (("p50", first.p50), ("p90", first.p90), ("p99", first.p99))
        marks = [(f"{self.say(name)} ≤ {self.span(ms)}", ms) for name, ms in ends]
        names = [self._short(edge) for edge, _ in bars]
        draw = partial(drawing.latencies, bars, EDGES + (EDGES[-1] * 2,), marks, names)
        return [(kind, draw(w, self.say("latency_title"))) for kind, w in (("wide", WIDE), ("narrow", NARROW))]

    def _short(self, ms: int) -> str:
        for size, unit in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")):
            if ms >= size:
                return f"{ms // size} {unit}"
        return f"{ms} ms" if ms else "0"

    def reasons(self) -> list[tuple[str, str, int, Markup]]:
        most = max(count for *_, count in self.outcome.reasons)
        return [
            (state, reason, count, drawing.bar(count / most, f"s-{state}", f"{count:,}"))
            for state, reason, count in self.outcome.reasons
        ]

    def tries(self) -> list[tuple[str, int, str, Markup]]:
        total = sum(count for _, count in self.outcome.tries)
        return [
            (
                self.say("tries", n=n),
                count,
                self.share(count, total),
                drawing.bar(count / total, "s-sent", f"{count:,}"),
            )
            for n, count in self.outcome.tries
        ]

    def attempts(self) -> list[dict[str, Any]]:
        """A line a channel: attempts by outcome, and how long one took."""
        found: list[dict[str, Any]] = []
        for channel, took in self.outcome.answer_ms.items():
            counts = {name: self.outcome.attempts.get((channel, name), 0) for name in ("sent", "retry", "rejected")}
            found.append({"channel": channel, "total": sum(counts.values()), "took": self.span(took), **counts})
        return found
