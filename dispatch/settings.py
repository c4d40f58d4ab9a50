"""Every setting: read once from `dispatch.toml` and the environment, checked, frozen, passed on explicitly.

The environment wins over the file, the file over the default. `DISPATCH_EMAIL__HOST` is `host` in `[email]`.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import SplitResult, urlsplit

import idna
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as WrongEnvironment

from dispatch.errors import SettingsError
from dispatch.wrong_settings import Sections, check_names, explain

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOOPBACK: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
Seconds = Annotated[float, Field(gt=0, le=30 * 86400)]
Delays = Annotated[tuple[Seconds, ...], Field(min_length=1, max_length=50)]
Interval = Annotated[float, Field(ge=0, le=3600)]
Hours = Annotated[float, Field(gt=0, le=24 * 90)]
# A domain or host, in which * stands for anything: qq.com, *.qq.com, yahoo.*.
MailPattern = Annotated[str, Field(max_length=253, pattern=r"^[a-z0-9*-]+(\.[a-z0-9*-]+)*$")]

# A pattern of addresses, names or texts, in which * stands for anything and ? for one character.
Glob = Annotated[str, Field(min_length=1, max_length=300)]
Globs = Annotated[tuple[Glob, ...], Field(max_length=50)]
INBOX = "inbox"
"""The name of the folder of [intake] among the sources."""
DOCUMENTS = ("*.pdf", "*.docx", "*.md", "*.markdown", "*.txt")
"""What is taken for a document by its name."""

# Standard Webhooks, "Deliverability and reliability": after 0, 5 s, 5 min, 30 min, 2, 5, 10, 14, 20, 24 h.
WEBHOOK_DELAYS = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0)

FREE_RATE = 30
"""Messages a second that a bot may send without paying for them (Bot API, "Paid Broadcasts")."""

_WEB_ADDRESS = "allowed: http:// and https:// addresses without user name and password"
_SQLITE = "sqlite:///"
_HOST = r"(?:[\w.%~-]+|\[[0-9A-Fa-f:.%]+\])?(?::[0-9]{1,5})?"
_POSTGRESQL = re.compile(
    rf"postgres(?:ql)?://(?:[^@/?#\s]*@)?{_HOST}(?:,{_HOST})*(?:/[^@/?#\s]*)?(?:\?[^@#\s]*)?", re.ASCII
)
_LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
DNS_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*", re.ASCII)
"""A domain, or a DKIM selector (RFC 6376, 3.1), in ASCII and without a dot at the end."""

_UNUSABLE = re.compile(r"[\x00\ud800-\udfff]")


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        """No path, address or password can hold these; what meets them first would fail in words of its own."""
        if isinstance(value, str) and _UNUSABLE.search(value):
            raise ValueError("allowed: text in UTF-8 without NUL")
        return value


class DatabaseSettings(Section):
    url: str = Field("sqlite:///dispatch.db", repr=False)  # it may hold a password
    synchronous: Literal["full", "normal"] = "full"

    @field_validator("url")
    @classmethod
    def _known(cls, value: str) -> str:
        if value.startswith(("postgresql://", "postgres://")):
            # A password with an @ or a / in it would be taken for a part of the host, which messages tell.
            if not _POSTGRESQL.fullmatch(value):
                raise ValueError(
                    "allowed: postgresql://USER:PASSWORD@HOST:PORT/NAME,"
                    " with %40, %3A, %2F, %3F and %23 for @, :, /, ? and # in the password"
                )
        elif not value.startswith(_SQLITE) or not value.removeprefix(_SQLITE):
            raise ValueError(
                "allowed: sqlite:///FILE (sqlite:////absolute/path for an absolute one)"
                " or postgresql://USER:PASSWORD@HOST:PORT/NAME"
            )
        return value


class CatalogSettings(Section):
    folder: Path | None = None


class TemplateSettings(Section):
    folder: Path | None = None


class IntakeSettings(Section):
    folder: Path = Path("inbox")
    originals: Path | None = Path("originals")
    every: Seconds = 5
    urls: Annotated[tuple[str, ...], NoDecode] = ()
    urls_every: Seconds = 3600
    timeout: Seconds = 30
    max_bytes: Annotated[int, Field(gt=0)] = 20_000_000
    settle: Interval = 5
    pause: Interval = 1
    read_seconds: Seconds = 60
    read_memory_mb: Annotated[int, Field(ge=64, le=1_000_000)] = 1024

    @field_validator("originals", mode="before")
    @classmethod
    def _none_kept(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("urls", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return _split(value)

    @field_validator("urls")
    @classmethod
    def _web_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for place, url in enumerate(value, start=1):
            if _web_parts(url) is None:
                # Not shown: a key for a document may stand in its address.
                raise ValueError(f"{_WEB_ADDRESS}; number {place} is none")
        return value


class NamedSource(Section):
    """What all sources of issues have. The name is what their state is kept under."""

    name: Annotated[str, Field(pattern=r"^\w[\w.-]{0,39}$")]

    @field_validator("name", check_fields=False)
    @classmethod
    def _is_free(cls, value: str) -> str:
        if value == INBOX:
            raise ValueError(f"allowed: another name; {INBOX} is the folder of [intake]")
        return value


class FolderSource(NamedSource):
    """A folder that files are dropped into, on a network drive as well."""

    kind: Literal["folder"] = "folder"
    path: Path
    every: Seconds = 5
    settle: Interval = 5
    after: Literal["move", "keep"] = "move"


class WebSource(NamedSource):
    """What is asked for by HTTP."""

    url: str = Field(repr=False)  # a key for the document may stand in it
    every: Seconds = 3600

    @field_validator("url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if _web_parts(value) is None:
            raise ValueError(_WEB_ADDRESS)
        return value


class FileSource(WebSource):
    """One document behind a web address."""

    kind: Literal["file"] = "file"


class PageSource(WebSource):
    """A page that links to documents, or to pages that have them."""

    kind: Literal["page"] = "page"
    links: Globs = DOCUMENTS
    texts: Globs = ()
    attachments: Globs = DOCUMENTS
    next: Globs = ()
    pages: Annotated[int, Field(ge=1, le=200)] = 1
    at_first: Annotated[int, Field(ge=0, le=10_000)] = 1
    robots: bool = True


class FeedSource(WebSource):
    """An RSS or Atom feed."""

    kind: Literal["feed"] = "feed"
    links: Globs = ("*",)
    texts: Globs = ()
    take: Literal["link", "content"] = "link"
    attachments: Globs = DOCUMENTS
    at_first: Annotated[int, Field(ge=0, le=10_000)] = 1
    robots: bool = True


class ImapSource(NamedSource):
    """A mailbox whose mails have issues as attachments."""

    kind: Literal["imap"] = "imap"
    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    security: Literal["none", "starttls", "tls"] = "tls"
    username: Annotated[str, Field(min_length=1)]
    password: SecretStr
    folder: Annotated[str, Field(min_length=1, max_length=200)] = "INBOX"
    senders: Annotated[tuple[Glob, ...], Field(min_length=1, max_length=500)]
    attachments: Globs = DOCUMENTS
    every: Seconds = 300

    @field_validator("username", "folder", "password")
    @classmethod
    def _sayable(cls, value: str | SecretStr) -> str | SecretStr:
        return _imap_word(value)

    @model_validator(mode="after")
    def _passwords_stay_here(self) -> ImapSource:
        if self.security == "none" and not _is_loopback(self.host):
            raise ValueError("security none is for a server on this machine alone: use tls or starttls")
        return self


def _kind_of(value: object) -> object:
    return value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)


Source = FolderSource | PageSource | FeedSource | ImapSource | FileSource
_Tagged = Annotated[
    Annotated[FolderSource, Tag("folder")]
    | Annotated[PageSource, Tag("page")]
    | Annotated[FeedSource, Tag("feed")]
    | Annotated[ImapSource, Tag("imap")]
    | Annotated[FileSource, Tag("file")],
    Discriminator(_kind_of),
]
SOURCE_KINDS: dict[str, type[NamedSource]] = {
    "folder": FolderSource,
    "page": PageSource,
    "feed": FeedSource,
    "imap": ImapSource,
    "file": FileSource,
}


class PublishSettings(Section):
    approval: Literal["manual", "automatic"] = "manual"
    approvers: Annotated[tuple[str, ...], NoDecode] = ()
    approvers_secret: SecretStr = SecretStr("")
    approvers_language: Literal["zh", "en"] = "zh"
    alarms: bool = True

    @field_validator("approvers", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return _split(value)


class Relay(Section):
    """A mail server to hand messages to."""

    name: str = "default"
    host: str = ""
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    allow_plaintext: bool = False
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str = ""
    password: SecretStr = SecretStr("")
    connections: Annotated[int, Field(ge=1, le=200)] = 4
    rate: Annotated[float | None, Field(gt=0, le=100_000)] = None
    messages_per_connection: Annotated[int, Field(ge=1)] = 100
    connection_seconds: Seconds = 300
    timeout: Seconds = 60
    weight: Annotated[float | None, Field(gt=0, le=1000)] = None
    standby: bool = False

    @field_validator("security")
    @classmethod
    def _is_private(cls, value: str, others: ValidationInfo) -> str:
        """Readers' addresses and the password do not cross a network in the clear unless somebody says so."""
        host = others.data.get("host", "")
        if value == "none" and host and not others.data.get("allow_plaintext") and not _is_loopback(host):
            raise ValueError(
                "allowed: starttls or tls, for a mail server that is not on this machine;"
                " with allow_plaintext = true also none"
            )
        return value

    @model_validator(mode="after")
    def _logs_in(self) -> Self:
        if self.username and not self.password.get_secret_value():
            raise ValueError("username is set and password is not: set both, or none for a server without log-in")
        return self

    @property
    def resolved_port(self) -> int:
        """The port set, else the usual one of the kind of security."""
        return self.port or {"none": 25, "starttls": 587, "tls": 465}[self.security]


class Provider(Section):
    """What a mailbox provider takes from one relay: who belongs to it, and its limits; 0 is none of its own.

    What an installation sets replaces that of the provider of this name in `config/providers.toml`, field by field.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")] = "own"
    domains: Annotated[tuple[MailPattern, ...], Field(max_length=500)] = ()
    mx: Annotated[tuple[MailPattern, ...], Field(max_length=500)] = ()
    connections: Annotated[int, Field(ge=0, le=200)] = 0
    rate: Annotated[float, Field(ge=0, le=100_000)] = 0
    messages_per_connection: Annotated[int, Field(ge=0)] = 0
    backoff: Annotated[float, Field(ge=1, le=86_400)] = 600


class EmailSettings(Relay):
    from_address: str = ""
    from_name: str = ""
    reply_to: str = ""
    unsubscribe_address: str = ""
    bounce_address: str = ""
    postal_address: str = ""
    relays: tuple[Relay, ...] = ()
    provider_limits: bool = True
    mx_lookup: bool = True
    providers: tuple[Provider, ...] = ()
    retry_delays: Delays = (60.0, 300.0, 900.0, 3600.0, 7200.0, 14400.0, 28800.0)
    expire_hours: Hours = 48
    dkim_domain: str = ""
    dkim_selector: str = "dispatch"
    dkim_key: Path | None = None
    dkim_ed25519_selector: str = "dispatch-ed25519"
    dkim_ed25519_key: Path | None = None
    dkim_workers: Annotated[int, Field(ge=0, le=256)] = 0

    @field_validator("from_address", "reply_to", "unsubscribe_address")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and ("@" not in value or not value.isprintable() or any(c.isspace() or c in "<>,;" for c in value)):
            raise ValueError("allowed: one plain address, such as news@example.com")
        return value

    @field_validator("dkim_domain", "dkim_selector", "dkim_ed25519_selector")
    @classmethod
    def _name_in_dns(cls, value: str, info: ValidationInfo) -> str:
        if not DNS_NAME.fullmatch(value) and (value or info.field_name != "dkim_domain"):
            raise ValueError("allowed: a name as it stands in DNS: ASCII letters, digits, hyphens and dots")
        return value.lower()

    @model_validator(mode="after")
    def _dkim_fits(self) -> EmailSettings:
        if self.dkim_key and self.dkim_ed25519_key and self.dkim_selector == self.dkim_ed25519_selector:
            raise ValueError("dkim_selector and dkim_ed25519_selector must differ: a record in DNS has one key")
        return self

    @field_validator("dkim_domain")
    @classmethod
    def _is_aligned(cls, value: str, others: ValidationInfo) -> str:
        """As DMARC asks for; a from_address that is wrong itself is told alone."""
        sender = dns_domain(others.data.get("from_address", ""))
        if value and sender and not are_aligned(value, sender):
            raise ValueError(f"allowed: {sender}, the domain of from_address, or one above or below it")
        return value

    @field_validator("bounce_address")
    @classmethod
    def _return_path(cls, value: str) -> str:
        """A token of 44 characters goes into the local part, which has 64 at most (RFC 5321 4.5.3.1.1)."""
        if value and not re.fullmatch(r"[A-Za-z0-9._-]{1,19}@(?:[A-Za-z0-9-]+\.)*[A-Za-z0-9-]+", value):
            raise ValueError("allowed: bounces@example.com, with at most 19 letters and digits before the @")
        return value

    @property
    def enabled(self) -> bool:
        return bool(self.host and self.from_address)

    @property
    def from_domain(self) -> str:
        """The domain of from_address as it stands in DNS; "" where there is none."""
        return dns_domain(self.from_address)

    @property
    def signing_domain(self) -> str:
        """The domain in the DKIM signatures (d=)."""
        return self.dkim_domain or self.from_domain

    @property
    def all_relays(self) -> tuple[Relay, ...]:
        """The plain `[email]` settings as the first relay, then `[[email.relays]]`."""
        first = Relay(**{name: getattr(self, name) for name in Relay.model_fields})
        return (first, *self.relays) if self.host else self.relays


class BounceSettings(Section):
    """Where mail about our mail comes from, and what comes of it."""

    maildir: Path | None = None
    imap_host: str = ""
    imap_port: Annotated[int, Field(ge=0, le=65535)] = 0
    imap_security: Literal["none", "starttls", "tls"] = "tls"
    imap_username: str = ""
    imap_password: SecretStr = SecretStr("")
    imap_folder: Annotated[str, Field(min_length=1, max_length=200)] = "INBOX"
    after: Literal["delete", "seen", "move"] = "seen"
    move_to: str = "Processed"
    every: Seconds = 60
    timeout: Seconds = 30
    listen: str = ""
    protocol: Literal["lmtp", "smtp"] = "lmtp"
    connections: Annotated[int, Field(ge=1, le=1000)] = 20
    unread: Path = Path("unread-bounces")
    soft_limit: Annotated[int, Field(ge=1, le=1000)] = 5
    soft_days: Annotated[int, Field(ge=1, le=3650)] = 90

    @field_validator("listen")
    @classmethod
    def _listen(cls, value: str) -> str:
        return _host_and_port(value) if value else value

    @field_validator("imap_username", "imap_folder", "imap_password")
    @classmethod
    def _sayable(cls, value: str | SecretStr) -> str | SecretStr:
        return _imap_word(value)

    @field_validator("move_to")
    @classmethod
    def _folder_name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._ -]{0,99}", value):
            raise ValueError("allowed: the name of a folder, such as Processed")
        return value

    @model_validator(mode="after")
    def _passwords_stay_here(self) -> BounceSettings:
        if self.imap_host and self.imap_security == "none" and not _is_loopback(self.imap_host):
            raise ValueError("imap_security none is for a server on this machine alone: use tls or starttls")
        return self

    @property
    def resolved_imap_port(self) -> int:
        """The port set, else the usual one of the kind of security."""
        return self.imap_port or (993 if self.imap_security == "tls" else 143)


class Bot(Section):
    """A Telegram bot."""

    name: str = "default"
    token: SecretStr = SecretStr("")
    api_base: str = "https://api.telegram.org"
    paid_broadcast: bool = False
    rate: Annotated[float, Field(gt=0, le=1000)] = 29
    connections: Annotated[int, Field(ge=1, le=100)] = 8
    chat_interval: Interval = 1.0
    group_interval: Interval = 3.0
    timeout: Seconds = 30

    @property
    def number(self) -> int:
        """The bot's id, which its token begins with; 0 without one."""
        return int(self.token.get_secret_value().partition(":")[0] or 0)

    @field_validator("token")
    @classmethod
    def _token(cls, value: SecretStr) -> SecretStr:
        number, _, rest = value.get_secret_value().partition(":")
        if value.get_secret_value() and not (number.isdigit() and rest and not any(c.isspace() for c in rest)):
            raise ValueError("allowed: the token that BotFather gave, such as 123456:ABC…")
        return value

    @field_validator("api_base")
    @classmethod
    def _base(cls, value: str) -> str:
        return _http_base(value)

    @field_validator("rate")
    @classmethod
    def _is_free(cls, value: float, others: ValidationInfo) -> float:
        """Beyond what Telegram takes for nothing, each message would be refused (429) or paid for."""
        if value > FREE_RATE and not others.data.get("paid_broadcast"):
            raise ValueError(
                f"allowed: {FREE_RATE} or less, which is what Telegram takes for nothing;"
                " more with paid_broadcast = true beside it, which costs Stars"
            )
        return value


class TelegramSettings(Bot):
    bots: tuple[Bot, ...] = ()
    conversation: bool = True
    updates: Literal["polling", "webhook"] = "polling"
    retry_delays: Delays = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0)
    expire_hours: Hours = 24
    resend_unknown: bool = True

    @property
    def enabled(self) -> bool:
        return bool(self.token.get_secret_value())

    @property
    def all_bots(self) -> tuple[Bot, ...]:
        """The plain `[telegram]` settings as the first bot, then `[[telegram.bots]]`."""
        first = Bot(**{name: getattr(self, name) for name in Bot.model_fields})
        return (first, *self.bots) if self.enabled else self.bots

    @property
    def usable_bots(self) -> tuple[Bot, ...]:
        """Those with a token."""
        return tuple(bot for bot in self.all_bots if bot.token.get_secret_value())


def _is_proxy(text: str) -> bool:
    """Whether it is the address of an HTTP proxy, and nothing else."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    extra = parts.path.strip("/") or parts.query or parts.fragment
    return parts.scheme == "http" and bool(host and port) and not extra and text.isascii() and text.isprintable()


class WebhookSettings(Section):
    enabled: bool = True
    allow_networks: Annotated[tuple[Network, ...], NoDecode] = ()
    connections: Annotated[int, Field(ge=1, le=64)] = 4
    timeout: Seconds = 15
    proxy: SecretStr = SecretStr("")
    retry_delays: Delays = WEBHOOK_DELAYS
    expire_hours: Hours = 96
    pause_after_days: Annotated[float, Field(ge=1, le=60)] = 5

    @field_validator("proxy")
    @classmethod
    def _http_proxy(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not _is_proxy(value.get_secret_value()):
            raise ValueError("allowed: http://HOST:PORT, with USER:PASSWORD@ before the host where it wants a log-in")
        return value

    @field_validator("allow_networks", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        return _networks(value)


class RobotSettings(Section):
    """The robots of the workplace's chats. Networks, proxies and time-outs are those of [webhook]."""

    enabled: bool = True
    messages: Annotated[int, Field(ge=1, le=10)] = 3
    wecom_format: Literal["markdown", "markdown_v2", "news"] = "markdown"
    connections: Annotated[int, Field(ge=1, le=64)] = 8
    resend_unknown: bool = True
    retry_delays: Delays = WEBHOOK_DELAYS
    expire_hours: Hours = 96


class AppriseSettings(Section):
    """Any other service, by the extra `apprise`. Networks and time-outs are those of [webhook]."""

    enabled: bool = False
    threads: Annotated[int, Field(ge=1, le=64)] = 4
    resend_unknown: bool = True
    retry_delays: Delays = WEBHOOK_DELAYS
    expire_hours: Hours = 96


class WebSettings(Section):
    base_url: str = ""
    listen: str = "127.0.0.1:8080"
    subscribe: bool = True
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = LOOPBACK

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _proxies(cls, value: object) -> object:
        return _networks(value)

    @field_validator("base_url")
    @classmethod
    def _base(cls, value: str) -> str:
        return _http_base(value) if value else value

    @field_validator("listen")
    @classmethod
    def _listen(cls, value: str) -> str:
        return _host_and_port(value)


class SubscriberSettings(Section):
    first_digest: bool = False
    # A message may be on its way for two days: its link must outlive that.
    confirm_days: Annotated[int, Field(ge=3, le=365)] = 7
    asks_per_address: Annotated[int, Field(ge=1, le=1000)] = 3
    asks_per_network: Annotated[int, Field(ge=1, le=100_000)] = 20


class MetricsSettings(Section):
    listen: str = ""

    @field_validator("listen")
    @classmethod
    def _listen(cls, value: str) -> str:
        return _host_and_port(value) if value else value


class EngineSettings(Section):
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    poll: Seconds = 2
    page: Annotated[int, Field(ge=1, le=5000)] = 200
    lease: Annotated[float, Field(ge=180, le=86400)] = 300
    lanes: Annotated[int, Field(ge=1, le=1000)] = 64
    shutdown: Seconds = 30


class RetentionSettings(Section):
    """Days that something is kept after it has ended; 0 is for ever."""

    attempts_days: Annotated[int, Field(ge=0, le=36_500)] = 180
    deliveries_days: Annotated[int, Field(ge=0, le=36_500)] = 1095
    audit_days: Annotated[int, Field(ge=0, le=36_500)] = 1095
    pending_days: Annotated[int, Field(ge=0, le=36_500)] = 30
    removed_days: Annotated[int, Field(ge=0, le=36_500)] = 30


class BackupSettings(Section):
    postgresql_bin: Path | None = None


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


class Settings(BaseSettings):
    """All settings. `base` is the folder that relative paths start from; it is no setting itself."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_prefix="DISPATCH_",
        env_nested_delimiter="__",
        hide_input_in_errors=True,
    )

    database: DatabaseSettings = DatabaseSettings()
    catalog: CatalogSettings = CatalogSettings()
    templates: TemplateSettings = TemplateSettings()
    intake: IntakeSettings = IntakeSettings()
    sources: tuple[_Tagged, ...] = ()
    publish: PublishSettings = PublishSettings()
    subscribers: SubscriberSettings = SubscriberSettings()
    email: EmailSettings = EmailSettings()
    bounces: BounceSettings = BounceSettings()
    telegram: TelegramSettings = TelegramSettings()
    webhook: WebhookSettings = WebhookSettings()
    robots: RobotSettings = RobotSettings()
    apprise: AppriseSettings = AppriseSettings()
    web: WebSettings = WebSettings()
    metrics: MetricsSettings = MetricsSettings()
    engine: EngineSettings = EngineSettings()
    retention: RetentionSettings = RetentionSettings()
    backup: BackupSettings = BackupSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Settings:
        for what, plain, names in (
            ("[[sources]]", "", [source.name for source in self.sources]),
            ("[[email.relays]]", "the relay in [email]", [relay.name for relay in self.email.all_relays]),
            ("[[email.providers]]", "", [provider.name for provider in self.email.providers]),
            ("[[telegram.bots]]", "the bot in [telegram]", [bot.name for bot in self.telegram.all_bots]),
        ):
            if len(set(names)) != len(names):
                hint = f"; {plain} itself is called default, unless name is set there" if plain else ""
                raise ValueError(f"{what} need names that differ, not {', '.join(names)}{hint}")
        return self

    @model_validator(mode="after")
    def _updates_have_a_page(self) -> Settings:
        if self.telegram.updates == "webhook" and not self.web.base_url:
            raise ValueError('[telegram] updates = "webhook" needs [web] base_url: the Bot API posts them there')
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # What is passed in comes from the file: the environment goes first.
        return env_settings, init_settings


def load_settings(file: Path | None = None) -> Settings:
    """Settings from `file`, else `DISPATCH_CONFIG`, else `./dispatch.toml` where it exists, and the environment.

    Relative paths in them start from the file's folder, or from the working directory without a file.
    Raises SettingsError: which setting, its value (secrets left out), what is allowed.
    """
    path = find_config(file)
    values = _read(path) if path else {}
    where = str(path) if path else "the environment"
    sections: Sections = {
        name: SOURCE_KINDS if name == "sources" else type(field.default)
        for name, field in Settings.model_fields.items()
    }
    check_names(values, where, os.environ, sections)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise SettingsError(explain(error, where, values, sections)) from None
    except WrongEnvironment as error:  # JSON of the environment that is none: it tells the name of the section only
        raise SettingsError(f"the environment: {error}") from None
    except Exception as error:  # what nobody foresaw may hold anything in its words
        raise SettingsError(f"{where}: the settings cannot be read ({type(error).__name__})") from None
    return _anchor(settings, path.parent.resolve() if path else Path.cwd())


def find_config(file: Path | None) -> Path | None:
    """The file that the settings are read from, if any. Raises SettingsError where one is named and not there."""
    named = file or (Path(os.environ["DISPATCH_CONFIG"]) if os.environ.get("DISPATCH_CONFIG") else None)
    if named is None:
        usual = Path("dispatch.toml")
        return usual if usual.is_file() else None
    if named.is_dir():
        named = named / "dispatch.toml"
    if not named.is_file():
        raise SettingsError(f"no configuration file at {named}; make one with: dispatch init {named.parent}")
    return named


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:  # no TOML, no UTF-8, or a number of thousands of digits
        raise SettingsError(f"{path}: not valid TOML in UTF-8: {error}") from None
    except RecursionError:
        raise SettingsError(f"{path}: not valid TOML: brackets within brackets without end") from None


def _anchor(settings: Settings, base: Path) -> Settings:
    """Make relative paths absolute, so that no later change of directory moves them."""
    url = settings.database.url
    if url.startswith(_SQLITE):
        url = f"{_SQLITE}{_place(base, Path(url.removeprefix(_SQLITE)))}"
    catalog, templates = settings.catalog.folder, settings.templates.folder
    programs = settings.backup.postgresql_bin
    bounces = settings.bounces
    places = {"unread": _place(base, bounces.unread)}
    if bounces.maildir:
        places["maildir"] = _place(base, bounces.maildir)
    return settings.model_copy(
        update={
            "database": settings.database.model_copy(update={"url": url}),
            "catalog": CatalogSettings(folder=_place(base, catalog) if catalog else None),
            "templates": TemplateSettings(folder=_place(base, templates) if templates else None),
            "intake": settings.intake.model_copy(update=_placed_intake(base, settings.intake)),
            "sources": tuple(_placed_source(base, source) for source in settings.sources),
            "email": settings.email.model_copy(update=_placed_keys(base, settings.email)),
            "bounces": bounces.model_copy(update=places),
            "backup": BackupSettings(postgresql_bin=_place(base, programs) if programs else None),
        }
    )


def _placed_source(base: Path, source: Source) -> Source:
    if not isinstance(source, FolderSource):
        return source
    return source.model_copy(update={"path": _place(base, source.path)})


def _placed_intake(base: Path, intake: IntakeSettings) -> dict[str, Path]:
    places = {"folder": intake.folder, "originals": intake.originals}
    return {name: _place(base, path) for name, path in places.items() if path}


def _placed_keys(base: Path, email: EmailSettings) -> dict[str, Path]:
    keys = {"dkim_key": email.dkim_key, "dkim_ed25519_key": email.dkim_ed25519_key}
    return {name: _place(base, key) for name, key in keys.items() if key}


def dns_domain(address: str) -> str:
    """The domain of an address as it stands in DNS (RFC 5890); as it is where it cannot stand there."""
    domain = address.rpartition("@")[2].lower()
    try:
        return domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain


def are_aligned(one: str, other: str) -> bool:
    """Whether two domains are the same, or one stands above the other. DMARC's relaxed alignment (RFC 7489, 3.1.1) asks
    for the same organisation; that a domain such as com.cn is none, only its list of public suffixes would know."""
    shorter, longer = sorted((one.lower(), other.lower()), key=len)
    return longer == shorter or ("." in shorter and longer.endswith(f".{shorter}"))


def _place(base: Path, path: Path) -> Path:
    try:
        return base / path.expanduser()
    except RuntimeError:
        raise SettingsError(f"{path}: there is no such user's folder; write the whole path") from None


def _split(value: object) -> object:
    """A comma-separated string as the environment gives it, or the list of a file."""
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


def _networks(value: object) -> object:
    items = _split(value)
    if not isinstance(items, (list, tuple)):
        return items
    try:
        return tuple(ipaddress.ip_network(str(item)) for item in items)
    except ValueError:
        raise ValueError("allowed: networks such as 10.0.0.0/8,127.0.0.1/32, no host bits set") from None


def _http_base(value: str) -> str:
    parts = _web_parts(value)
    if parts is None or parts.query or parts.fragment:
        raise ValueError(f"{_WEB_ADDRESS}, and without query")
    return value.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _imap_word(value: str | SecretStr) -> str | SecretStr:
    """They are words of a line of commands; names of folders outside ASCII are written as the server has them."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not text.isascii() or any(c < " " or c == "\x7f" for c in text):
        raise ValueError("allowed: one line in ASCII")
    return value


def _host_and_port(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError("allowed: HOST:PORT, such as 127.0.0.1:8080")
    return value


def _web_parts(value: str) -> SplitResult | None:
    """The parts of a web address; None for what is none, and for one with a user name: logs and errors tell them."""
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:  # its words hold parts of the address
        return None
    return parts if valid and value.isprintable() and " " not in value else None
