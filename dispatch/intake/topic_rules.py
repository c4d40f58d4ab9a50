"""Which topics an article is about: weighted terms, by place and by how much of the text they fill."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dispatch.catalog import Topic
from dispatch.intake.passages import TEXT, TITLE, Passage, lead
from dispatch.intake.vocabulary import TermHit
from dispatch.model import Evidence, TopicTag

MOST_TOPICS = 5

# A strong term (3) in the title decides alone; in the lead it needs the text to go on about it.
_TITLE_FACTOR = 3.0
_LEAD_FACTOR = 0.75
_HEADING_FACTOR = 2.0
_LEAD_LENGTH = 120
# From this share of the text on, in sentences with a term, the text counts in full; below, in proportion:
# a survey of a park touches everything and is about little of it.
_FULL_SHARE = 0.25
# As low as it may be before words in passing make topics: no list of terms holds all that a text can say.
_THRESHOLD = 6.0
# Beside a topic that stands out, others need this part of its score.
_BESIDE_BEST = 0.3
_EVIDENCE = 10


@dataclass(frozen=True, slots=True)
class TopicBelow:
    """A topic that an article speaks of and does not get, and the score that it would have needed."""

    tag: TopicTag
    needed: float


def topic_tags(parts: Sequence[Passage], found: Iterable[TermHit]) -> tuple[TopicTag, ...]:
    """At most MOST_TOPICS topics above the threshold, the highest score first."""
    scored = _scored(parts, found)
    return tuple(_tag(terms[0].topic, score, terms) for score, terms in scored[: _kept(scored)])


def topics_below(parts: Sequence[Passage], found: Iterable[TermHit]) -> tuple[TopicBelow, ...]:
    """The topics of which a term was found and that `topic_tags` leaves out, the highest score first."""
    scored = _scored(parts, found)
    kept = _kept(scored)
    needed = scored[kept - 1][0] if kept == MOST_TOPICS else _least(scored)
    return tuple(
        TopicBelow(_tag(terms[0].topic, score, terms, digits=2), round(needed, 2)) for score, terms in scored[kept:]
    )


def _scored(parts: Sequence[Passage], found: Iterable[TermHit]) -> list[tuple[float, list[TermHit]]]:
    """Each topic with its score and its terms, the highest score first."""
    by_topic: defaultdict[str, list[TermHit]] = defaultdict(list)
    for term in found:
        by_topic[term.topic.key].append(term)
    scored = [(_score(parts, terms), terms) for terms in by_topic.values()]
    return sorted(scored, key=lambda pair: -pair[0])


def _least(scored: Sequence[tuple[float, list[TermHit]]]) -> float:
    best = scored[0][0] if scored else 0.0
    return max(_THRESHOLD, _BESIDE_BEST * best)


def _kept(scored: Sequence[tuple[float, list[TermHit]]]) -> int:
    """How many of the topics the article gets."""
    least = _least(scored)
    return min(MOST_TOPICS, sum(score >= least for score, _ in scored))


def _tag(topic: Topic, score: float, terms: Sequence[TermHit], digits: int = 1) -> TopicTag:
    return TopicTag(topic.key, topic.name, round(score, digits), _evidence(terms))


def _score(parts: Sequence[Passage], terms: Sequence[TermHit]) -> float:
    first = lead(parts)
    title = _distinct(term for term in terms if term.hit.passage.where == TITLE)
    opening = _distinct(t for t in terms if t.hit.passage is first and t.hit.start < _LEAD_LENGTH)
    headings = _distinct(term for term in terms if term.hit.passage.heading)
    text = [term for term in terms if term.hit.passage.where == TEXT]
    body = _repeated(text) * min(1.0, _share(parts, text) / _FULL_SHARE)
    return _TITLE_FACTOR * title + _LEAD_FACTOR * opening + _HEADING_FACTOR * headings + body


def _distinct(terms: Iterable[TermHit]) -> float:
    return sum({term.hit.word: term.weight for term in terms}.values())


def _repeated(terms: Iterable[TermHit]) -> float:
    """Each term's weight by the root of how often it stands: the tenth time says less than the second."""
    counts = Counter((term.hit.word, term.weight) for term in terms)
    return sum(weight * math.sqrt(count) for (_, weight), count in counts.items())


def _share(parts: Sequence[Passage], terms: Iterable[TermHit]) -> float:
    """How much of the text, in characters, lies in sentences with one of the terms."""
    filled = {
        (hit.passage.block, sentence)
        for hit in (term.hit for term in terms)
        if (sentence := hit.passage.sentences.around(hit.start, hit.start + 1))
    }
    whole = sum(len(part.text) for part in parts if part.where == TEXT)
    return sum(end - start for _, (start, end) in filled) / whole if whole else 0.0


def _evidence(terms: Sequence[TermHit]) -> tuple[Evidence, ...]:
    """The passages that weighed most (title, headings, strong terms), each term once, in reading order."""
    firsts = {(t.hit.passage.where, t.hit.passage.heading, t.hit.word): t for t in reversed(terms)}
    order = {id(term): number for number, term in enumerate(terms)}
    weightiest = sorted(firsts.values(), key=lambda t: (-_place_factor(t) * t.weight, order[id(t)]))
    return tuple(t.hit.evidence() for t in sorted(weightiest[:_EVIDENCE], key=lambda t: order[id(t)]))


def _place_factor(term: TermHit) -> float:
    if term.hit.passage.where == TITLE:
        return _TITLE_FACTOR
    return _HEADING_FACTOR if term.hit.passage.heading else 1.0
