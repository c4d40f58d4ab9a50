"""Reads topics.toml: groups, and topics with their weighted terms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Sequence

from dispatch.catalog.source import Document, Place, Table
from dispatch.catalog.values import Topic, TopicGroup
from dispatch.catalog.words import fold_word
from dispatch.errors import CatalogError

_TEXTS = ("key", "name", "name_en", "group", "description")
_LISTS = ("aliases", "counter_terms")
_HEAVIEST = 10


def read_groups(document: Document) -> dict[str, TopicGroup]:
    groups = document.root.table("groups")
    return {key: _group(key, groups.table(key)) for key in groups.data}


def read_topics(document: Document, groups: Container[str]) -> dict[str, tuple[Topic, Place]]:
    """The topics of the file with their places; `groups` are the keys that a topic may name. A topic with a fault,
    where that raises nothing, is left out."""
    document.root.only("groups", "topics")
    topics: dict[str, tuple[Topic, Place]] = {}
    for table in document.tables("topics"):
        faults: list[CatalogError] = []
        topic = _topic(table.telling(faults.append))
        if topic.group and topic.group not in groups:
            reason = f"the group {topic.group!r} does not stand in [groups]"
            faults.append(table.place.error(reason, "add it there, or name one that does"))
        if topic.key in topics:
            reason = f"the topic {topic.key} stands in line {topics[topic.key][1].line} already"
            faults.append(table.place.error(reason, "make one of the two, or give this one another key"))
        for fault in faults:
            table.told(fault)
        if not faults:
            topics[topic.key] = (topic, table.place)
    return topics


def topic_words(topic: Topic) -> list[str]:
    """All that a topic is found by; its English name may well be its key."""
    return [*dict.fromkeys(map(fold_word, (topic.key, topic.name, topic.name_en))), *topic.aliases]


def _group(key: str, table: Table) -> TopicGroup:
    table.only("name", "name_en")
    return TopicGroup(key, table.text("name"), table.text("name_en"))


def _topic(table: Table) -> Topic:
    table.only(*_TEXTS, *_LISTS, "terms")
    topic = Topic(
        key=table.key(),
        name=table.text("name"),
        name_en=table.text("name_en"),
        group=table.text("group"),
        description=table.text("description", lines=True),
        terms=tuple(_terms(table, table.table("terms"))),
        counter_terms=table.texts("counter_terms"),
        aliases=table.texts("aliases"),
    )
    _check_terms(table, [term for term, _ in topic.terms], topic.counter_terms)
    return topic


def _terms(table: Table, weights: Table) -> Iterator[tuple[str, float]]:
    for key in weights.data:
        weight = _weight(table, key)
        yield from ((term, weight) for term in weights.texts(key))


def _weight(table: Table, text: str) -> float:
    remedy = "write terms.3 = [...], or 2 or 1"
    try:
        weight = float(text)
    except ValueError:
        table.wrong(f"the weight {text!r} is no number", remedy)
        return 1.0
    if not 0 < weight <= _HEAVIEST:
        table.wrong(f"the weight {text} is not above 0 and at most {_HEAVIEST}", remedy)
    return weight


def _check_terms(table: Table, terms: Sequence[str], counter_terms: Sequence[str]) -> None:
    if not terms and not table.data.get("terms"):
        table.wrong("a topic needs terms", 'such as terms.3 = ["word"]')
    words = Counter(fold_word(word) for word in (*terms, *counter_terms))
    for word, times in words.items():
        if times > 1:
            table.wrong(f"the term {word!r} stands twice", "let it stand once")
