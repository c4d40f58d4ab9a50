"""The channels there are: one entry each. A channel's module is imported when its entry is used, not before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from dispatch.delivery.channel import Channel
from dispatch.digests.render import Renderer
from dispatch.errors import UsageError
from dispatch.settings import Bot, Settings
from subscribers.model import ROBOTS, Address

if TYPE_CHECKING:
    from dispatch.channels.telegram_bots import Bots

    _Shared = Callable[[], Bots] | None


@dataclass(frozen=True, slots=True)
class Entry:
    """How a channel is set up, made and addressed. `missing` says what to set, or "" where it is on; `begun` whether
    something of it is set, as nobody does who wants it off; `expire_hours` how long after it was due a message is worth
    sending, whether it is on or not. What makes it is given the bots that the program shares, if there are any."""

    missing: Callable[[Settings], str]
    begun: Callable[[Settings], bool]
    make: Callable[[Settings, Renderer, _Shared], Channel]
    address: Callable[[str, Settings], Address]
    expire_hours: Callable[[Settings], float]


def _no_email(settings: Settings) -> str:
    if settings.email.enabled or (settings.email.relays and settings.email.from_address):
        return ""
    return "set [email] host and from_address (DISPATCH_EMAIL__HOST, DISPATCH_EMAIL__FROM_ADDRESS)"


def _begun_email(settings: Settings) -> bool:
    email = settings.email
    return bool(email.host or email.from_address or email.relays or email.username or email.password.get_secret_value())


def _email(settings: Settings, renderer: Renderer, bots: _Shared = None) -> Channel:
    from dispatch.channels.email import EmailChannel

    return EmailChannel(settings.email, renderer)


def _email_address(text: str, settings: Settings) -> Address:
    from subscribers.addresses import email_address

    return Address("email", email_address(text), "email")


def _no_telegram(settings: Settings) -> str:
    return "" if settings.telegram.all_bots else "set [telegram] token (DISPATCH_TELEGRAM__TOKEN)"


def _telegram(settings: Settings, renderer: Renderer, bots: _Shared = None) -> Channel:
    from dispatch.channels.telegram import TelegramChannel

    return TelegramChannel(settings.telegram, renderer, bots and bots())


def _telegram_address(text: str, settings: Settings) -> Address:
    from subscribers.addresses import telegram_chat

    return Address("telegram", telegram_chat(text), "telegram")


def _no_webhook(settings: Settings) -> str:
    return "" if settings.webhook.enabled else "set [webhook] enabled = true"


def _webhook(settings: Settings, renderer: Renderer, bots: _Shared = None) -> Channel:
    from dispatch.channels.webhook import WebhookChannel

    return WebhookChannel(settings.webhook, renderer)


def _webhook_address(text: str, settings: Settings) -> Address:
    """A robot's, where the address is of a service of robots, or says so itself: `wecom+https://gateway.example/…`.
    What says `webhook+https://…` gets signed JSON wherever it is. Apprise's, where it is none of the web:
    `gotify://…`."""
    from dispatch.channels.robots import kind_of
    from dispatch.channels.webhook import check_url, new_secret, queue_of

    forced, _, rest = text.strip().partition("+")
    if forced in _FORCED:
        return _robot_address(_FORCED[forced], rest, settings)
    if _is_apprise(text) and not _no_apprise(settings):
        return _apprise_address(text, settings)
    plain = forced == "webhook"
    url = check_url(rest if plain else text, settings.webhook.allow_networks)
    if not plain and (kind := kind_of(url)):
        return _robot_address(kind, url, settings)
    return Address("webhook", url, queue_of(url), new_secret())


def _robot_address(kind: str, text: str, settings: Settings) -> Address:
    from dispatch.channels.robots import KINDS
    from dispatch.channels.webhook import check_url, queue_of

    url = check_url(text, settings.webhook.allow_networks)
    KINDS[kind].check(url)
    return Address(kind, url, queue_of(url, kind))


_FORCED = {**{kind: kind for kind in ROBOTS}, "lark": "feishu"}


def robot_address(kind: str, text: str, settings: Settings) -> Address:
    """The checked address of a robot of this kind, whatever its host. Raises UsageError."""
    if kind not in _FORCED:
        raise UsageError(f"no robot {kind!r}; there are {', '.join(_FORCED)}")
    return _robot_address(_FORCED[kind], text.strip(), settings)


def signed(to: Address, secret: str) -> Address:
    """An address with what it signs with. Raises UsageError, which does not repeat it."""
    if to.channel in ROBOTS:
        from dispatch.channels.robots import KINDS

        return replace(to, secret=KINDS[to.channel].check_secret(secret))
    if to.channel == "webhook":
        return replace(to, secret=_checked_secret(secret))
    raise UsageError(f"{to.channel} signs nothing: it takes no secret")


def _checked_secret(secret: str) -> str:
    from dispatch.channels.webhook.signing import BadSecret, signed_headers

    try:
        if ":" in secret or len(secret.split()) != 1:
            raise BadSecret
        signed_headers(secret, "msg_0", dt.datetime.now(dt.UTC), b"{}")
    except BadSecret:
        raise UsageError("the secret of a webhook is whsec_ and the base64 of 24 to 64 bytes") from None
    return secret.strip()


def _robot(kind: str) -> Entry:
    def make(settings: Settings, renderer: Renderer, bots: _Shared = None) -> Channel:
        from dispatch.channels.robots import KINDS, RobotChannel

        return RobotChannel(KINDS[kind], settings.robots, settings.webhook, renderer)

    return Entry(
        lambda settings: "" if settings.robots.enabled else "set [robots] enabled = true",
        lambda settings: False,
        make,
        lambda text, settings: _robot_address(kind, text, settings),
        lambda settings: settings.robots.expire_hours,
    )


def _no_apprise(settings: Settings) -> str:
    if not settings.apprise.enabled:
        return "set [apprise] enabled = true"
    return "" if find_spec("apprise") else "install its extra: pip install 'huoju-dispatch[apprise]'"


def _apprise(settings: Settings, renderer: Renderer, bots: _Shared = None) -> Channel:
    from dispatch.channels.apprise import AppriseChannel

    return AppriseChannel(settings.apprise, settings.webhook, renderer)


def _apprise_address(text: str, settings: Settings) -> Address:
    from dispatch.channels.apprise.address import check, queue_of
    from dispatch.channels.webhook.guard import Guard

    if missing := _no_apprise(settings):
        raise UsageError(f"services that Apprise reaches are off: {missing}")
    address, _ = check(text, Guard(tuple(settings.webhook.allow_networks)))
    return Address("apprise", address, queue_of(address))


def _is_apprise(text: str) -> bool:
    scheme, mark, _ = text.strip().partition("://")
    return bool(mark) and scheme.isalnum() and scheme.lower() not in ("http", "https")


CHANNELS: dict[str, Entry] = {
    "email": Entry(_no_email, _begun_email, _email, _email_address, lambda settings: settings.email.expire_hours),
    "telegram": Entry(
        _no_telegram,
        lambda settings: settings.telegram.api_base != Bot().api_base,
        _telegram,
        _telegram_address,
        lambda settings: settings.telegram.expire_hours,
    ),
    "webhook": Entry(
        _no_webhook,
        lambda settings: False,  # off only where somebody switched it off
        _webhook,
        _webhook_address,
        lambda settings: settings.webhook.expire_hours,
    ),
    **{kind: _robot(kind) for kind in ROBOTS},
    "apprise": Entry(
        _no_apprise,
        lambda settings: settings.apprise.enabled,
        _apprise,
        _apprise_address,
        lambda settings: settings.apprise.expire_hours,
    ),
}


def enabled(settings: Settings, renderer: Renderer, bots: _Shared = None) -> dict[str, Channel]:
    """The channels that have settings, by name; `bots` gives the bots that they share with other parts of the
    program."""
    return {
        name: entry.make(settings, renderer, bots) for name, entry in CHANNELS.items() if not entry.missing(settings)
    }


def off(settings: Settings) -> dict[str, str]:
    """The channels without settings, each with what to set."""
    return {name: entry.missing(settings) for name, entry in CHANNELS.items() if entry.missing(settings)}


def address(channel: str, text: str, settings: Settings) -> Address:
    """A checked address of a channel. Raises UsageError or InvalidValue."""
    if channel not in CHANNELS:
        raise UsageError(f"no channel {channel!r}; there are {', '.join(CHANNELS)}")
    return CHANNELS[channel].address(text, settings)


def guess(text: str) -> str:
    """The channel that an address looks like: a web address (or one of Apprise's), a chat id (or a topic in it) or
    @name, else email."""
    if text.partition("+")[0] in _FORCED or text.startswith(("http://", "https://")) or _is_apprise(text):
        return "webhook"
    if text.startswith("@") or text.lstrip("-").replace("/", "", 1).isdigit():
        return "telegram"
    return "email"
