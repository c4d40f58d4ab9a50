"""The log: lines for people, or an object a line for programs. Fields come with a record, beside its words:

log.info("refused", extra=fields(message=40, lane="email:default"))
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatch.output import LineFormatter, json_line

if TYPE_CHECKING:
    from dispatch.settings import LogSettings

# Their lines hold addresses of receivers, which may be secrets themselves.
_INDISCREET = ("httpx", "httpcore")
_CHATTY = (*_INDISCREET, "aiogram", "aiohttp", "apscheduler", "asyncio", "aiosmtplib", "mail.log")

# What every record has; all else came in `extra`.
_OWN = {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName", "fields"}


def fields(**values: object) -> dict[str, dict[str, object]]:
    """What a record carries beside its words, for `extra`. None and empty values are left out."""
    return {"fields": {name: value for name, value in values.items() if value not in (None, "", (), [])}}


def kind_and_place(error: Exception) -> str:
    """What kind of error came up and where, the innermost place first, without its words: these may hold an address, a
    secret or what a user wrote."""
    places = reversed(traceback.extract_tb(error.__traceback__)[-4:])
    where = " < ".join(f"{Path(at.filename).name}:{at.lineno}" for at in places)
    return f"{type(error).__name__} at {where or '?'}"


def set_up(settings: LogSettings) -> None:
    """Send the log of the whole program to standard error, as the settings have it."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if settings.format == "json" else ConsoleFormatter())
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.INFO if settings.level == "debug" else logging.WARNING)
    for name in _INDISCREET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # what it stumbles over is a stranger's, and no error


class ConsoleFormatter(LineFormatter):
    """Time, level, words, and the fields as name=value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the library's name)
        pairs = (f"{name}={_word(value)}" for name, value in _fields(record).items())
        return " ".join([super().formatMessage(record), *pairs])


class JsonFormatter(logging.Formatter):
    """An object a line: time (ISO 8601, UTC), level, logger, event, the fields, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        time = dt.datetime.fromtimestamp(record.created, dt.UTC)
        head: dict[str, object] = {
            "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        trace = {"exception": self.formatException(record.exc_info)} if record.exc_info else {}
        return json_line({**_fields(record), **head, **trace})


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """Those of `fields`, and whatever else came in `extra`."""
    extra = {name: value for name, value in record.__dict__.items() if name not in _OWN}
    return {**extra, **record.__dict__.get("fields", {})}


def _word(value: object) -> str:
    """A value as one word: a list with commas, and in quotes what could be taken for more than one."""
    text = ",".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value)
    return json.dumps(text, ensure_ascii=False) if not text or set(text) & set(' ="\t\r\n') else text
