"""Discord: the webhook of a channel (https://discord.com/developers/docs/resources/webhook#execute-webhook).

Its limits are not to be known beforehand: each answer has how many messages more the webhook may take at present, and
when there will be more. At the time of writing they were 5 in 2 seconds, and 30 a minute for a channel. A message has
at most 10 embeds, with 256 characters of title and 4,096 of description each and 6,000 in all.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dispatch.channels.robots.base import REASONS_BYTES, Body, Error, Request, Robot, printable, query_of, told
from dispatch.channels.robots.markdown import plain
from dispatch.channels.robots.pieces import messages, pieces, units, within
from dispatch.channels.webhook.outcome import LONGEST_WAIT, of_answer, retry_after
from dispatch.errors import RenderError, UsageError
from dispatch.model import Outcome, Retry, Sent

if TYPE_CHECKING:
    from dispatch.channels.webhook.transport import Answer

MAX_EMBEDS = 10
MAX_TITLE = 256
MAX_DESCRIPTION = 4096
MAX_FOOTER = 2048
MAX_TOTAL = 6000

_QUIETLY = 1 << 12  # the flag SUPPRESS_NOTIFICATIONS: the first message of a digest rings, the others do not
_PATH = re.compile(r"/api/(?:v\d{1,2}/)?webhooks/\d{1,20}/[\w-]{16,128}/?", re.ASCII)
_THREAD = re.compile(r"\d{1,20}", re.ASCII)
_NEW = "make a new webhook"
_RESUME = "and resume the endpoint"
_FORM = Error("Discord refuses the form of the message")
_BLOCKED = Error("Discord blocked the message by its rules")
_FORUM = Error(
    "the webhook's channel is a forum, which takes messages into threads alone",
    endpoint_state="paused",
    do="add the endpoint anew with ?thread_id=… of a thread at the end of its address",
)
_LOCKED = Error("the thread is locked or archived", endpoint_state="paused", do=f"open it, {_RESUME}")
_RIGHTS = Error("the webhook has no right to post there", endpoint_state="paused", do=f"give it the right, {_RESUME}")
_ERRORS = {
    10003: Error("the channel or thread is not there any more", endpoint_state="gone", do=_NEW),
    10015: Error("Discord knows no webhook with this address", endpoint_state="gone", do=_NEW),
    20016: Error("the channel takes messages slowly", rest=60),
    20028: Error("the channel takes no more messages for a while", rest=60),
    40005: Error("Discord refuses the message as too large"),
    50001: _RIGHTS,
    50006: Error("Discord refuses an empty message"),
    50013: _RIGHTS,
    50027: Error("Discord does not know the webhook's token", endpoint_state="gone", do=_NEW),
    50035: _FORM,
    50083: _LOCKED,
    50109: _FORM,
    160005: _LOCKED,
    200000: _BLOCKED,
    200001: _BLOCKED,
    220001: _FORUM,
    220002: _FORUM,
    220003: _FORUM,
    220004: Error("webhooks cannot post to this channel", endpoint_state="paused", do=_NEW),
    240000: _BLOCKED,
}
_STATUSES = {
    400: _FORM,
    401: Error("Discord does not know the webhook's token", endpoint_state="paused", do=_NEW),
    403: _RIGHTS,
    413: Error("Discord refuses the message as too large"),
}
_REST = 60.0  # seconds, where Discord does not say how long

_ESCAPED = re.compile(r"[\\*_~`|<>\[\]@#]|(?<=\])\(|^[-+](?= )|:(?=[\w+-]+:)")
_LINES = str.maketrans(dict.fromkeys("\n\r\u2028\u2029", " "))


class Discord(Robot):
    """Embeds: one with the title and one for each article. Nobody is called. `?thread_id=…` at the end of the address
    is the thread that the messages go to."""

    name = "discord"
    title = "Discord"
    hosts = ("discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com")
    interval = 2.0
    example = "https://discord.com/api/webhooks/223704706495545344/3d89bb7572e0fb30d8128367b3b1b44fecd1726de135cbe28a41"

    @classmethod
    def check(cls, url: str) -> None:
        if not _PATH.search(urlsplit(url).path):
            raise UsageError(f"the address of a Discord webhook ends in /api/webhooks/ID/TOKEN, as in {cls.example}")
        if not _THREAD.fullmatch(query_of(url).get("thread_id", "0")):
            raise UsageError("thread_id in the address of a Discord webhook is a number")

    @property
    def template(self) -> str:
        return "discord/embeds.json.j2"

    def escape(self, text: str) -> str:
        return _ESCAPED.sub(r"\\\g<0>", text.translate(_LINES))

    def own(self, text: str) -> str:
        return plain(text)  # it stands in a footer, which shows backslashes

    def bodies(self, post: Body, text: str) -> Sequence[Body]:
        try:
            made: dict[str, Any] = json.loads(text)
            embeds, footer = list(_embeds(made["embeds"])), str(made["footer"])
        except (ValueError, LookupError, TypeError) as error:
            raise RenderError(f"template {self.template} makes no embeds: {error!r}") from error
        head = plain(str(post["mark"]) + str(post["title"]))
        found = messages(embeds, lambda some: self.fits(_message(head, 2, some, footer)), _binds)
        last = len(found)
        return [_message(head, number, some, footer if number == last else "") for number, some in enumerate(found, 1)]

    def fits(self, body: Body) -> bool:
        embeds = body["embeds"]
        few = len(embeds) <= MAX_EMBEDS and all(_is_small(embed) for embed in embeds)
        return few and sum(units(text) for embed in embeds for text in _texts(embed)) + REASONS_BYTES <= MAX_TOTAL

    def request(self, url: str, secret: str, body: bytes, now: dt.datetime) -> Request:
        """With `wait`, Discord answers when the message is there, and with its id."""
        parts = urlsplit(url)
        kept = "&".join(part for part in parts.query.split("&") if part and not part.startswith("wait="))
        return Request(parts._replace(query=f"{kept}&wait=true".lstrip("&")).geturl(), body)

    def outcome(self, answer: Answer, now: dt.datetime) -> Outcome:
        found = told(answer)
        if answer.status == 200:
            if found.get("id"):
                return Sent(code="200", rest=_emptied(answer))
            reason = "Discord answered 200, but with no message: nothing says whether it posted it"
            return Retry(reason, "200", suspect=True, unknown=True)
        if answer.status == 429:
            return _throttled(answer, found, now)
        if 400 <= answer.status < 500 and found:
            code = found.get("code")
            error = _ERRORS.get(code) if isinstance(code, int) else None
            error = error or _STATUSES.get(answer.status)
            if error:
                return error.outcome(str(code or answer.status), _words(found))
        return of_answer(answer, now)

    def provider_id(self, answer: Answer) -> str:
        return printable(str(told(answer).get("id", "")))[:40]


def _message(head: str, number: int, embeds: Sequence[Body], footer: str) -> Body:
    """A message; those after the first say which one they are, and ring nobody."""
    shown = [{key: value for key, value in embed.items() if key != "binds"} for embed in embeds]
    if number > 1:
        shown[0]["author"] = {"name": f"{within(head, MAX_TITLE - 5)}（{number}）"}
    if footer:
        shown[-1]["footer"] = {"text": footer}
    body = {"embeds": shown, "allowed_mentions": {"parse": []}}
    return {**body, "flags": _QUIETLY} if number > 1 else body


def _embeds(embeds: Sequence[Body]) -> Iterator[Body]:
    """The embeds, each one whose text is too long as several, of which the first has the title."""
    for embed in embeds:
        first, *others = pieces(str(embed.get("description", "")), MAX_DESCRIPTION)
        rest = {key: value for key, value in embed.items() if value and key != "description"}
        if "title" in rest:
            rest["title"] = within(rest["title"], MAX_TITLE)
        yield {**rest, **({"description": first} if first else {})}
        for other in others:
            yield {"color": embed["color"], "description": other}


def _binds(embed: Body) -> bool:
    return bool(embed.get("binds"))


def _texts(embed: Body) -> Iterator[str]:
    yield from (embed.get("title", ""), embed.get("description", ""))
    yield from (embed.get("author", {}).get("name", ""), embed.get("footer", {}).get("text", ""))


def _is_small(embed: Body) -> bool:
    limits = (MAX_TITLE, MAX_DESCRIPTION, MAX_TITLE, MAX_FOOTER - REASONS_BYTES)
    return all(units(text) <= limit for text, limit in zip(_texts(embed), limits, strict=True))


def _emptied(answer: Answer) -> float:
    """The seconds until the webhook takes more, where this message was the last for now."""
    if answer.headers.get("x-ratelimit-remaining", "").strip() != "0":
        return 0.0
    return _seconds(answer.headers.get("x-ratelimit-reset-after", "")) or 0.0


def _throttled(answer: Answer, found: Mapping[str, Any], now: dt.datetime) -> Outcome:
    """One webhook's limit is that webhook's; another one is that of this machine's address, for the whole service."""
    after = _seconds(found.get("retry_after"))
    if after is None:
        after = retry_after(answer.headers.get("retry-after", ""), now)
    after = _REST if after is None else after
    if found and found.get("global") is not True:
        return Retry(f"too many messages to this webhook (429: {_words(found)})", "429", after, whole_address=True)
    return Retry("Discord takes nothing more from this machine's address for a while (429)", "429", after, outage=True)


def _seconds(value: object) -> float | None:
    """A time as Discord gives it, in seconds with a fraction; None where it is none."""
    try:
        seconds = float(str(value))
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT) if math.isfinite(seconds) else None


def _words(found: Mapping[str, Any]) -> str:
    """What Discord says of it, and of which part of the message."""
    wrong = "; ".join(_wrong(found.get("errors"), ()))
    message = str(found.get("message", ""))
    return printable(f"{message}: {wrong}" if wrong else message)


def _wrong(errors: object, path: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(errors, dict):
        return
    for name, value in errors.items():
        if name == "_errors" and isinstance(value, list):
            yield from (f"{'.'.join(path)} {one.get('message', '')}" for one in value if isinstance(one, dict))
        else:
            yield from _wrong(value, (*path, str(name)))
