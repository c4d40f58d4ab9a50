"""Subscribers, their endpoints, follows and preferences, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from subscribers.shown import shown_address


class EndpointState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    SUPPRESSED = "suppressed"
    GONE = "gone"


class Cadence(StrEnum):
    NOW = "now"
    DAILY = "daily"
    WEEKLY = "weekly"


# The reasons of suppressions that are the reader's own wish: they said so, or called a message spam.
OPTED_OUT, COMPLAINED = "unsubscribed by the reader", "reported as spam by the reader"
OWN_WISHES = (OPTED_OUT, COMPLAINED)
ONLY_FAILED = "nothing arrived"  # how the reason begins for which an endpoint is paused that has only failed
CAME_BACK = "mail came back"  # how the reasons begin for which a provider's reports end or pause an endpoint
PAUSED_BY_READER, PAUSED_BY_ADMINISTRATOR = "paused by the reader", "paused by an administrator"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LANGUAGES = ("zh", "en")
FORMATS = ("full", "titles")
DEFAULT_MINUTE = 8 * 60
DEFAULT_TIMEZONE = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When an endpoint wants its messages. Minutes count from midnight in `timezone`; -1 is "not set".

    `minute` is that of a daily or weekly slot, `weekday` (0 Monday) that of a weekly one. Nothing is sent from
    `quiet_from` until `quiet_until`; the span may cross midnight.
    """

    cadence: Cadence = Cadence.NOW
    weekday: int = -1
    minute: int = -1
    timezone: str = DEFAULT_TIMEZONE
    quiet_from: int = -1
    quiet_until: int = -1


@dataclass(frozen=True, slots=True)
class Preferences:
    """How an endpoint wants its messages."""

    rhythm: Rhythm = Rhythm()
    language: str = "zh"
    format: str = "full"
    bundled: bool = False


ROBOTS = ("wecom", "dingtalk", "feishu", "slack", "discord", "teams")
"""Channels that are the robots of groups in a workplace's chat."""

CHANNELS = ("email", "telegram", "webhook", *ROBOTS, "apprise")
"""The names under which addresses are kept."""

HOOKS = tuple(channel for channel in CHANNELS if channel not in ("email", "telegram"))
"""Channels that post to a web address."""


def is_shared(channel: str, address: str) -> bool:
    """As `Address.shared`; asked for every message."""
    if channel == "telegram":
        return address.startswith(("-", "@"))
    return channel not in ("email", "webhook")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message can go: normalised by the channel, with the queue it waits in and the secret that signs."""

    channel: str
    address: str
    queue: str
    secret: str = field(default="", repr=False)

    @property
    def identity(self) -> tuple[str, str]:
        """What two spellings of one address share. Mailboxes differ in more than the case of their letters: of the
        ASCII ones, as the store compares them."""
        if self.channel != "email":
            return self.channel, self.address
        same = self.address.lower() if self.address.isascii() else self.address.encode().lower().decode()
        return self.channel, same

    @property
    def shown(self) -> str:
        """As lists, errors and logs have it: without what lets anybody post there."""
        return shown_address(self.address)

    @property
    def shared(self) -> bool:
        """Whether many people read what comes here, so that a link in it is in everybody's hands: a Telegram group or
        channel, where a workplace's robot posts, or what another service passes on. What is followed there is for
        administrators to change."""
        return is_shared(self.channel, self.address)


@dataclass(frozen=True, slots=True)
class Word:
    """A word that an article must hold for a reader, or must not (`excluded`): as it was written, and as it is looked
    for."""

    text: str
    folded: str
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Holder:
    """The endpoint that has an address, and whether its subscriber was removed since."""

    endpoint_id: int
    subscriber_id: int
    state: EndpointState
    reason: str
    removed: bool


@dataclass(frozen=True, slots=True)
class Endpoint:
    id: int
    subscriber_id: int
    address: Address
    state: EndpointState
    reason: str
    consent: str
    consented_at: int | None
    preferences: Preferences
    follows: tuple[str, ...]
    created_at: int = 0
    paused_until: int | None = None
    words: tuple[Word, ...] = ()

    @property
    def opted_out(self) -> bool:
        """Whether the reader wants nothing more."""
        return self.state is EndpointState.SUPPRESSED and self.reason in OWN_WISHES

    @property
    def live(self) -> bool:
        """Whether it gets what it follows, now or after its pause."""
        return self.state in (EndpointState.ACTIVE, EndpointState.PAUSED)

    @property
    def resumable(self) -> bool:
        """Whether a pause is the reader's to end: their own, or one that came of what could not be delivered."""
        return self.reason == PAUSED_BY_READER or self.reason.startswith((CAME_BACK, ONLY_FAILED))

    @property
    def label(self) -> str:
        """How the command line names it."""
        return f"e{self.id}"


@dataclass(frozen=True, slots=True)
class Subscriber:
    id: int
    name: str
    created_at: int
    endpoints: tuple[Endpoint, ...]
