"""Reads topics.toml: groups, and topics with their weighted terms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Sequence

from dispatch.catalog.source import Place, Table
from dispatch.catalog.values import Topic, TopicGroup
from dispatch.catalog.words import fold_word
from dispatch.errors import CatalogError

_TEXTS = ("key", "name", "name_en", "group", "description")
_LISTS = ("aliases", "counter_terms")
_WEIGHTS = {"3": 3.0, "2": 2.0, "1": 1.0}
_REMEDY = "terms.3 say the topic alone, terms.2 nearly so, terms.1 only with others"


def read_groups(root: Table) -> dict[str, tuple[TopicGroup, Place]]:
    """The groups of the file with their places."""
    groups = root.table("groups")
    return {key: (_group(key, table), table.place) for key in groups.data for table in (groups.table(key),)}


def read_topics(root: Table, groups: Container[str]) -> dict[str, tuple[Topic, Place]]:
    """The topics of the file with their places; `groups` are the keys that a topic may name. A topic with a fault,
    where that raises nothing, is left out."""
    root.only("groups", "topics")
    topics: dict[str, tuple[Topic, Place]] = {}
    for table in root.tables("topics"):
        faults: list[CatalogError] = []
        topic = _topic(table.telling(faults.append))
        if topic.group and topic.group not in groups:
            reason = f"the group {topic.group!r} does not stand in [groups]"
            faults.append(table.place.within("group").error(reason, "add it there, or name one that does"))
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
    table.only(*_TEXTS, *_LISTS, "terms", "description_en")
    topic = Topic(
        key=table.key(),
        name=table.text("name"),
        name_en=table.text("name_en"),
        group=table.text("group"),
        description=table.text("description", lines=True),
        terms=tuple(_terms(table.table("terms"))),
        counter_terms=table.texts("counter_terms"),
        aliases=table.texts("aliases"),
        description_en=table.text("description_en", required=False, lines=True),
    )
    _check_terms(table, [term for term, _ in topic.terms], topic.counter_terms)
    return topic


def _terms(weights: Table) -> Iterator[tuple[str, float]]:
    for key, value in weights.data.items():
        written = f"{key}.{next(iter(value))}" if isinstance(value, dict) and value else key  # terms.2.5 = [...]
        if weight := _WEIGHTS.get(written):
            yield from ((term, weight) for term in weights.texts(key))
        else:
            weights.wrong(f"the weight {written!r} is none of 3, 2 and 1", _REMEDY, key)


def _check_terms(table: Table, terms: Sequence[str], counter_terms: Sequence[str]) -> None:
    if not terms and not table.data.get("terms"):
        table.wrong("a topic needs terms", 'such as terms.3 = ["word"]')
    words = Counter(fold_word(word) for word in (*terms, *counter_terms))
    for word, times in words.items():
        if times > 1:
            places = [
                table.place.within(key).of(word, last=True) for key in ("terms", "counter_terms") if key in table.data
            ]
            place = max(places, key=lambda place: place.line)
            table.told(place.error(f"the term {word!r} stands twice", "let it stand once"))
