"""Digests by Telegram: one lane a bot, `sendMessage` of the Bot API.

aiogram is imported when the first lane is opened: it takes 170 MB, and a process that sends email only needs none.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType

from dispatch.channels import approval_buttons
from dispatch.channels.approval_buttons import Pressed, Wish
from dispatch.channels.causes import explain
from dispatch.channels.html_split import MAX_ENTITIES, MAX_UNITS, Reserve, extent, split, visible_units
from dispatch.channels.telegram_bots import Bots, Chats, SharedBot
from dispatch.channels.telegram_buttons import Mute, Previous, Unfollow, pack, tag_hash
from dispatch.delivery.channel import Grouping, Lane, Rendered
from dispatch.delivery.clock import SystemClock
from dispatch.delivery.pace import Pace, is_group
from dispatch.digests.fitting import Size, fitting
from dispatch.digests.render import Personal, Renderer
from dispatch.digests.slots import Slotted
from dispatch.digests.words import clip
from dispatch.errors import RenderError, SettingsError
from dispatch.model import Content, Envelope, Notice, Outcome, Rejected, Retry, Sent
from dispatch.settings import TelegramSettings
from subscribers.addresses import is_telegram_chat, telegram_id, telegram_place

log = logging.getLogger(__name__)

_TEMPLATE = "telegram/digest.html.j2"
# What the personal pieces may take of a message, once filled in.
RESERVES: Mapping[str, Reserve] = MappingProxyType(
    {"follows": Reserve(500, 12), "why": Reserve(500, 12), "unsubscribe": Reserve(200, 3)}
)
MAX_UNFOLLOW = 3
"""Buttons that drop a follow; more would be more than the digest."""
MAX_PARTS = 12
"""Messages of one digest: more than a dozen in a row is no news any more, and each counts against the bot's pace."""

_HEAD_UNITS = 80  # kept free in each message for the heading of a continuation
_PERSONAL = Reserve(
    sum(reserve.units for reserve in RESERVES.values()), sum(reserve.entities for reserve in RESERVES.values())
)
# What a content may be that is divided: a part that ends at a good place is at least two thirds full.
_ROOM = Reserve(
    MAX_PARTS * MAX_UNITS * 2 // 3 - _PERSONAL.units, MAX_PARTS * MAX_ENTITIES * 2 // 3 - _PERSONAL.entities
)
_ROOM_OF_ONE = Reserve(MAX_UNITS - _HEAD_UNITS - _PERSONAL.units, MAX_ENTITIES - 1 - _PERSONAL.entities)
_LONGEST_WAIT = 86_400.0  # seconds: more than that of a retry_after is not believed
_LONGEST_REASON = 300
_LABEL = 30  # characters of a follow on its button
_SAID = "message "  # what stands before a message's id in the detail of an attempt
_FOLLOWED = frozenset({"digest", "bundle", "correction"})  # kinds of contents
# Telegram refuses a whole message for a button whose address is none of the public web.
_OPENS = re.compile(r"https?://[^/\s]+\.[^/\s.]+(?::[0-9]+)?/")
_OPENS_AT_MOST = 2_000  # characters of an address
# Refusals that speak of a right in a living chat. `CHAT_WRITE_FORBIDDEN` comes as 403 as well as 400.
_NO_RIGHT = re.compile(r"CHAT_WRITE_FORBIDDEN|not enough rights|have no rights|TOPIC_CLOSED|CHAT_RESTRICTED", re.I)
_NO_TOPIC = re.compile(r"message thread not found|TOPIC_DELETED|TOPIC_ID_INVALID", re.I)
_NO_CHAT = re.compile(r"chat not found|PEER_ID_INVALID|user not found|user_deactivated|chat_id is invalid", re.I)


def opens(url: str) -> bool:
    """Whether a button may lead to a page."""
    return len(url) <= _OPENS_AT_MOST and _OPENS.match(url) is not None


@dataclass(frozen=True, slots=True)
class ApprovalButtons:
    """The words of the buttons below the notice of an issue that is held; `url` is its preview, or ""."""

    preview: str
    approve: str
    cancel: str
    url: str
    issue_id: int
    revision: int

    def rows(self, envelope: Envelope) -> list[list[tuple[str, str, str]]]:
        """As those below a digest."""
        approve, cancel = (
            approval_buttons.pack(Pressed(wish, self.issue_id, self.revision)) for wish in (Wish.APPROVE, Wish.CANCEL)
        )
        row = [(self.approve, approve, ""), (self.cancel, cancel, "")]
        return [[(self.preview, "", self.url), *row]] if self.url else [row]


@dataclass(frozen=True, slots=True)
class Buttons:
    """The words of the buttons below the last message; `url` is the page behind `read`, or ""; `heard` says whether
    somebody listens to those that change something."""

    unfollow: str
    mute: str
    read: str
    previous: str
    url: str
    digest_id: int
    heard: bool = True

    def change(self, envelope: Envelope) -> bool:
        """Whether there are buttons that change what the chat gets: not in a public channel, whose readers follow
        nothing themselves."""
        return self.heard and bool(envelope.endpoint_id) and not envelope.address.startswith("@")

    def rows(self, envelope: Envelope) -> list[list[tuple[str, str, str]]]:
        """Each button as its words, its data and its page, of which one is ""."""
        rows = [[(self.read, "", self.url)]] if self.url else []
        endpoint = envelope.endpoint_id
        if not self.change(envelope):
            return rows
        drops = [
            [
                (
                    self.unfollow.replace("{label}", clip(reason.label, _LABEL)),
                    pack(Unfollow(endpoint, tag_hash(reason.tag))),
                    "",
                )
            ]
            for reason in envelope.reasons[:MAX_UNFOLLOW]
        ]
        quiet = (self.mute, pack(Mute(endpoint)), "")
        return [*rows, *drops, [quiet, (self.previous, pack(Previous(endpoint, self.digest_id)), "")]]


@dataclass(frozen=True, slots=True)
class RenderedChat:
    """A content as chat messages, one a part."""

    texts: tuple[Slotted, ...]
    personal: Personal
    topic_deleted: tuple[str, str] = ("", "")  # what a chat is told whose topic is gone: sent on there, or paused
    buttons: Buttons | ApprovalButtons | None = None

    @property
    def parts(self) -> int:
        return len(self.texts)


class TelegramConnection:
    """Sends through a bot that all connections of its lane share: HTTP keeps the sessions."""

    def __init__(self, bot: SharedBot) -> None:
        self._bot = bot

    async def send(self, envelope: Envelope, rendered: Rendered, part: int) -> Outcome:
        """Send one part to the chat `envelope.address` (an id, or @name)."""
        if not isinstance(rendered, RenderedChat):
            raise TypeError(f"a Telegram connection got a {type(rendered).__name__}")
        if not is_telegram_chat(envelope.address):
            return Rejected(
                "the address is no chat: allowed are an id, @name and a topic (-100123/45)", "address", "gone"
            )
        chat, topic = telegram_place(envelope.address)
        rows = rendered.buttons.rows(envelope) if rendered.buttons and part == rendered.parts - 1 else []
        outcome = await self._send(envelope.address, _fill(rendered, part, envelope), rows)
        if topic and isinstance(outcome, Rejected) and _NO_TOPIC.search(outcome.reason):
            if self._bot.deleted_topics.is_news(envelope.address):
                moved, paused = rendered.topic_deleted
                words = paused if envelope.chat_follows else moved
                await self._tell(envelope.address, words.replace("{topic}", str(topic)))
            return Retry(f"the topic was deleted ({outcome.reason})", code="400", after=0, new_address=chat)
        return _resting(self._bot.throttle.judged(chat, outcome))

    async def _tell(self, address: str, text: str) -> None:
        """A word to a topic's chat itself, whose administrators should know. It is no message of anybody's: where it
        cannot be said, it is not."""
        from aiogram.exceptions import AiogramError
        from aiogram.methods import SendMessage

        try:
            chat, _ = telegram_place(address)
            await self._bot.call(SendMessage(chat_id=telegram_id(chat), text=text), chat)
        except AiogramError as error:
            self._bot.deleted_topics.forget(address)
            log.warning("a deleted topic could not be told of: %s", type(error).__name__)

    async def _send(self, address: str, text: str, rows: list[list[tuple[str, str, str]]]) -> Outcome:
        from aiogram.exceptions import AiogramError
        from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions

        keyboard = [
            [InlineKeyboardButton(text=words, callback_data=data or None, url=url or None) for words, data, url in row]
            for row in rows
        ]

        chat, topic = telegram_place(address)
        try:
            message = await self._bot.api.send_message(
                telegram_id(chat),
                text,
                message_thread_id=topic or None,
                parse_mode="HTML",
                link_preview_options=LinkPreviewOptions(is_disabled=True),
                reply_markup=InlineKeyboardMarkup(inline_keyboard=keyboard) if keyboard else None,
                allow_paid_broadcast=self._bot.settings.paid_broadcast or None,
            )
        except AiogramError as error:
            return outcome_of(error, self._bot.settings.token.get_secret_value())
        return _sent(message.message_id)


class TelegramChannel:
    """The channel `telegram`. Fulfils `dispatch.delivery.channel.Channel`."""

    name = "telegram"

    def __init__(self, settings: TelegramSettings, renderer: Renderer, bots: Bots | None = None) -> None:
        """`bots` are those that the program shares among its parts; without them the channel has its own."""
        self._settings = settings
        self._renderer = renderer
        self._shared = bots is not None
        self._bots = bots if bots is not None else Bots(settings, SystemClock())
        self.grouping: Grouping = Chats(settings)

    @property
    def retry_delays(self) -> Sequence[float]:
        return self._settings.retry_delays

    def lanes(self, queue: str) -> Sequence[Lane]:
        """The bot of the queue: `telegram` is the first one's, `telegram:NAME` that of another."""
        bot = self._bots.of_queue(queue)
        return () if bot is None else (bot.lane,)

    def pace(self, lane: Lane) -> Pace | None:
        """That of the lane's bot, which its replies share; None where the channel has its bots for itself."""
        return self._of(lane).pace if self._shared else None

    def render(self, content: Content) -> RenderedChat:
        """About a dozen messages at most, of at most 4096 characters each, with room for what is personal; longer
        articles are shortened. A notice is one message, which is changed when somebody has decided. Raises
        RenderError."""
        buttons = self._buttons(content)
        try:
            parts = split(self._html(content, buttons), RESERVES, units=4096 - _HEAD_UNITS, entities=99)
        except (ValueError, LookupError) as error:
            raise RenderError(f"template {_TEMPLATE}: {error}") from error
        personal = self._renderer.personal("telegram/personal.html.j2", content)
        headed = [parts[0], *(self._head(content, n, len(parts)) + part for n, part in enumerate(parts[1:], start=2))]
        gone = self._renderer.text("telegram/topic_deleted.txt.j2", content).strip().partition("\n")
        texts = tuple(Slotted.parse(part) for part in headed)
        return RenderedChat(texts, personal, (gone[0].strip(), gone[2].strip() or gone[0].strip()), buttons)

    def _buttons(self, content: Content) -> Buttons | ApprovalButtons | None:
        """None for tests, and for what nobody is asked to decide."""
        if content.notice is not None:
            return self._approval(content, content.notice)
        if content.kind not in _FOLLOWED or not content.sections:
            return None
        first = content.sections[0]
        words = self._renderer.text("telegram/buttons.txt.j2", content).split("\n")
        unfollow, mute, read, previous, url = (line.strip() for line in words[:5])
        if len(first.matching) > 1 or len(content.sections) > 1:
            url = url.rpartition("/")[0]  # the issue's page
        url, heard = url if opens(url) else "", self._settings.conversation
        return Buttons(unfollow, mute, read, previous, url, first.digest.id, heard)

    def _approval(self, content: Content, notice: Notice) -> ApprovalButtons | None:
        """None where nobody listens, and for other content of an issue that is out: that takes a comparison first."""
        if not self._settings.conversation or not notice.issue_id or notice.proposed:
            return None
        words = self._renderer.text("telegram/approval.txt.j2", content).split("\n")
        preview, approve, cancel = (line.strip() for line in words[:3])
        url = notice.preview_url if opens(notice.preview_url) else ""
        return ApprovalButtons(preview, approve, cancel, url, notice.issue_id, notice.revision)

    def _head(self, content: Content, part: int, parts: int) -> str:
        """What a message begins with that goes on from the one before: in a busy chat it stands alone."""
        return self._renderer.text("telegram/continued.html.j2", content, part=part, parts=parts).strip() + "\n\n"

    def _html(self, content: Content, buttons: Buttons | ApprovalButtons | None) -> str:
        """The content with as much of its texts as there is room for; measured before it is divided, which is slow."""
        if content.alarm is not None:
            return self._renderer.text("telegram/alarm.html.j2", content).strip()
        whole = Size.whole(content)
        room = _ROOM if content.notice is None else _ROOM_OF_ONE

        def build(size: Size) -> str:
            complete = (size.others, size.matching) == (whole.others, whole.matching)
            values = {"limit": size.characters, "whole": complete, "buttons": buttons}
            html = self._renderer.text(_TEMPLATE, size.of(content), **values)
            return re.sub(r"\n{3,}", "\n\n", html).strip()

        def fits(size: Size) -> bool:
            units, entities = extent(build(size))
            return units <= room.units and entities <= room.entities

        return build(fitting(whole, MAX_PARTS * MAX_UNITS, fits))

    def preview(self, content: Content, envelope: Envelope) -> dict[str, str]:
        """The messages as Telegram's HTML, one after the other."""
        rendered = self.render(content)
        return {".html": "\n\n".join(_fill(rendered, part, envelope) for part in range(rendered.parts))}

    @asynccontextmanager
    async def open(self, lane: Lane) -> AsyncIterator[TelegramConnection]:
        """A connection of that lane's bot. Nothing is asked of the API before the first message."""
        bot = self._of(lane)
        await bot.load()
        yield TelegramConnection(bot)

    def _of(self, lane: Lane) -> SharedBot:
        bot = self._bots.of_queue(lane.queue)
        if bot is None or bot.lane.name != lane.name:
            raise SettingsError(f"there is no bot for the lane {lane.name}")
        return bot

    async def close(self) -> None:
        if not self._shared:
            await self._bots.close()


def _fill(rendered: RenderedChat, part: int, envelope: Envelope) -> str:
    text = rendered.texts[part]
    if isinstance(rendered.buttons, Buttons) and rendered.buttons.change(envelope):
        envelope = _beside_buttons(envelope)
    filled = text.fill({name: _piece(rendered.personal, name, envelope) for name in text.names})
    return re.sub(r"\n{3,}", "\n\n", filled).strip()  # an empty piece leaves its blank lines


def _beside_buttons(envelope: Envelope) -> Envelope:
    """Without the links that do what a button below does: what is followed beyond the buttons has its link still, and
    with it the link that ends everything."""
    first, others = envelope.reasons[:MAX_UNFOLLOW], envelope.reasons[MAX_UNFOLLOW:]
    reasons = (*(replace(reason, unfollow_url="") for reason in first), *others)
    return replace(envelope, reasons=reasons, unsubscribe_url=envelope.unsubscribe_url if others else "")


def _piece(personal: Personal, name: str, envelope: Envelope) -> str:
    """A personal piece within its reserve: with all follows, else with as many as fit."""
    unsubscribe = envelope.unsubscribe_url or envelope.unsubscribe_mailto
    more = {
        "preferences": envelope.preferences_url,
        "shared": is_group(envelope.address),
        "channel": envelope.in_channel,
    }
    for count in (len(envelope.reasons), 8, 4, 2, 1, 0):
        piece = personal.piece(name, envelope.reasons[:count], unsubscribe, **more)
        if visible_units(piece) <= RESERVES[name].units:
            return piece
    return ""


def outcome_of(error: Exception, token: str) -> Outcome:
    """What an answer of the Bot API ("Making requests", ResponseParameters), or the lack of one, means."""
    from aiogram import exceptions as api

    words = without_token(str(getattr(error, "message", error)), token)
    match error:
        case api.TelegramRetryAfter():
            return Retry("too many requests", code="429", after=float(min(max(error.retry_after, 0), _LONGEST_WAIT)))
        case api.TelegramMigrateToChat():
            return _moved(str(error.migrate_to_chat_id))
        case api.TelegramForbiddenError():
            return Rejected(words, code="403", endpoint_state="" if _NO_RIGHT.search(words) else "gone")
        case api.TelegramBadRequest():
            return Rejected(words, code="400", endpoint_state="gone" if _NO_CHAT.search(words) else "")
        case api.TelegramUnauthorizedError() | api.TelegramNotFound():
            code = "401" if isinstance(error, api.TelegramUnauthorizedError) else "404"
            return Retry(f"Telegram does not know the bot's token ({words})", code=code, outage=True)
        case api.TelegramEntityTooLarge():
            return Rejected(words, code="413")
        case api.TelegramServerError():
            return _trouble(words, "5xx")
        case api.TelegramConflictError():
            return Retry(words, code="409")
        case api.TelegramNetworkError():
            return _no_answer(error)
        case api.ClientDecodeError():
            return _odd_answer(error.data)
    return _unnamed(words)


def _resting(outcome: Outcome) -> Outcome:
    """Too many requests for one chat: nothing of what is due to it goes until it may."""
    if isinstance(outcome, Retry) and outcome.code == "429" and not outcome.outage:
        return replace(outcome, whole_address=True)
    return outcome


def _moved(new: str) -> Outcome:
    if not is_telegram_chat(new):
        return Rejected("the group has become a supergroup, and what the Bot API calls it is no chat", code="400")
    return Retry("the group has become a supergroup", code="400", after=0, new_address=new)


def _unnamed(words: str) -> Outcome:
    """An error that aiogram has no class for; a 429 without retry_after is one."""
    if "too many requests" in words.lower():
        return Retry(words, code="429")
    return Rejected(words or "refused without a word", code="4xx")


def _no_answer(error: Exception) -> Retry:
    """No answer came. Where no connection was made, it is the lane's trouble; else the message may have arrived."""
    from aiohttp import ClientConnectorError

    cause = error.__cause__
    if isinstance(cause, ClientConnectorError):
        return Retry(f"nobody answers at the Bot API ({explain(cause)})", code="connect", outage=True)
    if isinstance(cause, TimeoutError):
        return _trouble("the Bot API did not answer in time", "timeout", unknown=True)
    return _trouble("the connection to the Bot API was lost", "lost", unknown=True)


def _trouble(reason: str, code: str, *, unknown: bool = False) -> Retry:
    """Trouble of the server's own: perhaps with this message alone, perhaps with all."""
    return Retry(reason, code=code, suspect=True, unknown=unknown)


def _odd_answer(data: object) -> Outcome:
    """An answer that aiogram cannot read. It counts as sent where it says so: a repeat would be a second message."""
    if isinstance(data, dict) and data.get("ok") is True:
        result = data.get("result")
        number = result.get("message_id") if isinstance(result, dict) else None
        return _sent(number if isinstance(number, int) else 0)
    return Retry("the Bot API's answer cannot be read", code="answer", outage=True, counted=True, unknown=True)


def _sent(message_id: int) -> Sent:
    """The ids in a chat begin with 1; 0 stands for one that was not told."""
    if not 0 < message_id < 1 << 63:
        return Sent(code="200")
    return Sent(provider_id=str(message_id), code="200", detail=f"{_SAID}{message_id}")


def message_of(detail: str) -> int | None:
    """The id of a message in its chat, from the detail of the attempt that sent it; None where it was not told."""
    number = detail.removeprefix(_SAID)
    return int(number) if detail.startswith(_SAID) and number.isdecimal() else None


def without_token(text: str, token: str) -> str:
    """One printable line without the bot's token: an answer may hold anything, the address asked for too."""
    text = " ".join(text.encode("utf-8", "replace").decode().split())
    text = "".join(c for c in text if c.isprintable())
    for secret in (token, token.replace(":", "%3A"), token.partition(":")[2]):
        text = text.replace(secret, "…") if secret else text
    return text[:_LONGEST_REASON]
