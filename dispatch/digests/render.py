"""Contents to text, by the Jinja2 templates in `templates/` and the words in `templates/frame.LANGUAGE.toml`.

A template gets the content and a few helpers (see `_helpers`); where something personal belongs it writes
`{{ slot("name") }}`. The macro of the same name in the channel's `personal.*.j2` makes that piece for each reader.

An override folder is looked at first: a template there replaces ours, a word there replaces ours of that key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from dispatch.digests.layout import arranged
from dispatch.digests.slots import Slotted, slot
from dispatch.digests.styles import StyledLoader
from dispatch.digests.templates import environment
from dispatch.digests.words import Words, clip, first_sentence, shorten
from dispatch.errors import RenderError
from dispatch.model import Content, Digest, DigestArticle, Offer, Reason

Link = Callable[[str, str, int], str]
Offers = Callable[[Content], Sequence[Offer]]

# What templates and words can raise: Jinja's own errors, and those of the expressions in them.
_FAILURES = (
    TemplateError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    OSError,
    RecursionError,
)


def _no_offers(content: Content) -> Sequence[Offer]:
    """Without a chat."""
    return ()


@dataclass(frozen=True, slots=True)
class Personal:
    """The pieces of one form and language that differ from reader to reader: the macros of a `personal.*.j2`.

    Each macro takes `reasons` (of Reason), `unsubscribe` and what else the kind of content has (an address or "" each:
    `preferences`; or a `confirmation`, and the `reader`'s name), and gives the text for the slot of its name; "" leaves
    the slot empty.
    """

    template: str
    where: str
    module: Any

    def piece(self, name: str, reasons: Sequence[Reason], unsubscribe: str, **more: object) -> str:
        """The text for one slot. Raises RenderError."""
        with _named(self.template, self.where):
            return str(getattr(self.module, name)(reasons=reasons, unsubscribe=unsubscribe, **more)).strip()

    def pieces(
        self, names: frozenset[str], reasons: Sequence[Reason], unsubscribe: str, **more: object
    ) -> dict[str, str]:
        """The texts for these slots."""
        return {name: self.piece(name, reasons, unsubscribe, **more) for name in names}


class Renderer:
    """Renders contents by name of template.

    `templates` is the folder of ours, `override` one of the installation's; `link` gives an article's page from
    bulletin, issue reference and position (0: the issue's own page), or "" where there are no pages; `offers` what of a
    content can be followed in a chat.
    """

    def __init__(self, templates: Path, override: Path | None, link: Link, offers: Offers = _no_offers) -> None:
        self._folders = [folder for folder in (override, templates) if folder is not None]
        self._link = link
        self._offers = offers
        self._environment = environment(self._folders, escapes=_escapes, loader=StyledLoader)
        self._environment.filters.update(clip=clip)
        self._environment.globals.update(slot=slot, lead=first_sentence, shorten=shorten, arranged=arranged)

    def text(self, template: str, content: Content, **values: object) -> str:
        """The content in the form of `template`, with slot marks; `values` are further names for the template.

        Raises RenderError, which names the template and the digest.
        """
        with _named(template, _describe(content)):
            found = self._environment.get_template(template)
            helpers = self._helpers(content.language)
            if content.notice:  # what is not out has no pages of its own
                helpers |= {"link": _no_link, "issue_link": _no_page}
            return found.render(content=content, **helpers, **values)

    def slotted(self, template: str, content: Content, **values: object) -> Slotted:
        """The same, cut at its slots."""
        return Slotted.parse(self.text(template, content, **values))

    def personal(self, template: str, content: Content) -> Personal:
        """The macros for the slots of `content`, in its language."""
        where = _describe(content)
        with _named(template, where):
            found = self._environment.get_template(template)
            return Personal(template, where, found.make_module(self._helpers(content.language)))

    def _helpers(self, language: str) -> dict[str, Any]:
        words = Words(self._words(language), language)
        return {
            "say": words.say,
            "date_line": words.date_line,
            "moment": words.moment,
            "issue_line": words.issue_line,
            "issues_line": words.issues_line,
            "bulletin_name": words.bulletin_name,
            "column_name": words.column_name,
            "link": self._article_link,
            "issue_link": self._issue_link,
            "offers": self._offers,
        }

    def _article_link(self, digest: Digest, entry: DigestArticle) -> str:
        return self._link(digest.bulletin, digest.issue_ref, entry.position)

    def _issue_link(self, digest: Digest) -> str:
        return self._link(digest.bulletin, digest.issue_ref, 0)

    def _words(self, language: str) -> dict[str, Any]:
        """The words of a language; read at each rendering, so that a change counts at once."""
        name = f"frame.{language}.toml"
        files = [folder / name for folder in reversed(self._folders) if (folder / name).is_file()]
        if not files:
            raise LookupError(f"there is no {name}")
        words: dict[str, Any] = {}
        for file in files:
            words |= tomllib.loads(file.read_text(encoding="utf-8-sig"))
        return words


def _no_link(digest: Digest, entry: DigestArticle) -> str:
    return ""


def _no_page(digest: Digest) -> str:
    return ""


def _escapes(template: str | None) -> bool:
    """On for HTML, off for plain text and subjects."""
    return template is not None and template.endswith(".html.j2")


@contextmanager
def _named(template: str, where: str) -> Iterator[None]:
    """Failures within become a RenderError that says where."""
    try:
        yield
    except _FAILURES as error:
        line = getattr(error, "lineno", None)
        why = str(error) or type(error).__name__
        at = f", line {line} of {getattr(error, 'name', None) or template}" if line else ""
        raise RenderError(f"template {template} fails for {where}: {why}{at}") from error


def _describe(content: Content) -> str:
    if not content.sections:
        return "a message without digests"
    first = content.sections[0].digest
    more = f" and {len(content.sections) - 1} more" if len(content.sections) > 1 else ""
    return f"digest {first.bulletin}:{first.issue_ref} {first.column}{more}"
