"""What the bot says, in the reader's language: texts are written in Chinese, others come from
`templates/bot/LANGUAGE.po` (GNU gettext; read as it stands, so that nothing has to be compiled)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from html import escape
from pathlib import Path

from babel.messages.pofile import read_po

from dispatch.assets import templates_dir
from subscribers.model import LANGUAGES


class Voice:
    """Says a text in one language. Values are escaped for Telegram's HTML; `html` marks those that are HTML."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language = language
        self._texts = texts

    def __call__(self, text: str, /, **values: object) -> str:
        """`text` translated, with its {places} filled in."""
        found = self._texts.get(text) or text
        return found.format(**{name: _inserted(value) for name, value in values.items()}) if values else found

    def plain(self, text: str, /, **values: object) -> str:
        """The same without markup: for buttons and pop-ups."""
        found = self._texts.get(text) or text
        return found.format(**values) if values else found


class Html(str):
    """Text that is Telegram's HTML already."""

    __slots__ = ()


def _inserted(value: object) -> str:
    return value if isinstance(value, Html) else escaped(str(value))


def escaped(words: str) -> Html:
    """Words as they stand, as Telegram's HTML."""
    return Html(escape(words, quote=False))


def text(words: str) -> str:
    """Marks a text that is said later, so that it is found for translation."""
    return words


@lru_cache
def voice(language: str) -> Voice:
    """The voice of a language; Chinese for those that there is none of."""
    known = language if language in LANGUAGES else LANGUAGES[0]
    path = templates_dir() / "bot" / f"{known}.po"
    return Voice(known, _texts(path) if path.is_file() else {})


def _texts(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        messages = read_po(file)
    return {str(message.id): str(message.string) for message in messages if message.id and message.string}


def spoken(language_code: str | None) -> str:
    """Which of our languages somebody reads whose Telegram speaks this one (IETF tag); Chinese where it is not told."""
    return "en" if (language_code or "").lower().startswith("en") else LANGUAGES[0]
