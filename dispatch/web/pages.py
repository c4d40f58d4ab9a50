"""Pages from the templates in `templates/web/`, with the words of the frame and those of the pages.

An override folder is looked at first, as for digests: a template or the style there replaces ours, a word there
replaces ours of that key. All is read once, when the site is made, so that a mistake shows at the start and not to
a reader.
"""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError
from markupsafe import Markup

from dispatch.digests.layout import arranged
from dispatch.digests.templates import environment
from dispatch.digests.words import Words
from dispatch.errors import RenderError
from dispatch.model import Issue
from subscribers.model import LANGUAGES

NAMES = (
    "subscribe",
    "confirm",
    "preferences",
    "notice",
    "data",
    "erase",
    "leave",
    "left",
    "issues",
    "issue",
    "column",
    "article",
    "preview",
    "preview_column",
    "error",
)
_LANG = {"zh": "zh-CN", "en": "en"}


class Pages:
    """Renders pages by name. Raises RenderError at once for templates or words that cannot be read."""

    def __init__(self, templates: Path, override: Path | None) -> None:
        folders = [folder for folder in (override, templates) if folder is not None]
        made = environment(folders, watched=False)
        made.globals["arranged"] = arranged
        style = _first(folders, "web/style.css")
        self._style_hash = _hash(style)
        made.globals["style"] = Markup(style)  # noqa: S704 - the installation's own file
        self._words = {language: Words(_words(folders, language), language) for language in LANGUAGES}
        with _told("web/"):
            self._templates = {name: made.get_template(f"web/{name}.html.j2") for name in NAMES}

    @property
    def policy(self) -> str:
        """The Content-Security-Policy of every page (CSP Level 3): nothing but its own style and forms to us."""
        return (
            f"default-src 'none'; style-src '{self._style_hash}'; form-action 'self';"
            " frame-ancestors 'none'; base-uri 'none'"
        )

    def say(self, key: str, language: str, **values: object) -> str:
        """Words that stand elsewhere than on a page: the text of a consent, for one."""
        return self._words[language].say(key, **values)

    def render(self, name: str, language: str, **values: object) -> str:
        """The page in a language, `zh` or `en`; `values` are names for its template."""
        words = self._words[language]
        helpers = {
            "language": language,
            "page_lang": _LANG[language],
            "say": words.say,
            "date_line": words.date_line,
            "issue_line": lambda issue: issue_line(words, issue),
        }
        return self._templates[name].render(**helpers, **values)


def issue_line(words: Words, issue: Issue) -> str:
    """2022年第5期（总第534期）, as far as the numbers are known; else the issue's reference."""
    if issue.number and issue.total:
        return words.say("issue_and_total", year=issue.year, number=issue.number, total=issue.total)
    if issue.number:
        return words.say("issue", year=issue.year, number=issue.number)
    return words.say("issue_total", total=issue.total) if issue.total else issue.ref


def _words(folders: Sequence[Path], language: str) -> dict[str, Any]:
    words: dict[str, Any] = {}
    for name in (f"frame.{language}.toml", f"web/words.{language}.toml"):
        for folder in reversed(folders):
            if (folder / name).is_file():
                with _told(str(folder / name)):
                    words |= tomllib.loads((folder / name).read_text(encoding="utf-8-sig"))
    return words


def _first(folders: Sequence[Path], name: str) -> str:
    """The text of a file in the first folder that has it."""
    with _told(name):
        for folder in folders:
            if (folder / name).is_file():
                return (folder / name).read_text(encoding="utf-8-sig")
        raise LookupError("there is no such file")


def _hash(style: str) -> str:
    """What a policy allows a `<style>` element by: the hash of exactly the text between its tags."""
    return f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}"


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except (TemplateError, LookupError, ValueError, OSError) as error:
        where = getattr(error, "name", None) or what
        line = f", line {error.lineno}" if isinstance(error, TemplateSyntaxError) else ""
        raise RenderError(f"the pages cannot be made from {where}{line}: {error}") from error
