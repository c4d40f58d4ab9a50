"""`reply_markup`, checked as the Bot API checks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dispatch.testing.telegram.calls import Call, Json, refuse

MAX_BUTTONS = 100
MAX_IN_ROW = 8
MAX_DATA = 64
MAX_MARKUP = 10_000
_KINDS = ("inline_keyboard", "keyboard", "remove_keyboard", "force_reply")
_ACTIONS = (
    "url", "callback_data", "web_app", "login_url", "switch_inline_query", "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat", "copy_text", "callback_game", "pay",
)  # fmt: skip
_SCHEMES = ("http", "https", "tg", "ton", "tonsite")


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message; `raw` is all of it."""

    text: str
    data: str | None
    url: str | None
    raw: Json


def read_markup(call: Call) -> Json | None:
    """The keyboard of a call as the message keeps it, None for none; a row ends after its eighth button."""
    return check_markup(call.structure("reply_markup"))


def check_inline(markup: Any) -> Json | None:
    """The same for a place where only an inline keyboard may be."""
    if isinstance(markup, dict) and markup and "inline_keyboard" not in markup:
        raise refuse("inline keyboard expected")
    return check_markup(markup)


def check_markup(markup: Any) -> Json | None:
    """A keyboard, checked. Raises Refused."""
    if markup is None or markup == {}:
        return None
    if not isinstance(markup, dict):
        raise refuse("object expected as reply markup")
    if not any(kind in markup for kind in _KINDS):
        raise refuse("can't parse reply keyboard markup JSON object")
    if "inline_keyboard" not in markup:
        _rows(markup.get("keyboard", []))
        return markup
    rows = [[_button(entry) for entry in row][:MAX_IN_ROW] for row in _rows(markup["inline_keyboard"])]
    rows = [row for row in rows if row]
    if sum(len(row) for row in rows) > MAX_BUTTONS or len(str(rows).encode()) > MAX_MARKUP:
        raise refuse("reply markup is too long")
    return {"inline_keyboard": rows} if rows else None


def buttons(markup: Json | None) -> list[list[Button]]:
    """The rows of an inline keyboard or of one that replaces the user's."""
    rows = (markup or {}).get("inline_keyboard") or (markup or {}).get("keyboard") or []
    return [[_made(entry) for entry in row] for row in rows]


def _made(entry: Any) -> Button:
    raw = entry if isinstance(entry, dict) else {"text": str(entry)}
    return Button(raw["text"], raw.get("callback_data"), raw.get("url"), raw)


def _rows(value: Any) -> list[list[Any]]:
    if not isinstance(value, list):
        raise refuse('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array')
    if not all(isinstance(row, list) for row in value):
        raise refuse("can't parse keyboard button row: array expected as a keyboard row")
    return value


def _button(entry: Any) -> Json:
    if not isinstance(entry, dict):
        raise refuse("can't parse inline keyboard button: object expected as inline keyboard button")
    if not isinstance(entry.get("text"), str):
        raise refuse("can't parse inline keyboard button: can't find field \"text\"")
    if not entry["text"].strip():
        raise refuse("can't parse inline keyboard button: button text must be non-empty")
    if not any(entry.get(action) is not None for action in _ACTIONS):
        raise refuse("can't parse inline keyboard button: text buttons are unallowed in the inline keyboard")
    data, url = entry.get("callback_data"), entry.get("url")
    if data is not None and not 1 <= len(str(data).encode()) <= MAX_DATA:
        raise refuse("BUTTON_DATA_INVALID")
    if url is not None:
        _check_url(str(url))
    return {name: value for name, value in entry.items() if value is not None}


def _check_url(url: str) -> None:
    scheme, marked, rest = url.partition("://")
    host = (rest if marked else url).partition("/")[0].partition("?")[0]
    if not host:
        raise refuse(f"inline keyboard button URL '{url}' is invalid: URL host is empty")
    if marked and scheme.lower() not in _SCHEMES:
        raise refuse(f"inline keyboard button URL '{url}' is invalid: unsupported URL protocol")
    if scheme.lower() in ("http", "https") and "." not in host and not host.startswith("["):
        raise refuse(f"inline keyboard button URL '{url}' is invalid: wrong HTTP URL")
    if " " in url:
        raise refuse("BUTTON_URL_INVALID")
