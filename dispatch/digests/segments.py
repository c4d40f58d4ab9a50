"""The text of a block with its emphasis and links, in the one form that every template writes down.

Marks may overlap, lie in each other, follow each other or go beyond the text: what comes out is a sequence of
segments, which together are the text, each with what holds for all of it. A stretch belongs to one link at most.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise, takewhile
from typing import NamedTuple

from dispatch.digests.hrefs import Host, deceives, leads_to, named_hosts, safe_href, spelled_out
from dispatch.model import Block, Mark, MarkKind

_NONE: frozenset[MarkKind] = frozenset()


class Segment(NamedTuple):
    """A piece of text, what it is set off as, and the checked address that it leads to ("" where it is no link)."""

    text: str
    kinds: frozenset[MarkKind] = _NONE
    href: str = ""

    @property
    def strong(self) -> bool:
        return MarkKind.STRONG in self.kinds

    @property
    def emphasis(self) -> bool:
        return MarkKind.EMPHASIS in self.kinds


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring segments that are one link, or none (`href` "")."""

    href: str
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        return "".join(segment.text for segment in self.segments)

    @property
    def aside(self) -> str:
        """The address to write behind the text where nothing can be clicked, "" where there is no need."""
        return spelled_out(self.text, self.href) if self.href else ""


def segments(block: Block) -> tuple[Segment, ...]:
    """The segments of a block's text, in their order; joined they are the text. None of them is empty."""
    return _cut(block.text, sound_marks(block.text, block.marks))


def runs(block: Block) -> tuple[Run, ...]:
    return as_runs(segments(block))


def as_runs(found: Iterable[Segment]) -> tuple[Run, ...]:
    return tuple(Run(href, tuple(same)) for href, same in groupby(found, key=lambda segment: segment.href))


def sound(block: Block) -> Block:
    """The block with those marks alone that may be shown."""
    return replace(block, marks=sound_marks(block.text, block.marks)) if block.marks else block


def sound_marks(text: str, marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """The marks within the text, by their start. Links whose address is not allowed, or whose words name another host,
    are left out; of links that overlap, the earlier one has the stretch that both want."""
    return tuple(_sound(text, sorted(marks, key=lambda mark: (mark.start, -mark.end))))


def _sound(text: str, marks: Iterable[Mark]) -> Iterator[Mark]:
    linked = 0  # what is before it may belong to a link already
    hosts: deque[Host] | None = None  # of the whole text, as far as they end behind the links so far
    for mark in marks:
        is_link = mark.kind is MarkKind.LINK
        start, end = max(mark.start, linked if is_link else 0), min(mark.end, len(text))
        if start >= end:
            continue
        if not is_link:
            yield Mark(mark.kind, start, end)
        elif (href := safe_href(mark.href)) and text[start:end].strip() and not deceives(text[start:end], href):
            hosts = deque(named_hosts(text)) if hosts is None else hosts
            if _reaches_into_another(hosts, start, end, href):
                continue
            linked = end
            yield Mark(mark.kind, start, end, href)


def _reaches_into_another(hosts: deque[Host], start: int, end: int, href: str) -> bool:
    """Whether a part of a host that the link does not lead to is among its words, the rest of it being beside them.
    Takes away the hosts that end before the link."""
    while hosts and hosts[0].end <= start:
        hosts.popleft()
    within = takewhile(lambda host: host.start < end, hosts)
    return any(not leads_to(host.name, href) for host in within)


def _cut(text: str, marks: Sequence[Mark]) -> tuple[Segment, ...]:
    """The text in segments, by marks that are sound."""
    if not marks:
        return (Segment(text),) if text else ()
    pieces = groupby(_pieces(text, marks), key=lambda piece: (piece.kinds, piece.href))
    return tuple(Segment("".join(piece.text for piece in same), kinds, href) for (kinds, href), same in pieces)


def _pieces(text: str, marks: Sequence[Mark]) -> Iterator[Segment]:
    """A segment between each two places at which a mark begins or ends."""
    changes: dict[int, list[tuple[int, Mark]]] = {0: [], len(text): []}
    for mark in marks:  # in the order of their start: a link that begins where another ends comes after it
        changes.setdefault(mark.start, []).append((1, mark))
        changes.setdefault(mark.end, []).append((-1, mark))
    open_marks: Counter[MarkKind] = Counter()
    href = ""
    for start, end in pairwise(sorted(changes)):
        for step, mark in sorted(changes[start], key=lambda change: change[0]):
            open_marks[mark.kind] += step
            if mark.kind is MarkKind.LINK:
                href = mark.href if step > 0 else ""
        yield Segment(text[start:end], frozenset(kind for kind in MarkKind if open_marks[kind]), href)
