"""Bodies for many readers, quickly: what all share who follow the same things is put together once.

A body is filled with stand-ins for the reader's own links, and cut at them; for the next such reader it is one join.
Nothing is taken on trust: a body in which anything else of a reader shows is filled in full each time.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from dispatch.model import Envelope

_SHAPES = 400  # that are remembered: some megabytes
_STAND_IN = re.compile(b"\xee\x80\x82([0-9]+)\xee\x80\x83")  # of private use, which no text that comes in keeps
_PLAIN = re.compile(r"[A-Za-z0-9:/?&=._~%+@,-]*")  # in JSON and Markdown as it is


class Fillable(Protocol):
    """What is made out for a reader."""

    def fill(self, envelope: Envelope) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Shape:
    """A body cut at its stand-ins; at odd places the numbers of links. None where it has to be filled in full.
    `of` is kept alive, so that its number stands for nothing else."""

    of: Fillable
    pieces: tuple[bytes, ...] | None
    links: tuple[int, ...] = ()

    def join(self, links: Sequence[bytes]) -> bytes | None:
        if self.pieces is None:
            return None
        parts = list(self.pieces)
        parts[1::2] = [links[number] for number in self.links]
        return b"".join(parts)


class Filling:
    """Fills bodies of at most `most` bytes, and remembers what is shared."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._shapes: OrderedDict[tuple[object, ...], _Shape | None] = OrderedDict()

    def fill(self, rendered: Fillable, envelope: Envelope) -> bytes:
        """As `rendered.fill`."""
        links = _links(envelope)
        asks = envelope.confirmation is not None or envelope.right_url
        if asks or not _PLAIN.fullmatch("".join(links)):
            return rendered.fill(envelope)
        shape = self._shape(rendered, envelope, links)
        body = shape.join([link.encode("ascii") for link in links]) if shape is not None else None
        # Of one that is too long something is left out, and that depends on the length of the links.
        return rendered.fill(envelope) if body is None or len(body) > self._most else body

    def _shape(self, rendered: Fillable, envelope: Envelope, links: Sequence[str]) -> _Shape | None:
        """What is known of readers like this one; it is learnt when the second one comes."""
        key = (
            id(rendered),
            envelope.language,
            tuple([link.partition(":")[0] if link else "" for link in links]),
            *[(reason.tag, reason.label) for reason in envelope.reasons],
        )
        found = self._shapes.get(key)
        if found is None or found.of is not rendered:
            known = key in self._shapes and found is None
            found = self._shapes[key] = _learn(rendered, envelope) if known else None
            if len(self._shapes) > _SHAPES:
                self._shapes.popitem(last=False)
        else:
            self._shapes.move_to_end(key)
        return found


def _links(envelope: Envelope) -> list[str]:
    """The addresses that are the reader's own."""
    own = [envelope.unsubscribe_url, envelope.unsubscribe_mailto, envelope.preferences_url]
    return own + [reason.unfollow_url for reason in envelope.reasons]


def _learn(rendered: Fillable, envelope: Envelope) -> _Shape:
    """The shape of a body. That of a stranger with the same follows must be the same, byte for byte."""
    body = rendered.fill(_masked(envelope))
    stranger = replace(
        envelope,
        message_id=envelope.message_id + 1,
        address="https://stranger.example/",
        name=f"{envelope.name}?",
        provider_id=f"{envelope.provider_id}?",
        secret="",
        return_path="",
        endpoint_id=envelope.endpoint_id + 1,
    )
    if rendered.fill(_masked(stranger)) != body:
        return _Shape(rendered, None)
    pieces = tuple(_STAND_IN.split(body))
    shape = _Shape(rendered, pieces, tuple(map(int, pieces[1::2])))
    whole = shape.join([link.encode("ascii") for link in _links(envelope)])
    return shape if whole == rendered.fill(envelope) else _Shape(rendered, None)


def _masked(envelope: Envelope) -> Envelope:
    """With a stand-in for each link that there is."""
    found = [f"\ue002{number}\ue003" if link else "" for number, link in enumerate(_links(envelope))]
    reasons = tuple(
        replace(reason, unfollow_url=mark) for reason, mark in zip(envelope.reasons, found[3:], strict=True)
    )
    return replace(
        envelope,
        unsubscribe_url=found[0],
        unsubscribe_mailto=found[1],
        preferences_url=found[2],
        reasons=reasons,
    )
