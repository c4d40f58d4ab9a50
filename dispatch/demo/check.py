"""What the readers should have got, worked out without the product's routing, and what the receivers saw.

A `Got` is one digest as one address received it: the titles that stand there as matching, in their order.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dispatch.catalog import Catalog
from dispatch.demo.people import LEFT, Person
from dispatch.model import Column, Issue
from dispatch.testing.bot_api import ChatMessage
from dispatch.testing.smtp import ReceivedMail
from dispatch.testing.webhook import ReceivedRequest


@dataclass(frozen=True, slots=True, order=True)
class Got:
    channel: str
    address: str
    column: str
    titles: tuple[str, ...]


def expected(issue: Issue, catalog: Catalog, people: Sequence[Person], webhook_url: str) -> list[Got]:
    """Who is owed what, by plain comparison of tags with follows."""
    found = []
    for person in people:
        if person.name in LEFT:
            continue
        follows = {catalog.resolve(word) for word in person.follows}
        for column in issue.columns:
            titles = _matching(issue, column, catalog, follows)
            if titles:
                found += [Got(channel, address, column.name, titles) for channel, address in _ways(person, webhook_url)]
    return sorted(found)


def _ways(person: Person, webhook_url: str) -> Iterable[tuple[str, str]]:
    hook = webhook_url + person.webhook if person.webhook else ""
    ways = (("email", person.email), ("telegram", person.telegram), ("webhook", hook))
    return [(channel, address) for channel, address in ways if address]


def _matching(issue: Issue, column: Column, catalog: Catalog, follows: set[str]) -> tuple[str, ...]:
    key = catalog.column_spec(issue.bulletin, column.name).key
    return tuple(
        article.title for article in column.articles if follows & set(catalog.tags_of(article, issue.bulletin, key))
    )


def seen_by_mail(mails: Iterable[ReceivedMail], issue: Issue) -> list[Got]:
    """Each mail's digests, as its text part shows them."""
    found = []
    for mail in mails:
        part = mail.parsed.get_body(("plain",))
        text = part.get_content() if part else ""
        found += [Got("email", address, *shown) for address in mail.recipients for shown in _digests(text, issue)]
    return sorted(found)


def seen_in_chats(messages: Iterable[ChatMessage], issue: Issue) -> list[Got]:
    """The digests that each chat shows, its messages read one after the other."""
    chats: defaultdict[str, list[str]] = defaultdict(list)
    for message in messages:
        chats[str(message.chat)].append(message.text)
    return sorted(
        Got("telegram", chat, *shown) for chat, texts in chats.items() for shown in _digests("\n".join(texts), issue)
    )


def _digests(text: str, issue: Issue) -> Iterable[tuple[str, tuple[str, ...]]]:
    """A column stands in a text with those of its titles that are followed by the article's own words."""
    flat = re.sub(r"\s+", "", text)
    for column in issue.columns:
        titles = tuple(
            article.title
            for article in column.articles
            if re.sub(r"\s+", "", article.title) in flat and _opening(article.blocks[0].text) in flat
        )
        if titles:
            yield column.name, titles


def _opening(text: str) -> str:
    return re.sub(r"\s+", "", text)[:12]


def seen_by_hooks(requests: Iterable[ReceivedRequest], webhook_url: str) -> list[Got]:
    """The digests in the signed JSON; a body whose signature is wrong counts as not received."""
    return sorted(
        Got(
            "webhook",
            webhook_url + request.path,
            digest["column"],
            tuple(entry["title"] for entry in digest["matching"]),
        )
        for request in requests
        if request.verified
        for digest in request.json["data"]["digests"]
    )


def differences(wanted: Sequence[Got], seen: Sequence[Got]) -> list[str]:
    """What was missed, and what came that should not have."""
    left = list(seen)
    missing = []
    for item in wanted:
        if item in left:
            left.remove(item)
        else:
            missing.append(item)
    return [f"missing: {_words(item)}" for item in missing] + [f"not owed: {_words(item)}" for item in left]


def _words(item: Got) -> str:
    return f"{item.channel} {item.address} {item.column} {' / '.join(item.titles)}"
