"""The one place that wires things together."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dispatch import archive
from dispatch.assets import templates_dir
from dispatch.catalog import Catalog, load_catalog
from dispatch.delivery.clock import Clock, SystemClock
from dispatch.delivery.unreached import unreached
from dispatch.errors import DispatchError, SettingsError
from dispatch.links import Addressing, Links, article_url, leave_address
from dispatch.model import Content, IssueState, Notice
from dispatch.settings import Settings
from subscribers.database import SCHEMA, Database
from subscribers.errors import NoDatabase, SubscriberError
from subscribers.model import Address

if TYPE_CHECKING:
    from dispatch.bot.conversation import Conversation
    from dispatch.bot.links import ChatLinks
    from dispatch.bounces.desk import Desk
    from dispatch.bounces.maildir import Maildir
    from dispatch.channels.telegram_bots import Bots
    from dispatch.delivery.bounces import Limits
    from dispatch.delivery.channel import Channel
    from dispatch.delivery.engine import Engine
    from dispatch.delivery.ledger import Attempt
    from dispatch.delivery.notices import Approvers
    from dispatch.delivery.store import Store
    from dispatch.digests.render import Renderer
    from dispatch.intake.originals import Originals
    from dispatch.intake.pickup import Pickup
    from dispatch.settings import Bot
    from dispatch.web.updates import Post
    from subscribers.audit import Act
    from subscribers.tokens import Signer
    from subscribers.verp import ReturnPaths

log = logging.getLogger(__name__)
PREVIEW_DAYS = 30  # that a link to a preview is good for
_REMEDY = "go to the folder of your dispatch.toml or name it by --config, or make a new one with: dispatch init"

_APPROVERS = (
    "allowed: a mailbox (editor@example.org), a webhook (https://example.org/hook), or a chat of Telegram: 123456789 (a"
    " person), -1001234567890 (a group or channel), -1001234567890/45 (a topic of a forum), @name (a public group or"
    " channel)"
)


def _is_chat_link(address: Address) -> bool:
    """Whether somebody wrote a link to a chat where the chat is meant."""
    return address.channel == "webhook" and urlsplit(address.address).hostname in ("t.me", "telegram.me")


def webhook_secret(bot: Bot) -> str:
    """What the Bot API says to prove that it is it (1 to 256 of A-Za-z0-9_-). Made of the token, which both know."""
    return hashlib.sha256(f"webhook:{bot.token.get_secret_value()}".encode()).hexdigest()


def _silent(attempt: Attempt) -> None:
    """No progress shown."""


class PersonalData:
    """What readers may have done with their data, for the pages."""

    def data(self, db: Database, subscriber_id: int) -> dict[str, Any]:
        from dispatch.delivery import personal

        return personal.data(db, subscriber_id)

    def erase(self, db: Database, subscriber_id: int, act: Act) -> bool:
        from dispatch.delivery import personal

        return not personal.erase(db, subscriber_id, act).sending


class App:
    """The parts of the program, each made when it is first asked for. Unless it `begins`, it works on a database that
    is there and makes none."""

    def __init__(self, settings: Settings, clock: Clock | None = None, *, begins: bool = True) -> None:
        self.settings = settings
        self._begins = begins
        self.clock: Clock = clock or SystemClock()
        self._signer: Signer | None = None
        self._paths: ReturnPaths | None = None

    @cached_property
    def catalog(self) -> Catalog:
        return load_catalog(override=self.settings.catalog.folder)

    @cached_property
    def maildir(self) -> Maildir | None:
        """Where mail comes back to: one for all looks, because it remembers what was left alone."""
        from dispatch.bounces.maildir import Maildir

        settings = self.settings.bounces
        return Maildir(settings.maildir, settings.after, settings.move_to) if settings.maildir is not None else None

    @cached_property
    def renderer(self) -> Renderer:
        from dispatch.digests.render import Renderer

        return Renderer(templates_dir(), self.settings.templates.folder, self._article_url, self.chat_links.of_content)

    @cached_property
    def chat_links(self) -> ChatLinks:
        """Links that follow something in the chat with the first bot, where it talks."""
        from dispatch.bot.links import ChatLinks

        telegram = self.settings.telegram
        bots = telegram.usable_bots if telegram.conversation else ()
        return ChatLinks(bots[0].number if bots else 0, lambda: self.catalog)

    @cached_property
    def pickup(self) -> Pickup:
        from dispatch.intake.pickup import Pickup
        from dispatch.intake.sandbox import Limits, Sandbox

        settings = self.settings
        limits = Limits(settings.intake.read_seconds, settings.intake.read_memory_mb)
        sandbox = Sandbox(settings.catalog.folder, limits)
        automatic = settings.publish.approval == "automatic"
        _ = self.approvers  # what is no address is told before anything is read
        return Pickup(
            self.catalog, sandbox, automatic=automatic, originals=self.originals, on_waiting=self._tell_approvers
        )

    @cached_property
    def approvers(self) -> Approvers:
        """Who may approve. Raises SettingsError for what is no address."""
        from dispatch.channels.registry import guess
        from dispatch.delivery.notices import Approvers

        settings = self.settings.publish
        try:
            addresses = tuple(self.address(guess(text), text) for text in settings.approvers)
        except (DispatchError, SubscriberError) as error:
            raise SettingsError(f"[publish] approvers: {error}; {_APPROVERS}") from None
        if any(_is_chat_link(address) for address in addresses):
            raise SettingsError(f"[publish] approvers: an address of t.me is no webhook; {_APPROVERS}")
        if any(address.channel == "webhook" for address in addresses) and not settings.approvers_secret:
            raise SettingsError("[publish] approvers: a webhook among them needs approvers_secret, which signs")
        return Approvers(addresses, settings.approvers_language, settings.approvers_secret.get_secret_value())

    def _tell_approvers(self, db: Database, stored: archive.StoredIssue, revision: int, now: int) -> None:
        from dispatch.delivery import notices

        if self.approvers.addresses:
            notices.queue(db, self.approvers, stored.id, revision, now)

    def preview_url(self, db: Database, issue_id: int) -> str:
        """Where those who approve read an issue, for PREVIEW_DAYS; "" without pages."""
        links = Links(self.settings.web.base_url, "", self.signer(db))
        return links.preview(issue_id, self.clock.now() + PREVIEW_DAYS * 86_400_000)

    def _notice(self, db: Database, digest_id: int) -> Notice:
        issue_id = archive.issue_of_digest(db, digest_id)
        stored = archive.load(db, issue_id)
        proposed = archive.proposed_number(db, issue_id)
        if proposed and stored.state is not IssueState.HELD:
            return Notice(stored.name, "", proposed=proposed)
        url, nobodys = self.preview_url(db, issue_id), tuple(article.title for article in unreached(db, issue_id))
        return Notice(stored.name, url, stored.warnings, revision=stored.revision, nobodys=nobodys, issue_id=issue_id)

    def stop_reading(self) -> None:
        """End what is being read, and the processes that read."""
        if "pickup" in self.__dict__:
            self.pickup.close()

    @cached_property
    def originals(self) -> Originals:
        """The files that issues came from."""
        from dispatch.intake.originals import Originals

        return Originals(self.settings.intake.originals)

    def _article_url(self, bulletin: str, ref: str, position: int) -> str:
        return article_url(self.settings.web.base_url, bulletin, ref, position)

    def channels(self) -> dict[str, Channel]:
        """The channels that have settings, by name."""
        from dispatch.channels.registry import enabled

        return enabled(self.settings, self.renderer, lambda: self.bots)

    @cached_property
    def bots(self) -> Bots:
        """Telegram's bots: the channel and whatever else speaks by them keep one pace together."""
        from dispatch.channels.telegram_bots import Bots

        return Bots(self.settings.telegram, self.clock)

    async def _close_bots(self) -> None:
        if "bots" in self.__dict__:
            await self.bots.close()

    def address(self, channel: str, text: str) -> Address:
        """A checked address. Raises UsageError or InvalidValue."""
        from dispatch.channels.registry import address

        return address(channel, text, self.settings)

    def english(self, bulletin: str) -> str:
        """A bulletin's English name, or ""."""
        found = self.catalog.bulletin(bulletin)
        return found.name_en if found else ""

    def title(self, language: str) -> str:
        """What is sent here, by the name of its bulletin; "" where there are several."""
        names = [found.name_en or found.name if language == "en" else found.name for found in self.catalog.offered]
        return names[0] if len(names) == 1 else ""

    def consent_text(self, language: str) -> str:
        """What somebody agrees to who says yes to a confirmation."""
        content = Content("confirm", language, "full", (), self.title(language))
        return self.renderer.text("email/consent.txt.j2", content).strip()

    def connect(self) -> Database:
        """A connection of the calling thread's; the database is migrated as needed, and made where the program may
        begin one. Raises DatabaseError."""
        settings = self.settings.database
        schemas = (SCHEMA, archive.SCHEMA)
        try:
            return Database.open(settings.url, schemas, synchronous=settings.synchronous, make=self._begins)
        except NoDatabase as error:
            raise NoDatabase(f"{error} ([database] url); {_REMEDY}") from error

    def has_database(self) -> bool:
        """Whether there is one to look things up in."""
        settings = self.settings.database
        try:
            Database.open(settings.url, (), synchronous=settings.synchronous, make=False).close()
        except NoDatabase:
            return False
        return True

    @contextmanager
    def database(self) -> Iterator[Database]:
        db = self.connect()
        try:
            yield db
        finally:
            db.close()

    def signer(self, db: Database) -> Signer:
        """What signs and verifies: one for all parts of the program, so that all learn of a new key."""
        from subscribers.tokens import Signer

        if self._signer is None:
            self._signer = Signer.load(db, self.clock.now())
        return self._signer

    def return_paths(self, db: Database) -> ReturnPaths | None:
        """What makes and reads return paths, one for all parts of the program; None without a bounce address."""
        from subscribers.verp import ReturnPaths

        if self._paths is None and self.settings.email.bounce_address:
            self.signer(db)  # it makes the first key
            self._paths = ReturnPaths.load(db, self.settings.email.bounce_address)
        return self._paths

    def desk(self, db: Database) -> Desk:
        """Where mail about our mail is acted upon."""
        from dispatch.bounces.desk import Desk

        return Desk(self.signer(db), self.return_paths(db), self.bounce_limits)

    @property
    def bounce_limits(self) -> Limits:
        """How often mail may come back."""
        from dispatch.delivery.bounces import Limits

        return Limits(self.settings.bounces.soft_limit, self.settings.bounces.soft_days)

    def reload_keys(self, db: Database) -> None:
        """Learn of keys that were made since, and of what the bot is called."""
        self.chat_links.learn(db)
        self.signer(db).reload(db)
        if self._paths is not None:
            self._paths.reload(db)

    def links(self, db: Database) -> Links:
        return Links(self.settings.web.base_url, leave_address(self.settings), self.signer(db))

    def expire_ms(self) -> dict[str, int]:
        """How long the messages of each channel are worth sending after they were due, in ms."""
        from dispatch.channels.registry import CHANNELS

        return {name: round(entry.expire_hours(self.settings) * 3_600_000) for name, entry in CHANNELS.items()}

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        from dispatch.delivery.store import Store

        async with Store(self.connect) as store:
            yield store

    @asynccontextmanager
    async def engine(self, store: Store, progress: Callable[[Attempt], None] = _silent) -> AsyncIterator[Engine]:
        """The engine with all enabled channels, which are closed at the end."""
        from dispatch.delivery.engine import Engine
        from dispatch.delivery.ledger import installation

        addressing = Addressing(
            self.settings,
            await store.call(self.links),
            self.catalog.label,
            await store.call(installation),
            await store.call(self.return_paths),
        )
        await store.call(self.chat_links.learn)
        async with AsyncExitStack() as stack:
            channels = self.channels()
            stack.push_async_callback(self._close_bots)
            for channel in channels.values():
                stack.push_async_callback(channel.close)
            yield Engine(
                store,
                channels,
                self.settings.engine,
                self.clock,
                addressing.envelope,
                self.english,
                progress,
                self.title,
                self._notice,
            )

    @asynccontextmanager
    async def metrics(self) -> AsyncIterator[None]:
        """Metrics for Prometheus, served while inside."""
        from dispatch.web.metrics import metrics

        async with metrics(self.connect, self.settings.metrics.listen, self.clock):
            yield

    @asynccontextmanager
    async def listener(self, store: Store) -> AsyncIterator[int]:
        """Mail about our mail, taken while inside; gives the port."""
        from dispatch.bounces.listener import Taker, listening

        settings = self.settings
        addresses = (settings.email.bounce_address, leave_address(settings))
        taker = Taker(settings.bounces, addresses, await store.call(self.desk), store, self.clock)
        async with listening(settings.bounces, taker) as port:
            yield port

    async def conversation(self, store: Store, name: str) -> Conversation:
        """What a bot says to those who write to it."""
        line = self.bots.get(name)
        await line.load()
        await asyncio.to_thread(import_module, "dispatch.bot.conversation")
        from dispatch.bot.conversation import Conversation, Reading
        from dispatch.bot.desk import Office
        from dispatch.bot.starting import Wishes

        base_url = self.settings.web.base_url
        office = Office(
            number=line.settings.number,
            username="",
            queue=line.queue,
            catalog=self.catalog,
            base_url=base_url,
            first=self.settings.subscribers.first_digest,
            others={bot.queue: bot.settings.number for bot in self.bots if bot.name != name},
            admins=tuple(to.address for to in self.approvers.addresses if to.channel == "telegram"),
            preview=self.preview_url,
        )
        posted = self.settings.telegram.updates == "webhook"
        wishes = Wishes(f"{base_url}/telegram/{name}", webhook_secret(line.settings)) if posted else Wishes()
        return Conversation(line, office, store, self.clock, Reading(self.connect, self.renderer), wishes)

    def _posts(self, store: Store) -> dict[str, Post]:
        """Where updates are posted to, by the bot."""
        from dispatch.bot import inbox
        from dispatch.web.updates import Post

        settings = self.settings.telegram
        if not settings.conversation or settings.updates != "webhook":
            return {}

        def post(bot: Bot) -> Post:
            async def take(body: str) -> None:
                await store.call(inbox.take_in, bot.number, [inbox.parsed(body)], self.clock.now())

            return Post(webhook_secret(bot), take)

        return {bot.name: post(bot) for bot in settings.usable_bots}

    @asynccontextmanager
    async def web(self, store: Store) -> AsyncIterator[None]:
        """The pages, served while inside."""
        from dispatch.channels.webhook.whole import Wholes
        from dispatch.web import Parts, make_app, serve
        from subscribers.consent import Limits

        found = self.settings.subscribers
        await store.call(self.chat_links.learn)
        parts = Parts(
            store=store,
            signer=await store.call(self.signer),
            catalog=self.catalog,
            clock=self.clock,
            mailbox=lambda text: self.address("email", text),
            rights=PersonalData(),
            subscribe=self.settings.web.subscribe and self.settings.email.enabled,
            trusted=self.settings.web.trusted_proxies,
            limits=Limits(found.asks_per_address, found.asks_per_network),
            first=found.first_digest,
            updates=self._posts(store),
            offers=self.chat_links.offers,
            wholes=Wholes(self.renderer, self.english, self.title),
        )
        pages = make_app(parts, templates_dir(), self.settings.templates.folder)
        async with serve(pages, self.settings.web.listen):
            yield
