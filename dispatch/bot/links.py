"""Links of our pages and mails that follow something in the chat with the bot: `https://t.me/BOT?start=…`.

What the bot is called is learnt where it talks (`note_name`), and read from the store by whoever makes links. Without a
name there are no links.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from dispatch.bot import inbox
from dispatch.bot.codes import code, start_payload, tag_of
from dispatch.catalog import Catalog
from dispatch.model import Article, Content, Offer, Role, Section
from subscribers.database import Database

_PARKS, _TOPICS, _COLUMNS = 3, 2, 2  # of a message that are offered


def note_name(db: Database, number: int, username: str) -> None:
    """Remember what a bot is called, as the Bot API tells it."""
    with db.transaction():
        db.run(inbox.SQL["name_bot"], {"bot": number, "username": username})


class ChatLinks:
    """Makes links to the bot with a number; 0 for none. The catalog is asked for when the first link is made."""

    def __init__(self, number: int, catalog: Callable[[], Catalog]) -> None:
        self._number = number
        self._catalog = catalog
        self._username = ""

    def learn(self, db: Database) -> None:
        """Look up what the bot is called."""
        self._username = db.value(inbox.SQL["bot_name"], {"bot": self._number}) or ""

    def offers(self, tags: Sequence[str], language: str) -> tuple[Offer, ...]:
        """A link for each tag that is in the catalog."""
        if not self._username:
            return ()
        catalog = self._catalog()
        return tuple(
            Offer(catalog.label(tag, language), f"https://t.me/{self._username}?start={start_payload([tag])}")
            for tag in dict.fromkeys(tags)
            if tag_of(catalog, code(tag)) is not None
        )

    def of_content(self, content: Content) -> tuple[Offer, ...]:
        """Links for what a message is about: the parks and topics that most of its articles have, and its columns. What
        waits for an approval has none."""
        if not self._username or content.notice:
            return ()
        articles = [entry.article for section in content.sections for entry in section.matching]
        tags = [*_commonest(articles, _parks, _PARKS), *_commonest(articles, _topics, _TOPICS)]
        columns = dict.fromkeys(self._column(section) for section in content.sections)
        return self.offers([*tags, *list(columns)[:_COLUMNS]], content.language)

    def _column(self, section: Section) -> str:
        digest = section.digest
        return f"column:{digest.bulletin}/{self._catalog().column_spec(digest.bulletin, digest.column).key}"


def _parks(article: Article) -> Iterator[str]:
    return (f"park:{park.name}" for park in article.parks if park.role is Role.SUBJECT)


def _topics(article: Article) -> Iterator[str]:
    return (f"topic:{topic.key}" for topic in article.topics)


def _commonest(articles: Sequence[Article], tags: Callable[[Article], Iterator[str]], most: int) -> list[str]:
    counted = Counter(tag for article in articles for tag in tags(article))
    return [tag for tag, _ in counted.most_common(most)]
