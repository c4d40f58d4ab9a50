"""The whole of what a message to a webhook may have had to cut, for the page that `full_url` leads to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from dispatch import archive
from dispatch.channels.webhook.payload import render_whole
from dispatch.digests.compose import section
from dispatch.digests.render import Renderer
from dispatch.digests.selection import Part, Selection
from dispatch.errors import Failure
from dispatch.model import Content, IssueState, Section
from subscribers.database import Database, queries

SQL = queries(Path(__file__).with_name("whole.sql"))

Standing = tuple[tuple[str, int], ...]
"""For each digest what its text depends on: as long as that is the same, so is the body."""


@dataclass(frozen=True, slots=True)
class Wholes:
    """Makes bodies. `english` gives a bulletin's English name, `title` what all that is sent is called in one."""

    renderer: Renderer
    english: Callable[[str], str]
    title: Callable[[str], str]

    def standing(self, db: Database, selection: Selection) -> Standing | None:
        """How the digests stand; None where one of them was withdrawn since, or is not out yet (which only a test
        may show)."""
        found = []
        for part in selection.parts:
            row = db.one(SQL["standing"], {"id": part.digest_id})
            if row is None or row["state"] == IssueState.CANCELLED:
                return None
            if row["state"] == IssueState.HELD and selection.kind != "test":
                return None
            found.append((row["fingerprint"], row["revision"]))
        return tuple(found)

    def content(self, db: Database, selection: Selection) -> Content | None:
        """What the message had to say; None where the text that was sent is kept no longer."""
        try:
            sections = tuple(self._section(db, part) for part in selection.parts)
        except Failure:
            return None
        if selection.kind == "correction":  # what was not changed is no news
            sections = tuple(replace(part, others=()) for part in sections)
        language = selection.language
        return Content(selection.kind, language, selection.format, sections, self.title(language))

    def body(self, content: Content) -> bytes:
        """As JSON in UTF-8; no store is asked. Raises RenderError."""
        return render_whole(self.renderer, content)

    def _section(self, db: Database, part: Part) -> Section:
        plain = archive.digest(db, part.digest_id, revision=part.revision)
        return section(
            replace(plain, title_en=self.english(plain.bulletin) or plain.title), part.variant, part.left_out
        )
