"""What a handler works with inside the transaction of its update: the endpoint that is talked about, what can be done
with it, and replies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aiogram.methods import AnswerCallbackQuery, AnswerInlineQuery, EditMessageText, SendMessage
from aiogram.types import LinkPreviewOptions, ReplyParameters

from dispatch.bot import bots
from dispatch.bot.scene import Place, Scene, mark
from dispatch.bot.voice import Voice, voice
from dispatch.catalog import Catalog
from dispatch.delivery import ledger
from subscribers import directory, proof
from subscribers.audit import READER, Act, Way
from subscribers.database import Database
from subscribers.model import LANGUAGES, Address, Endpoint, Preferences
from subscribers.proof import Step as ProofStep
from subscribers.suppression import Hasher

if TYPE_CHECKING:
    from aiogram.methods import TelegramMethod
    from aiogram.types import InlineKeyboardMarkup

MOST_FOLLOWS = 200
"""Of one endpoint; the whole catalog is fewer things than that by its provinces and groups."""

Replies = Iterable["TelegramMethod[Any]"]
Later = Callable[[Database], object]
"""Work that has transactions of its own: it is done when the replies are made. A crash before it leaves it undone, so
what it goes on from must be in the store already, where somebody else finds it."""

Step = Callable[["Desk"], Replies]
"""What a handler makes of an update: it is run in the transaction in which the update is marked as handled."""


@dataclass(frozen=True, slots=True)
class Office:
    """What is the same for all updates of a bot. `number` is the bot's id, `queue` where its chats' messages wait."""

    number: int
    username: str
    queue: str
    catalog: Catalog
    base_url: str = ""
    first: bool = False
    others: Mapping[str, int] = field(default_factory=dict)
    """The other bots of the installation, by the queues of their chats."""
    admins: tuple[str, ...] = ()  # the chats that may approve issues and are told of trouble
    preview: Callable[[Database, int], str] = field(default=lambda db, issue: "", repr=False)
    """The page on which an issue is read before it is out, by its id; "" where there are no pages."""


class Desk:
    """One update's. All changes are on record as the reader's own, by the bot."""

    def __init__(self, db: Database, office: Office, scene: Scene, now: int) -> None:
        self.db = db
        self.office = office
        self.scene = scene
        self.now = now
        self.later: list[Later] = []
        self.asides: list[TelegramMethod[Any]] = []
        """What is said besides the replies, after them."""

    @property
    def catalog(self) -> Catalog:
        return self.office.catalog

    @property
    def act(self) -> Act:
        return Act(self.now, READER, Way.BOT)

    @cached_property
    def say(self) -> Voice:
        """Speaks the language of the chat that it answers in."""
        return voice(self._language(self.scene.here))

    def _language(self, place: Place) -> str:
        """What was chosen in a chat, in a topic else in its group; else in a private chat what its user's Telegram
        speaks, and elsewhere the bulletin's own language: whoever writes first there does not choose for all."""
        found = self._find(place.address) or (self._find(str(place.chat_id)) if place.thread else None)
        if found is not None:
            return found.preferences.language
        return self.scene.language if place.is_private else LANGUAGES[0]

    def label(self, tag: str) -> str:
        """A tag as readers know it."""
        return self.catalog.label(tag, self.say.language)

    # ------------------------------------------------------------------------------------------ the endpoint

    @property
    def endpoint(self) -> Endpoint | None:
        """Of the place that is talked about; None where it never followed anything, or was erased."""
        return self._find(self.scene.place.address)

    def _find(self, address: str) -> Endpoint | None:
        holder = directory.holder_of(self.db, self._address(address))
        return None if holder is None or holder.removed else directory.endpoint(self.db, holder.endpoint_id)

    def _address(self, address: str) -> Address:
        return Address("telegram", address, self.office.queue)

    @property
    def live(self) -> Endpoint | None:
        """The same, where it gets what it follows, now or after its pause."""
        found = self.endpoint
        return found if found is not None and found.live else None

    @property
    def follows(self) -> tuple[str, ...]:
        """What the place follows and is sent."""
        found = self.live
        return found.follows if found is not None else ()

    def follow(self, tags: Sequence[str], *, basis: str = "asked for in the chat") -> list[str]:
        """Follow more, as the person's own wish: a place that is new, had left or had blocked the bot is written to
        again. The tags that are new; raises TooMany."""
        known = self.follows
        new = [tag for tag in dict.fromkeys(tags) if tag not in known]
        if len(known) + len(new) > MOST_FOLLOWS:
            raise TooMany
        found = self.known()
        if found.live:
            directory.follow(self.db, found.id, new, self.act, first=self.office.first)
            self._move_here(found, bool(known))
            return new
        wish = f"{basis}: {', '.join(tags)}"
        proof.add(self.db, found.id, ProofStep.GIVEN, self.act, basis=wish, origin="telegram")
        hasher = Hasher.load(self.db)
        directory.agreed(self.db, hasher, found.id, wish, tags, None, self.act, first=self.office.first)
        self._move_here(found, was_sent=False)
        return list(dict.fromkeys(tags))

    def _begin(self) -> Endpoint:
        scene = self.scene
        name = scene.place.title or (scene.user_name if scene.place.is_private else "")
        name = "".join(letter for letter in name if letter.isprintable())  # nothing that turns text around, no NUL
        preferences = Preferences(language=self._language(scene.place))
        address = self._address(scene.place.address)
        return directory.endpoint(self.db, directory.asked_for(self.db, address, name[:100], (), preferences, self.act))

    def _move_here(self, found: Endpoint, was_sent: bool) -> None:
        """A chat is written to by the bot that it talks to; where another one did so, the chat is told."""
        was = found.address.queue
        if was != self.office.queue:
            self.let_send(found, self.office.queue)
            if was_sent:
                self.asides.append(bots.moved(self, was))

    def let_send(self, found: Endpoint, queue: str) -> None:
        """The bot of this queue writes to the chat from now on; what waits for it, too."""
        directory.set_queue(self.db, found.id, queue, self.act)
        self.db.run(ledger.SQL["requeue"], {"endpoint_id": found.id, "queue": queue})

    def unfollow(self, tags: Iterable[str]) -> list[str]:
        """Drop follows; those that there were."""
        found = self.endpoint
        gone = [tag for tag in tags if found is not None and tag in found.follows]
        if found is not None:
            directory.unfollow(self.db, found.id, gone, self.act)
        return gone

    @property
    def preferences(self) -> Preferences:
        """How the place wants its messages; what holds for everybody where nothing is known of it yet."""
        found = self.endpoint
        return Preferences(language=self._language(self.scene.place)) if found is None else found.preferences

    def known(self) -> Endpoint:
        """The endpoint of the place. A new one waits: nothing is sent before something is followed."""
        return self.endpoint or self._begin()

    def prefer(self, **changes: Any) -> Preferences:
        """Change preferences (fields of Preferences), also of a place that follows nothing yet; those that hold now."""
        found = self.known()
        preferences = replace(found.preferences, **changes)
        if preferences != found.preferences:
            directory.set_preferences(self.db, found.id, preferences, self.act)
        self.__dict__.pop("say", None)  # it may be another language now
        return preferences

    # -------------------------------------------------------------------------------------------- replies

    def answer(self, html: str, keyboard: InlineKeyboardMarkup | None = None, *, preview: bool = False) -> SendMessage:
        """A message to where the update came from; in a group as a reply to it."""
        here = self.scene.here
        quoting = not here.is_private and self.scene.message_id and not self.scene.callback_id
        values: dict[str, Any] = {
            "chat_id": here.chat_id,
            "text": self._about(html),
            "parse_mode": "HTML",
            "link_preview_options": LinkPreviewOptions(is_disabled=not preview),
        }
        if here.thread:
            values["message_thread_id"] = here.thread
        if quoting:
            values["reply_parameters"] = ReplyParameters(
                message_id=self.scene.message_id, allow_sending_without_reply=True
            )
        if keyboard is not None and keyboard.inline_keyboard:
            values["reply_markup"] = keyboard
        return SendMessage(**values)

    def edit(self, html: str, keyboard: InlineKeyboardMarkup | None = None) -> EditMessageText | SendMessage:
        """The message whose button was pressed says this from now on; a message that is too old for that is followed by
        a new one."""
        if self.scene.is_old or not self.scene.callback_id:
            return self.answer(html, keyboard)
        values: dict[str, Any] = {"reply_markup": keyboard} if keyboard and keyboard.inline_keyboard else {}
        return EditMessageText(
            chat_id=self.scene.here.chat_id,
            message_id=self.scene.message_id,
            text=self._about(html),
            parse_mode="HTML",
            link_preview_options=LinkPreviewOptions(is_disabled=True),
            **values,
        )

    def _about(self, html: str) -> str:
        """A text that says first about which chat it is, where that is another than it stands in. The buttons below
        are about that chat, too (`staging`)."""
        if not self.scene.is_managed:
            return html
        return f"{mark(self.scene.place)}\n\n{html}"

    def told(self, words: str, **values: object) -> Replies:
        """A word in reply: to a press an alert, else a message. Who types behind the bot's name is shown nothing."""
        if self.scene.query_id:
            return [AnswerInlineQuery(inline_query_id=self.scene.query_id, results=[], cache_time=1)]
        if self.scene.callback_id:
            return [self.toast(self.say.plain(words, **values), alert=True)]
        return [self.answer(self.say(words, **values))]

    def toast(self, text: str = "", *, alert: bool = False) -> AnswerCallbackQuery:
        """The answer to a press: a line that shows for a moment, or an alert that has to be closed; at most 200
        characters."""
        values: dict[str, Any] = {"text": text[:200], "show_alert": alert} if text else {}
        return AnswerCallbackQuery(callback_query_id=self.scene.callback_id, **values)


class TooMany(Exception):
    """More follows than one endpoint may have."""
