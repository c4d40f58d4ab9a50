"""What a robot is: the incoming address that a workplace's chat gives for one group, and all that its service wants of
a message there.

Every service answers in its own way, and most of them answer HTTP 200 whatever became of the message: what a body says
counts, never the status alone.
"""

from __future__ import annotations

import datetime as dt
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dispatch.channels.webhook.http1 import MAX_KEPT
from dispatch.channels.webhook.outcome import of_answer, retry_after
from dispatch.errors import UsageError
from dispatch.model import Outcome, Rejected, Retry, Sent

if TYPE_CHECKING:
    from dispatch.channels.webhook.http1 import Answer
    from dispatch.settings import RobotSettings

Body = Mapping[str, Any]
"""A message in the service's JSON; texts in it may hold slots."""

REASONS_BYTES = 360
"""Kept in a message for the follows that brought it, which differ from group to group."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is posted for one message."""

    url: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Error:
    """What an error number of a service means. One of: `rest` (seconds in which nothing more may go to this robot),
    `endpoint_state` (what becomes of the endpoint), or neither, where the message alone is refused; `retry` for what
    may pass. `do` says what somebody has to do."""

    meaning: str
    rest: float | None = None
    endpoint_state: str = ""
    retry: bool = False
    do: str = ""

    def outcome(self, code: str, said: str) -> Outcome:
        """The outcome of a message that was answered so; `said` are the provider's words."""
        reason = f"{self.meaning} ({code}: {said})" + (f"; {self.do}" if self.do else "")
        if self.rest is not None:
            return Retry(reason, code, after=self.rest, whole_address=True)
        if self.retry:
            return Retry(reason, code, suspect=True)
        return Rejected(reason, code, endpoint_state=self.endpoint_state)


class Robot(ABC):
    """One kind. A subclass says in what its service differs.

    `name` is the channel's, `title` what people call the service. `hosts` are those of its public addresses; one that
    begins with "." stands for all below it. `interval` is the least time in seconds between two messages of one robot.
    `example` is an address as the service gives it.
    """

    name: str
    title: str
    hosts: tuple[str, ...]
    interval: float
    example: str

    def __init__(self, settings: RobotSettings) -> None:
        self.settings = settings

    @classmethod
    def is_at(cls, host: str) -> bool:
        """Whether a host is the service's own."""
        return is_of(host, cls.hosts)

    @classmethod
    @abstractmethod
    def check(cls, url: str) -> None:
        """Raises UsageError where an address lacks what every address of this kind has. Its host may be any: a gateway
        of one's own."""

    @classmethod
    def check_secret(cls, secret: str) -> str:
        """What a robot signs with, as it is kept; "" for none. Raises UsageError, which does not repeat it."""
        if secret:
            raise UsageError(f"a robot of {cls.title} signs nothing: it takes no secret")
        return ""

    @property
    def template(self) -> str:
        """What makes `text` of a post."""
        return f"{self.name}/digest.md.j2"

    @abstractmethod
    def escape(self, text: str) -> str:
        """Text from outside as it stands in `template`: nothing of it is taken for markup, nobody is called by it."""

    def own(self, text: str) -> str:
        """What is personal, as it stands in a message: as `escape` makes it, unless its place knows no markup."""
        return self.escape(text)

    @abstractmethod
    def bodies(self, post: Body, text: str) -> Sequence[Body]:
        """The messages of a post, whose `template` gave `text`: cut where they must be, with their slots."""

    @abstractmethod
    def fits(self, body: Body) -> bool:
        """Whether the service takes a message of that size, once its slots are filled with REASONS_BYTES."""

    def request(self, url: str, secret: str, body: bytes, now: dt.datetime) -> Request:
        """What is posted, signed where there is a secret. `now` is aware. Raises UsageError for a secret that is
        none."""
        return Request(url, body)

    def outcome(self, answer: Answer, now: dt.datetime) -> Outcome:
        """What an answer means; by its status alone, unless a subclass knows what the body says."""
        return of_answer(answer, now)

    def provider_id(self, answer: Answer) -> str:
        """The service's own id of what it took, where it gives one."""
        return ""


def is_of(host: str, known: Sequence[str]) -> bool:
    """Whether a host is one of those known; one that begins with "." stands for all below it."""
    return any(host == one or (one.startswith(".") and host.endswith(one)) for one in known)


def answered(answer: Answer, names: Sequence[str], errors: Mapping[int, Error], now: dt.datetime) -> Outcome:
    """The outcome where a service tells it by a number in a body of JSON, under `names`: sent is where there is one,
    and each that is there is 0. A number that nobody knows is tried again, and what has no number is no success. Some
    services answer their own refusals with another status than 200: a number that is known counts there, too."""
    found = told(answer)
    codes = [found[name] for name in names if type(found.get(name)) is int]  # true and false are no numbers here
    code = next((one for one in codes if one != 0), codes[0] if codes else None)
    said = words(found)
    if answer.status != 200:
        known = errors.get(code) if code is not None and answer.status < 500 else None
        return known.outcome(str(code), said) if known else of_answer(answer, now)
    if code is None:
        reason = "the service answered 200, but with nothing that says whether it took the message"
        return Retry(reason, "200", suspect=True, unknown=True)
    if code == 0:
        return Sent(code="0", detail=said)
    error = errors.get(code)
    return (
        error.outcome(str(code), said)
        if error
        else Retry(f"the service refused the message ({code}: {said})", str(code))
    )


def told(answer: Answer) -> Mapping[str, Any]:
    """The object in an answer's body; an empty one where there is none."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def throttled(answer: Answer, meaning: str, rest: float, now: dt.datetime) -> Retry:
    """What HTTP 429 means where it is this robot alone that has to wait: as long as its Retry-After says, or `rest`
    seconds."""
    after = retry_after(answer.headers.get("retry-after", ""), now)
    words = said(answer)
    reason = f"{meaning} (429: {words})" if words else f"{meaning} (429)"
    return Retry(reason, "429", after=rest if after is None else after, whole_address=True)


def words(found: Mapping[str, Any]) -> str:
    """What a service says of it, as one short printable text."""
    text = next((found[name] for name in ("errmsg", "msg", "StatusMessage", "message") if found.get(name)), "")
    return printable(str(text))


def said(answer: Answer) -> str:
    """The beginning of an answer's body, as one short printable text."""
    return printable(answer.body[:MAX_KEPT].decode("utf-8", "replace"))


def printable(text: str) -> str:
    """A service's words as they may be shown: short, and on one line."""
    return "".join(char if char.isprintable() else " " for char in text)[:300].strip()


def query_of(url: str) -> Mapping[str, str]:
    """The names and values behind the question mark of an address."""
    from urllib.parse import parse_qsl

    return dict(parse_qsl(urlsplit(url).query))


def size(text: str) -> int:
    """Bytes in UTF-8."""
    return len(text.encode())


def within_bytes(text: str, most: int) -> str:
    """As much of a text as there are bytes for, with an ellipsis where something was left out."""
    return text if size(text) <= most else text.encode()[: max(most - 3, 0)].decode(errors="ignore") + "…"


def wire(body: Body) -> str:
    """A message as it is posted."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
