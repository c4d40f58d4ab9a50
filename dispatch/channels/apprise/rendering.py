"""A content as text for services that Apprise knows: Markdown where they take markup, plain text elsewhere, in the room
that each has."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from dispatch.channels.robots.base import REASONS_BYTES, size, within_bytes
from dispatch.channels.robots.markdown import filled, plain
from dispatch.channels.robots.posts import LONGEST, PERSONAL, post_of
from dispatch.digests.fitting import Size, fitting
from dispatch.digests.render import Personal, Renderer
from dispatch.digests.slots import Slotted, slot
from dispatch.model import Content, Envelope

_ROOMS = {"ntfy": 4_000, "ntfys": 4_000}  # bytes; beyond 4,096 ntfy makes a file of a message
_MARGIN = 20  # of how many bytes one is left for what Apprise writes around
_SMALL = 2_000  # bytes in which there is no room for what a group follows


@dataclass(frozen=True, slots=True)
class Form:
    """What a service takes: `markup` (Markdown, or HTML that Apprise makes of it), bytes of the text, characters of
    the title (0: it stands in the text)."""

    markup: bool = True
    room: int = 32_768
    title: int = 250

    @classmethod
    def of(cls, plugin: Any) -> Form:
        """The form of a service (`apprise.NotifyBase`). Apprise counts characters; where a service counts bytes, that
        is too many, so all are taken for bytes."""
        kind = str(plugin.resolve_format("markdown").value)
        room = min(int(plugin.body_maxlen), _ROOMS.get(plugin.schema, plugin.body_maxlen))
        if plugin.overflow_amalgamate_title:
            room -= int(plugin.title_maxlen)
        return cls(kind != "text", room // 2 if kind == "html" else room, int(plugin.title_maxlen))

    @property
    def template(self) -> str:
        return f"apprise/digest.{'md' if self.markup else 'txt'}.j2"


@dataclass(frozen=True, slots=True)
class Post:
    """A title ("" where it stands in the text) and a text."""

    title: str
    text: str


@dataclass(slots=True)
class RenderedApprise:
    """A content for many: made once a form, filled for each."""

    content: Content
    renderer: Renderer
    personal: Personal
    _made: dict[Form, tuple[str, Slotted]] = field(default_factory=dict)

    parts = 1

    def fill(self, envelope: Envelope, form: Form) -> Post:
        """What one receiver gets. Raises RenderError."""
        title, text = self.made(form)
        pieces = self.personal.pieces(text.names, envelope.reasons, "")
        own = {name: within_bytes(plain(value), REASONS_BYTES) for name, value in pieces.items()}
        return Post(title, text.fill(own))

    def made(self, form: Form) -> tuple[str, Slotted]:
        """The title and the text in a form, which are made once. Raises RenderError."""
        if form not in self._made:
            self._made[form] = self._make(form)
        return self._made[form]

    def _make(self, form: Form) -> tuple[str, Slotted]:
        found: list[str] = ["", ""]

        def fits(tried: Size) -> bool:
            found[:] = self._texts(tried, form)
            return filled(found[1]) <= form.room - form.room // _MARGIN

        chosen = fitting(Size.whole(self.content), LONGEST, fits)
        if not fits(chosen) or (self.content.sections and not chosen.matching + chosen.others):
            found[1] = _shortest(post_of(self.renderer, self.content, Size.whole(self.content)), form)
        title, text = found
        return title, Slotted.parse(text)

    def _texts(self, tried: Size, form: Form) -> tuple[str, str]:
        post = post_of(self.renderer, self.content, tried)
        why = slot("why") if post["why"] and form.room >= _SMALL else ""
        text = self.renderer.text(form.template, self.content, post=post, esc=plain, head=not form.title, why=why)
        return _title(post)[: form.title], text.strip()


def render(renderer: Renderer, content: Content) -> RenderedApprise:
    """For all receivers of a content. Raises RenderError where a template fails."""
    rendered = RenderedApprise(content, renderer, renderer.personal(PERSONAL, content))
    for markup in (True, False):
        _, text = rendered.made(Form(markup))
        rendered.personal.pieces(text.names, (), "")  # a slot without its macro fails here, not at every send
    return rendered


def _title(post: dict[str, Any]) -> str:
    return plain(" ".join(part for part in (str(post["mark"]), str(post["title"])) if part))


def _shortest(post: dict[str, Any], form: Form) -> str:
    """For services of a few words: what it is of, and where it is to be read."""
    page = str(post["page"]) if size(str(post["page"])) + 20 <= form.room else ""
    cut = partial(within_bytes, most=form.room - size(page) - 2)
    return cut(" · ".join(filter(None, (_title(post), plain(str(post["subtitle"])))))) + (f"\n{page}" if page else "")
