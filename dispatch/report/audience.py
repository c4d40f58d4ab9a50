"""The numbers of the subscribers as one HTML file, in the same dress as the report of an issue."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from markupsafe import Markup

from dispatch.digests.templates import environment
from dispatch.digests.words import Words
from dispatch.errors import RenderError
from dispatch.output import plain
from dispatch.report import drawing
from dispatch.report.drawing import NARROW, WIDE
from subscribers.stats import Growth, Period, Stats

TOP = 15  # of a kind
KINDS = ("park", "province", "topic", "column", "other")
_FOLDER = "report"
_CAME = ("added", "confirmed", "left")


def by_kind(follows: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Follows by the kind of thing, each in the order given; kinds that nobody follows are left out."""
    found: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
    for tag, size in follows.items():
        kind = tag.partition(":")[0]
        found[kind if kind in found else "other"][tag] = size
    return {kind: counts for kind, counts in found.items() if counts}


def render(
    stats: Stats, folders: Sequence[Path], language: str, label: Callable[[str, str], str], zone: dt.tzinfo
) -> str:
    """The page. `folders` are those of the templates, the first one first; `label` says a tag in a language. Raises
    RenderError where a template of the installation's fails."""
    made = environment(folders)
    try:
        view = View(stats, _words(folders, language), language, label, zone)
        style = Markup(made.get_template(f"{_FOLDER}/style.css").render())  # noqa: S704 - ours, no data in it
        page = made.get_template(f"{_FOLDER}/audience.html.j2").render(view=view, say=view.say, style=style)
        return plain(page)
    except Exception as error:  # whatever an installation's own template makes of the values
        raise RenderError(f"the template of the numbers fails: {str(error) or type(error).__name__}") from error


def _words(folders: Sequence[Path], language: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for folder in reversed(folders):
        for name in (f"frame.{language}.toml", f"{_FOLDER}/words.{language}.toml"):
            if (folder / name).is_file():
                found |= tomllib.loads((folder / name).read_text(encoding="utf-8-sig"))
    return found


class View:
    """What the template shows, in words of the language."""

    def __init__(
        self,
        stats: Stats,
        words: dict[str, Any],
        language: str,
        label: Callable[[str, str], str],
        zone: dt.tzinfo,
    ) -> None:
        self.stats = stats
        self.lang = {"zh": "zh-CN"}.get(language, language)
        self.top = TOP
        self._language = language
        self._label = label
        self._made = dt.datetime.fromtimestamp(stats.made_at / 1000, zone)
        self._words = Words(words, language)
        self.say = self._words.say

    @property
    def made(self) -> str:
        return self.say("made", at=f"{self._made:%Y-%m-%d %H:%M:%S}", zone=f"UTC{self._made:%z}")

    def name(self, key: str, kind: str) -> str:
        """A state's, channel's or preference's name; what is unknown to the words has its own."""
        return str(self._words.table.get(f"{kind}_{key}", key))

    @property
    def grew(self) -> bool:
        return any(self._counts(item) != (0, 0, 0) for item in self.stats.growth)

    @staticmethod
    def _counts(item: Growth) -> tuple[int, int, int]:
        return item.added, item.confirmed, item.left

    def growth(self) -> list[tuple[str, Markup]]:
        form = "%Y-%m" if self.stats.period is Period.MONTH else "%m-%d"
        bars = [(item.day.strftime(form), self._counts(item)) for item in self.stats.growth]
        names = [self.say(f"growth_{word}") for word in _CAME]
        styles = [f"g-{word}" for word in _CAME]
        label = self.say("growth_title")
        return [
            (kind, drawing.groups(bars, styles, names, w, label)) for kind, w in (("wide", WIDE), ("narrow", NARROW))
        ]

    def came(self) -> list[tuple[str, str, int]]:
        """What the colours of growth mean, and how many in all."""
        totals = [sum(column) for column in zip(*map(self._counts, self.stats.growth), strict=True)]
        return [(f"g-{word}", self.say(f"growth_{word}"), total) for word, total in zip(_CAME, totals, strict=True)]

    def channels(self) -> Iterator[tuple[str, int, Markup]]:
        for channel, counts in self.stats.channels.items():
            parts = [(state, counts[state]) for state in self.stats.states if state in counts]
            words = self.say("list_separator").join(f"{self.name(state, 'endpoint')} {size:,}" for state, size in parts)
            yield self.name(channel, "channel"), sum(counts.values()), drawing.stack(parts, words)

    def follows(self) -> Iterator[tuple[str, list[tuple[str, int, Markup]]]]:
        for kind, counts in by_kind(self.stats.follows).items():
            labelled = {tag: self._label(tag, self._language) for tag in islice(counts, TOP)}
            yield self.say(f"kind_{kind}"), self._bars(counts, labelled)

    def kinds(self) -> Iterator[tuple[str, list[tuple[str, int, Markup]]]]:
        stats = self.stats
        for kind, counts in (
            ("language", stats.languages),
            ("cadence", stats.cadences),
            ("format", stats.formats),
            ("domain", stats.domains),
        ):
            if counts:
                yield self.say(f"kind_{kind}"), self._bars(counts, {key: self.name(key, kind) for key in counts})

    @staticmethod
    def _bars(counts: Mapping[str, int], names: Mapping[str, str]) -> list[tuple[str, int, Markup]]:
        """(name, count, bar) of the first."""
        most = max(counts.values())
        return [
            (names[key], size, drawing.bar(size / most, "latency", f"{size:,}"))
            for key, size in islice(counts.items(), TOP)
        ]
