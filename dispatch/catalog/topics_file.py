"""Reads topics.toml: groups, and topics with their weighted terms."""

from __future__ import annotations

from collections.abc import Container, Sequence

from dispatch.catalog.source import Document, Place, Table
from dispatch.catalog.values import Topic, TopicGroup
from dispatch.catalog.words import fold_word

_TEXTS = ("key", "name", "name_en", "group", "description")
_LISTS = ("aliases", "counter_terms")
_HEAVIEST = 10


def read_groups(document: Document) -> dict[str, TopicGroup]:
    groups = document.root.table("groups")
    return {key: _group(key, groups.table(key)) for key in groups.data}


def read_topics(document: Document, groups: Container[str]) -> dict[str, tuple[Topic, Place]]:
    """The topics of the file with their places; `groups` are the keys that a topic may name."""
    document.root.only("groups", "topics")
    topics: dict[str, tuple[Topic, Place]] = {}
    for table in document.tables("topics"):
        topic = _topic(table)
        if topic.group not in groups:
            raise table.place.error(f"the group {topic.group!r} does not stand in [groups]")
        if topic.key in topics:
            raise table.place.error(f"the topic {topic.key} stands in line {topics[topic.key][1].line} already")
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
    weights = table.table("terms")
    topic = Topic(
        key=table.key(),
        name=table.text("name"),
        name_en=table.text("name_en"),
        group=table.text("group"),
        description=table.text("description"),
        terms=tuple((term, _weight(key, table.place)) for key in weights.data for term in weights.texts(key)),
        counter_terms=table.texts("counter_terms"),
        aliases=table.texts("aliases"),
    )
    _check_terms([term for term, _ in topic.terms], topic.counter_terms, table.place)
    return topic


def _weight(text: str, place: Place) -> float:
    try:
        weight = float(text)
    except ValueError:
        raise place.error(f"the weight {text!r} is no number") from None
    if not 0 < weight <= _HEAVIEST:
        raise place.error(f"the weight {text} is not above 0 and at most {_HEAVIEST}")
    return weight


def _check_terms(terms: Sequence[str], counter_terms: Sequence[str], place: Place) -> None:
    if not terms:
        raise place.error('a topic needs terms, such as terms.3 = ["word"]')
    words = [fold_word(word) for word in (*terms, *counter_terms)]
    if twice := [word for number, word in enumerate(words) if word in words[:number]]:
        raise place.error(f"the term {twice[0]!r} stands twice")
