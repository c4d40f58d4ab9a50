"""A content as an email for all readers of a variant: subject, HTML and text, with slots for what is personal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from dispatch.channels.email.headers import plain
from dispatch.digests.fitting import lengths_of
from dispatch.digests.render import Personal, Renderer
from dispatch.digests.slots import Slotted
from dispatch.model import Content
from dispatch.settings import EmailSettings

MAX_HTML = 100_000
"""Bytes of HTML that mailers show whole: Gmail cuts at 102 KB."""

RIGHTS = ("data", "erase")
"""Kinds of messages about what is stored about the reader."""

_PERSONAL = 14_000  # bytes of it kept for what is personal: a dozen follows with their links
_SHORTEST = 60  # characters; below it an article is given by its title


@dataclass(frozen=True, slots=True)
class RenderedEmail:
    """An email for all readers of a variant."""

    subject: str
    html: Slotted
    text: Slotted
    kind: str
    language: str
    bulletin: str
    title: str
    thread: str  # the issue that all of it is from, as a word; "" where it is from several or none
    personal_html: Personal
    personal_text: Personal

    @property
    def parts(self) -> int:
        return 1


def render(renderer: Renderer, settings: EmailSettings, content: Content) -> RenderedEmail:
    """Render once for all readers; articles are shortened where the HTML would grow over MAX_HTML."""
    if content.kind == "confirm":
        return _render_as("confirm", renderer, content, {"postal_address": settings.postal_address})
    if content.alarm is not None:
        return _render_as("alarm", renderer, content, {"postal_address": settings.postal_address})
    if content.kind in RIGHTS:
        return _render_as("rights", renderer, content, {"postal_address": settings.postal_address})
    limit, leads = _fitting(renderer, settings, content)
    values = {"postal_address": settings.postal_address, "limit": limit, "leads": leads}
    return _render_as("", renderer, content, values)


def _render_as(kind: str, renderer: Renderer, content: Content, values: dict[str, Any]) -> RenderedEmail:
    """By the templates of a kind of message; "" is that of digests."""
    digest = content.sections[0].digest if content.sections else None
    body, other = (f"email/{kind}", f"email/{kind}_") if kind else ("email/digest", "email/")
    text = renderer.text(f"{body}.txt.j2", content, **values)
    return RenderedEmail(
        subject=plain(renderer.text(f"{other}subject.txt.j2", content)),
        html=renderer.slotted(f"{body}.html.j2", content, **values),
        text=Slotted.parse(re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"),
        kind=content.kind,
        language=content.language,
        bulletin=digest.bulletin if digest else "",
        title=digest.title if digest else content.title,
        thread=_thread(content),
        personal_html=renderer.personal(f"{other}personal.html.j2", content),
        personal_text=renderer.personal(f"{other}personal.txt.j2", content),
    )


def _thread(content: Content) -> str:
    issues = {f"{section.digest.bulletin}-{section.digest.issue_ref}" for section in content.sections}
    return re.sub(r"[^A-Za-z0-9.-]+", "-", issues.pop()).strip("-.") if len(issues) == 1 else ""


def _fitting(renderer: Renderer, settings: EmailSettings, content: Content) -> tuple[int | None, bool]:
    """How long an article may be (None: any length), and whether titles stand with their first sentence."""

    def fits(limit: int | None, leads: bool) -> bool:
        values = {"postal_address": settings.postal_address, "limit": limit, "leads": leads}
        return len(renderer.text("email/digest.html.j2", content, **values).encode()) <= MAX_HTML - _PERSONAL

    # Not even tried with more characters than bytes: a table of a million cells takes long to set.
    if sum(lengths_of(content)) <= MAX_HTML and fits(None, True):
        return None, True
    if not fits(_SHORTEST, True):
        return 0, fits(0, True)
    low, high = _SHORTEST, MAX_HTML
    while high - low > 50:  # `low` fits, `high` does not
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle, True) else (low, middle)
    return low, True
