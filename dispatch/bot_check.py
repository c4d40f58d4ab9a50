"""Whether Telegram's bots can work, and reach those who approve, as `dispatch doctor` tells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dispatch.app import App
from dispatch.channels.causes import explain
from dispatch.channels.telegram_bots import SharedBot, lease_of
from dispatch.errors import SettingsError
from dispatch.findings import Finding
from dispatch.output import when
from dispatch.ports import is_held
from dispatch.settings import Bot
from subscribers.addresses import telegram_place

if TYPE_CHECKING:
    from datetime import datetime

    from aiogram import Bot as Api
    from aiogram.exceptions import AiogramError
    from aiogram.types import ChatFullInfo, ChatMember, User, WebhookInfo

_SECONDS = 5.0
_HOUR_MS = 3_600_000
_PUBLIC_API = "api.telegram.org"
_PORTS = (443, 80, 88, 8443)  # that Telegram posts to (Bot API, setWebhook)


@dataclass(frozen=True, slots=True)
class _Case:
    """A bot of the settings, what it is set up for, and whether a process of ours talks for it now."""

    bot: Bot
    url: str  # that updates are to be posted to; "": they are asked for
    talks: bool
    running: bool

    @property
    def what(self) -> str:
        return f"telegram bot {self.bot.name}"


@dataclass(frozen=True, slots=True)
class _Answered:
    """What the Bot API says of a bot; `me` is None where it says nothing that helps."""

    findings: tuple[Finding, ...]
    me: User | None = None


def examine(app: App) -> list[Finding]:
    """Each bot is asked who it is and how it gets its updates, and the first one for the chats of those who approve. No
    answer is waited for longer than five seconds, nothing is changed, and no token is told."""
    tokens = app.settings.telegram.usable_bots
    cases = [_case(app, bot) for bot in tokens]
    missing = [
        Finding(f"telegram bot {bot.name}", "bad", "it has no token: set it in [[telegram.bots]]")
        for bot in app.settings.telegram.all_bots
        if bot not in tokens
    ]
    chats = _approving_chats(app)
    if not cases:
        return [*missing, *_unreachable_without(chats)]
    return [*missing, *_twice(cases), *asyncio.run(_ask(app, cases, chats))]


def _case(app: App, bot: Bot) -> _Case:
    telegram = app.settings.telegram
    url = f"{app.settings.web.base_url}/telegram/{bot.name}" if telegram.updates == "webhook" else ""
    return _Case(bot, url, telegram.conversation, telegram.conversation and is_held(app, lease_of(bot.name)))


def _approving_chats(app: App) -> list[str]:
    """The chats of those who are told what waits, or what is wrong."""
    publish = app.settings.publish
    if publish.approval == "automatic" and not publish.alarms:
        return []
    try:
        return [to.address for to in app.approvers.addresses if to.channel == "telegram"]
    except SettingsError:
        return []  # told already


def _unreachable_without(chats: Sequence[str]) -> Iterator[Finding]:
    for chat in chats:
        yield Finding(f"approver {chat}", "bad", "it is a chat, and Telegram is off: set [telegram] token")


def _twice(cases: Sequence[_Case]) -> Iterator[Finding]:
    first: dict[int, str] = {}
    for case in cases:
        name = first.setdefault(case.bot.number, case.bot.name)
        if name != case.bot.name:
            words = f"it has the token of the bot {name}: each would take the other's updates; give it one of its own"
            yield Finding(case.what, "bad", words)


async def _ask(app: App, cases: Sequence[_Case], chats: Sequence[str]) -> list[Finding]:
    answers = await asyncio.gather(*(_about(app, case) for case in cases))
    found = [finding for answer in answers for finding in answer.findings]
    me = answers[0].me
    if me is None:
        return found
    async with _connected(app, cases[0].bot) as api:
        told = await asyncio.gather(*(_reach(api, me, chat) for chat in chats))
    return [*found, *(finding for finding in told if finding is not None)]


@asynccontextmanager
async def _connected(app: App, bot: Bot) -> AsyncIterator[Api]:
    """The bot as it is used, but less patient."""
    hasty = bot.model_copy(update={"timeout": min(bot.timeout, _SECONDS)})
    line = SharedBot(hasty, "", app.clock)
    try:
        yield await line.load()
    finally:
        await line.close()


async def _about(app: App, case: _Case) -> _Answered:
    async with _connected(app, case.bot) as api:
        from aiogram.exceptions import AiogramError

        try:
            me = await api.get_me()
            webhook = await api.get_webhook_info() if case.talks else None
        except AiogramError as error:
            return _Answered((Finding(case.what, "bad", _refusal(case.bot, error)),))
    findings = [Finding(case.what, "ok", _portrait(case, me)), *_habits(case, me)]
    if webhook is not None:
        findings += _receiving(app, case, webhook)
    return _Answered(tuple(findings), me)


def _portrait(case: _Case, me: User) -> str:
    how = ("webhook" if case.url else "polling") if case.talks else "it only sends: [telegram] conversation is off"
    privacy = "off" if me.can_read_all_group_messages else "on"
    inline = "on" if me.supports_inline_queries else "off"
    return f"@{me.username} ({how}; privacy mode {privacy}, inline mode {inline})"


def _habits(case: _Case, me: User) -> Iterator[Finding]:
    """What BotFather was told that differs from what the bot wants."""
    if not case.talks:
        return
    if me.can_read_all_group_messages:
        words = "it is given all that is written in groups, which it has no need of; BotFather: /setprivacy, Enable"
        yield Finding(case.what, "note", words)
    if me.can_join_groups is False:
        yield Finding(case.what, "note", "nobody can add it to a group; BotFather: /setjoingroups, Enable")


def _refusal(bot: Bot, error: AiogramError) -> str:
    from aiogram.exceptions import TelegramNetworkError, TelegramNotFound, TelegramUnauthorizedError

    if isinstance(error, TelegramUnauthorizedError | TelegramNotFound):
        where = "[telegram]" if bot.name == "default" else f"[[telegram.bots]] {bot.name}"
        return (
            f"the Bot API at {bot.api_base} refuses its token: have BotFather say it again (/mybots, API Token) and set"
            f" token in {where}"
        )
    if isinstance(error, TelegramNetworkError):
        return f"nobody answers at {bot.api_base}: {explain(error)}"
    return f"the Bot API at {bot.api_base} answers: {_words(bot, error)}"


def _words(bot: Bot, error: AiogramError) -> str:
    from dispatch.channels.telegram import without_token

    return without_token(str(getattr(error, "message", "") or error), bot.token.get_secret_value())


def _receiving(app: App, case: _Case, info: WebhookInfo) -> Iterator[Finding]:
    """Whether what people write comes in."""
    if not case.url:
        yield from _polling(case, info)
        return
    if bad := _unpostable(case):
        yield Finding(case.what, "bad", bad)
    if info.url != case.url:
        there = f"its updates are posted to {_site(info.url)}" if info.url else "no webhook is set"
        yield Finding(case.what, *_when_running(case, there, "dispatch run sets its own when it starts"))
    elif info.last_error_message and _is_now(app, info):
        words = f"updates do not come in since {_at(info.last_error_date)}: {_line(info.last_error_message)}"
        detail = f"{words}; {info.pending_update_count} wait; it posts to {_site(info.url)}"
        yield Finding(case.what, "bad" if info.pending_update_count else "note", detail)


def _polling(case: _Case, info: WebhookInfo) -> Iterator[Finding]:
    """While a webhook is set, nobody can ask for updates (409)."""
    if info.url:
        there = f"a webhook is set at {_site(info.url)}, so it cannot ask for updates"
        yield Finding(case.what, *_when_running(case, there, "dispatch run takes it away when it starts"))
    elif info.pending_update_count and not case.running:
        yield Finding(case.what, "note", f"{info.pending_update_count} updates wait for dispatch run")


def _when_running(case: _Case, there: str, at_start: str) -> tuple[str, str]:
    """A running program has settled this, so somebody has changed it since; before, that is no fault."""
    if case.running:
        return "bad", f"{there}: another program uses this token; stop it, or start dispatch run anew"
    return "note", f"{there}; {at_start}"


def _unpostable(case: _Case) -> str:
    """Why Telegram's own servers post nothing to the address; a Bot API server of one's own may."""
    parts = urlsplit(case.url)
    if urlsplit(case.bot.api_base).hostname != _PUBLIC_API:
        return ""
    if parts.scheme != "https":
        return 'Telegram posts updates to https addresses only: set [web] base_url to one, or updates = "polling"'
    if (parts.port or 443) not in _PORTS:
        return f"Telegram posts updates to the ports {', '.join(map(str, _PORTS))} only, not to that of [web] base_url"
    return ""


def _is_now(app: App, info: WebhookInfo) -> bool:
    """Whether the last error is of the last hour, or updates wait: the Bot API never forgets one."""
    at = info.last_error_date
    return bool(info.pending_update_count) or (at is not None and app.clock.now() - _ms(at) < _HOUR_MS)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _at(at: datetime | None) -> str:
    return when(_ms(at)) if at is not None else "a while ago"


def _site(url: str) -> str:
    """An address without its path, which may be a secret."""
    parts = urlsplit(url)
    return _line(f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}")


def _line(text: str) -> str:
    return "".join(c for c in " ".join(text.split()) if c.isprintable())[:200]


# ------------------------------------------------------------------------------------------------- those who approve


async def _reach(api: Api, me: User, address: str) -> Finding | None:
    """Why the bot cannot write to a chat; None where it can, as far as can be told without writing."""
    from aiogram.exceptions import AiogramError, TelegramBadRequest, TelegramForbiddenError, TelegramNetworkError

    chat_id, _ = telegram_place(address)
    try:
        chat = await api.get_chat(chat_id if chat_id.startswith("@") else int(chat_id))
        member = None if chat.type == "private" else await api.get_chat_member(chat.id, me.id)
    except (TelegramBadRequest, TelegramForbiddenError) as error:
        return _approver(address, f"@{me.username} cannot reach it ({_line(error.message)}); {_way_in(address, me)}")
    except AiogramError as error:
        words = explain(error) if isinstance(error, TelegramNetworkError) else type(error).__name__
        return Finding(f"approver {address}", "note", f"whether @{me.username} can reach it is not known: {words}")
    if member is not None and not _may_write(chat, member):
        return _approver(address, f"@{me.username} may not write there; {_way_in(address, me, chat)}")
    return None


def _approver(address: str, words: str) -> Finding:
    return Finding(f"approver {address}", "bad", words)


def _way_in(address: str, me: User, chat: ChatFullInfo | None = None) -> str:
    if chat is not None and chat.type == "channel":
        return "make it an administrator of the channel that may post"
    if address.startswith("@"):
        return "a name means a public group or channel, to which it must be added; a person is written as a number"
    if address.startswith("-"):
        return "add it to the group, or to the channel as an administrator, and let it write"
    return f"the person has to press Start in the chat with it: https://t.me/{me.username}"


def _may_write(chat: ChatFullInfo, member: ChatMember) -> bool:
    from aiogram.types import ChatMemberAdministrator, ChatMemberMember, ChatMemberOwner, ChatMemberRestricted

    if isinstance(member, ChatMemberRestricted):
        return bool(member.is_member and member.can_send_messages)
    if chat.type == "channel":
        return isinstance(member, ChatMemberAdministrator) and member.can_post_messages is not False
    return isinstance(member, ChatMemberOwner | ChatMemberAdministrator | ChatMemberMember)
