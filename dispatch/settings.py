"""Every setting: read once from `dispatch.toml` and the environment, checked, frozen, passed on explicitly.

The environment wins over the file, the file over the default. `DISPATCH_EMAIL__HOST` is `host` in `[email]`.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from dispatch.errors import SettingsError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Seconds = Annotated[float, Field(gt=0, le=30 * 86400)]
Delays = Annotated[tuple[Seconds, ...], Field(min_length=1, max_length=50)]

# Standard Webhooks, "Deliverability and reliability": after 0, 5 s, 5 min, 30 min, 2, 5, 10, 14, 20, 24 h.
WEBHOOK_DELAYS = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0)


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DatabaseSettings(Section):
    url: str = "sqlite:///dispatch.db"
    synchronous: Literal["full", "normal"] = "full"

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, value: str) -> str:
        if not value.startswith("sqlite:///") or not value.removeprefix("sqlite:///"):
            raise ValueError("allowed: sqlite:///FILE (sqlite:////absolute/path for an absolute one)")
        return value


class CatalogSettings(Section):
    folder: Path | None = None


class TemplateSettings(Section):
    folder: Path | None = None


class IntakeSettings(Section):
    folder: Path = Path("inbox")
    every: Seconds = 5
    urls: Annotated[tuple[str, ...], NoDecode] = ()
    urls_every: Seconds = 3600
    timeout: Seconds = 30
    max_bytes: Annotated[int, Field(gt=0)] = 20_000_000

    @field_validator("urls", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return _split(value)

    @field_validator("urls")
    @classmethod
    def _web_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for url in value:
            if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
                raise ValueError(f"allowed: http:// and https:// addresses, not {url!r}")
        return value


class PublishSettings(Section):
    approval: Literal["manual", "automatic"] = "manual"


class Relay(Section):
    """A mail server to hand messages to."""

    name: str = "default"
    host: str = ""
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str = ""
    password: SecretStr = SecretStr("")
    connections: Annotated[int, Field(ge=1, le=200)] = 4
    rate: Annotated[float | None, Field(gt=0)] = None
    messages_per_connection: Annotated[int, Field(ge=1)] = 100
    timeout: Seconds = 60

    @property
    def resolved_port(self) -> int:
        """The port set, else the usual one of the kind of security."""
        return self.port or {"none": 25, "starttls": 587, "tls": 465}[self.security]


class EmailSettings(Relay):
    from_address: str = ""
    from_name: str = ""
    reply_to: str = ""
    unsubscribe_address: str = ""
    postal_address: str = ""
    relays: tuple[Relay, ...] = ()
    retry_delays: Delays = (60.0, 300.0, 900.0, 3600.0, 7200.0, 14400.0, 28800.0)
    expire_hours: Annotated[float, Field(gt=0)] = 48

    @field_validator("from_address", "reply_to", "unsubscribe_address")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and ("@" not in value or any(c.isspace() or c in "<>,;" for c in value)):
            raise ValueError("allowed: one plain address, such as news@example.com")
        return value

    @property
    def enabled(self) -> bool:
        return bool(self.host and self.from_address)

    @property
    def all_relays(self) -> tuple[Relay, ...]:
        """The plain `[email]` settings as the first relay, then `[[email.relays]]`."""
        first = Relay(**{name: getattr(self, name) for name in Relay.model_fields})
        return (first, *self.relays) if self.host else self.relays


class Bot(Section):
    """A Telegram bot."""

    name: str = "default"
    token: SecretStr = SecretStr("")
    api_base: str = "https://api.telegram.org"
    rate: Annotated[float, Field(gt=0, le=1000)] = 25
    connections: Annotated[int, Field(ge=1, le=100)] = 8
    chat_interval: Annotated[float, Field(ge=0)] = 1.0
    group_interval: Annotated[float, Field(ge=0)] = 3.0
    timeout: Seconds = 30

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


class TelegramSettings(Bot):
    bots: tuple[Bot, ...] = ()
    retry_delays: Delays = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0)
    expire_hours: Annotated[float, Field(gt=0)] = 24

    @property
    def enabled(self) -> bool:
        return bool(self.token.get_secret_value())

    @property
    def all_bots(self) -> tuple[Bot, ...]:
        """The plain `[telegram]` settings as the first bot, then `[[telegram.bots]]`."""
        first = Bot(**{name: getattr(self, name) for name in Bot.model_fields})
        return (first, *self.bots) if self.enabled else self.bots


class WebhookSettings(Section):
    enabled: bool = True
    allow_networks: Annotated[tuple[Network, ...], NoDecode] = ()
    connections: Annotated[int, Field(ge=1, le=64)] = 4
    timeout: Seconds = 15
    retry_delays: Delays = WEBHOOK_DELAYS
    expire_hours: Annotated[float, Field(gt=0)] = 96

    @field_validator("allow_networks", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        items = _split(value)
        if not isinstance(items, (list, tuple)):
            return items
        try:
            return tuple(ipaddress.ip_network(str(item)) for item in items)
        except ValueError as error:
            raise ValueError(f"allowed: networks such as 10.0.0.0/8,127.0.0.1/32 ({error})") from error


class WebSettings(Section):
    base_url: str = ""
    listen: str = "127.0.0.1:8080"

    @field_validator("base_url")
    @classmethod
    def _base(cls, value: str) -> str:
        return _http_base(value) if value else value

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise ValueError("allowed: HOST:PORT, such as 127.0.0.1:8080")
        return value


class EngineSettings(Section):
    poll: Seconds = 2
    page: Annotated[int, Field(ge=1, le=5000)] = 200
    lease: Annotated[float, Field(ge=180, le=86400)] = 300
    lanes: Annotated[int, Field(ge=1, le=1000)] = 64
    shutdown: Seconds = 30


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"


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
    publish: PublishSettings = PublishSettings()
    email: EmailSettings = EmailSettings()
    telegram: TelegramSettings = TelegramSettings()
    webhook: WebhookSettings = WebhookSettings()
    web: WebSettings = WebSettings()
    engine: EngineSettings = EngineSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Settings:
        for what, names in (
            ("email relays", [relay.name for relay in self.email.all_relays]),
            ("telegram bots", [bot.name for bot in self.telegram.all_bots]),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"{what} need different names, not {', '.join(names)}")
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
    path = _find(file)
    values = _read(path) if path else {}
    where = str(path) if path else "the environment"
    unknown = sorted(set(values) - set(Settings.model_fields))
    if unknown:
        raise SettingsError(f"{where}: unknown section [{unknown[0]}]; allowed: {', '.join(Settings.model_fields)}")
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise SettingsError(_explain(error, where, values)) from None
    except Exception as error:  # pydantic-settings wraps JSON errors of the environment in its own class
        raise SettingsError(f"{where}: {error}") from None
    return _anchor(settings, path.parent.resolve() if path else Path.cwd())


def _find(file: Path | None) -> Path | None:
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
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid TOML in UTF-8: {error}") from None


def _explain(error: ValidationError, where: str, values: dict[str, Any]) -> str:
    """One line a wrong setting: its name in the file and in the environment, its value, what is allowed."""
    lines = []
    for item in error.errors(include_url=False, include_input=True):
        path = [str(part) for part in item["loc"]]
        name = f"[{path[0]}] {'.'.join(path[1:])}" if len(path) > 1 else (path[0] if path else "settings")
        variable = "DISPATCH_" + "__".join(path).upper()
        source = f"environment variable {variable}" if variable in os.environ else where
        secret = path[-1:] in (["password"], ["token"])
        shown = "" if secret or not path else f" = {os.environ.get(variable, _value(values, path))!r}"
        text = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            text, shown = "there is no such setting", ""
        lines.append(f"{name}{shown}: {text} ({source})")
    return "wrong setting: " + "\n               ".join(lines)


def _value(values: dict[str, Any], path: list[str]) -> object:
    found: Any = values
    for part in path:
        if isinstance(found, dict):
            found = found.get(part)
        elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found


def _anchor(settings: Settings, base: Path) -> Settings:
    """Make relative paths absolute, so that no later change of directory moves them."""
    file = Path(settings.database.url.removeprefix("sqlite:///")).expanduser()
    catalog, templates = settings.catalog.folder, settings.templates.folder
    return settings.model_copy(
        update={
            "database": settings.database.model_copy(update={"url": f"sqlite:///{base / file}"}),
            "catalog": CatalogSettings(folder=base / catalog.expanduser() if catalog else None),
            "templates": TemplateSettings(folder=base / templates.expanduser() if templates else None),
            "intake": settings.intake.model_copy(update={"folder": base / settings.intake.folder.expanduser()}),
        }
    )


def _split(value: object) -> object:
    """A comma-separated string as the environment gives it, or the list of a file."""
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


def _http_base(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("allowed: an http:// or https:// address without query")
    if parts.username or parts.password:
        raise ValueError("allowed: an address without user name and password")
    return value.rstrip("/")
