"""Which addresses of Apprise's can be an endpoint: services that are reached by HTTP, one receiver each.

`REFUSED` names the others by what their part of Apprise does. What comes to be in a later release of Apprise and is not
named there is still held by `confined`.
"""

from __future__ import annotations

import importlib
import re
from functools import cache
from types import ModuleType
from typing import Any
from urllib.parse import unquote

from dispatch.channels.apprise.confined import Call, confined, prepare
from dispatch.channels.webhook.guard import AddressRefused, Guard
from dispatch.errors import UsageError
from dispatch.networks import literal
from subscribers.model import ROBOTS
from subscribers.shown import shown_address

Plugin = Any
"""What Apprise makes of an address (`apprise.NotifyBase`)."""

_HERE = "it shows messages on the machine that this program runs on"
_SOCKETS = "it does not speak HTTP, so that neither its time nor its connections are ours to bound"
_FILES = "it reads or writes key files of this machine"
_ANY = "it posts to any address: --webhook does, and signs"
REFUSED: dict[str, str] = {
    **dict.fromkeys(("mailto", "mailtos"), "email is a channel of its own: --email"),
    "tgram": "Telegram is a channel of its own: --telegram",
    **dict.fromkeys(("dbus", "kde", "qt", "glib", "gio", "gnome", "macosx", "windows", "blink1", "syslog"), _HERE),
    **dict.fromkeys(("amqp", "amqps", "aprs", "deltachat", "deltachats", "growl", "irc", "ircs"), _SOCKETS),
    **dict.fromkeys(("mqtt", "mqtts", "nostr", "rsyslog", "smpp", "smpps", "xmpp", "xmpps"), _SOCKETS),
    **dict.fromkeys(("fcm", "vapid"), _FILES),
    **dict.fromkeys(("json", "jsons", "xml", "xmls", "form", "forms"), _ANY),
}
"""Schemes that no endpoint has, each with the reason."""

_ROBOTS = {
    "wecombot": "wecom",
    "dingtalk": "dingtalk",
    "feishu": "feishu",
    "lark": "feishu",
    "discord": "discord",
    "workflow": "teams",
    "workflows": "teams",
}
_OPTIONS = ("attach", "keyfile", "optional", "overflow", "retry", "store", "subfile", "template", "verify", "wait")
_SCHEME = re.compile(r"[a-z][a-z0-9]{1,30}")
_HOST = re.compile(r"(?:[^@/?#]*@)?(?P<host>\[[^\]]*\]|[^/?#:@]+)(?::(?P<port>\d{1,5}))?(?=[/?#]|$)")
_LONGEST = 2_000


def check(text: str, guard: Guard) -> tuple[str, Plugin]:
    """An address as it is kept, and what sends one message to it. Resolves nothing. Raises UsageError, which does not
    repeat the address. Apprise must be installed."""
    address = _formed(text)
    plugin = _plugin(address)
    _check_host(plugin, address, guard)
    return address, plugin


def _plugin(address: str) -> Plugin:
    scheme = address.partition("://")[0]
    if reason := REFUSED.get(scheme):
        raise UsageError(f"{scheme}:// is no address for Apprise here: {reason}")
    if (kind := _ROBOTS.get(scheme)) in ROBOTS:
        raise UsageError(f"{scheme}:// is no address for Apprise here: {kind} is a channel of its own: --webhook")
    apprise = load()
    with confined(Call(None)) as call:
        plugin = apprise.Apprise.instantiate(address, asset=_asset())
    if plugin is None:
        raise UsageError(f"Apprise does not take this {scheme}:// address; {_why(call)}")
    plugin.redirects, plugin.retry, plugin.optional = False, 0, False
    plugin.overflow_mode = apprise.OverflowMode.TRUNCATE
    if len(plugin) != 1:
        raise UsageError(f"this {scheme}:// address names {len(plugin)} receivers: give each an endpoint of its own")
    return plugin


def queue_of(address: str) -> str:
    """`apprise:SCHEME`; a service that somebody runs has a queue of its own by its host, which may be down alone."""
    scheme, _, host = shown_address(address).removesuffix("***").partition("://")
    return f"apprise:{scheme}:{host.removesuffix('/')}" if host else f"apprise:{scheme}"


def secrets_of(address: str) -> list[str]:
    """The pieces of an address that nobody else must read, the longest first."""
    shown, rest = shown_address(address), address.partition("://")[2]
    pieces = {piece for text in (rest, unquote(rest)) for piece in re.split(r"[/:@?&=#,+\[\]]", text)}
    return sorted((piece for piece in pieces if len(piece) >= 4 and piece not in shown), key=len, reverse=True)


@cache
def load() -> ModuleType:
    """Apprise with all its services, which takes a second. Raises ImportError."""
    apprise = importlib.import_module("apprise")
    prepare()
    apprise.manager_plugins.NotificationManager().schemas()
    return apprise


@cache
def _asset() -> Any:
    """How Apprise works for us: it keeps nothing on the disk, follows no redirect, sends in the thread that calls it,
    takes nothing in a text for an instruction, and adds no picture of its own."""
    return load().AppriseAsset(
        app_id="huoju-dispatch",
        app_desc="huoju-dispatch",
        app_url="",
        async_mode=False,
        http_redirects=False,
        image_url_mask="",
        image_url_logo="",
        image_path_mask="",
        interpret_emojis=False,
        interpret_escapes=False,
        allow_templates=False,
        service_timeout=0,
        storage_mode="memory",
    )


def _formed(text: str) -> str:
    stripped = text.strip()
    scheme, mark, rest = stripped.partition("://")
    if not mark or not rest or not _SCHEME.fullmatch(scheme.lower()):
        raise UsageError("an address for Apprise is as in gotify://push.example.com/TOKEN")
    if len(stripped) > _LONGEST or any(char <= " " or char == "\x7f" for char in stripped):
        raise UsageError(f"an address for Apprise has at most {_LONGEST} characters, and no blanks")
    options = {unquote(part.partition("=")[0]).lower() for part in re.split("[?&]", rest)[1:]}
    if wrong := options & set(_OPTIONS):
        raise UsageError(f"an address for Apprise here has no {', '.join(sorted(wrong))}")
    return f"{scheme.lower()}://{rest}"


def _check_host(plugin: Plugin, address: str, guard: Guard) -> None:
    """What can be said of a host before it is connected to. Raises UsageError."""
    found = _HOST.match(address.partition("://")[2])
    host = found["host"].strip("[]") if found else ""
    if not found or not any(mark in host for mark in ".:"):
        return  # the service's own
    scheme = "https" if plugin.secure else "http"
    port = int(found["port"] or (443 if plugin.secure else 80))
    try:
        if (number := literal(host)) is None:
            guard.check_name(scheme, port)
        else:
            guard.check(number, scheme, port)
    except (AddressRefused, ValueError) as error:
        raise UsageError(str(error)) from None


def _why(call: Call) -> str:
    if any("disabled" in text for _, text in call.said):
        return "it needs a library that is not installed"
    return "https://appriseit.com/services/ says how it is written"
