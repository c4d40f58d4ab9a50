"""A content as the JSON body of a webhook.

    {"type": "digest.published",          or "digest.corrected" (only what was changed), "digest.test", "issue.held"
     "timestamp": "2022-05-31T00:00:00Z",
     "data": {
       "version": 1, "language": "zh", "format": "full", "truncated": false,
       "bulletin": {"key", "title", "title_en"},
       "issue": {"ref", "number", "total", "year", "date", "title", "publisher"},
       "digests": [{
         "bulletin": {…}, "issue": {…}, "column", "column_en", "part", "parts",
         "matching": [{"title", "credit", "url", "lead", "parks": [{"name", "role"}],
                       "topics": [{"key", "name"}], "blocks": [{"kind", "text", …}]}],
         "others": [{"title", "url"}]}],
       "reasons": [{"follow", "label", "unfollow_url"}],
       "unsubscribe_url": "…",
       "preferences_url": "…",
       "text": "…"}}

`timestamp` is the day of the (latest) issue, at midnight UTC, and left out where no date is known: the body is the
same in every attempt, only the header `webhook-timestamp` is renewed. `bulletin` and `issue` at the top are those of
the first digest; a bundle may hold several issues, so every digest names its own. The format `titles` has no
`blocks`. `text` is the digest in Markdown, in the reader's language, with the first sentence of each article.

`issue.held` tells those who may approve of an issue that waits for it: all of its titles are in `others`, and there are
`held` (its name in commands), `revision`, `preview_url` and `warnings` besides.

A block's `kind` is `heading`, `paragraph`, `item` (of a list), `table` or `note` (a footnote); more may come. `text` is
plain and says all of it. Where a block has them, there are besides: `rows`, the cells of a table, as many in each row,
the first row the head (in `text` a row is a line, with ` | ` between cells); `marks`, stretches of the text that are
set off, `{"kind", "start", "end"}` with the characters (code points) from `start` to before `end` and `strong`,
`emphasis` or `link`, which has an http, https or mailto address in `href`; `depth`, how many lists stand around an
item's own.

Standard Webhooks wants less than 20 KB. What is too long loses first the ends of its texts (a table as a whole, with
what follows it), then other titles, then matching articles, then reasons, and says so in `truncated`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dispatch.codec import blocks_json
from dispatch.digests.fitting import Size, fitting
from dispatch.digests.render import Personal, Renderer
from dispatch.digests.segments import sound
from dispatch.digests.slots import Slotted, slot
from dispatch.digests.words import clip, first_sentence, shorten
from dispatch.model import Content, Digest, DigestArticle, Envelope, Reason, Section

MAX_BYTES = 20_000
"""Bytes of a body (Standard Webhooks, "Payload size")."""

_WARNINGS = 10  # told of an issue that is held
_PERSONAL = 4_000  # bytes of it kept for what is personal: about a dozen follows with their links

_TYPES = {"digest": "digest.published", "test": "digest.test", "correction": "digest.corrected", "notice": "issue.held",
          "alarm": "dispatch.alarm"}  # fmt: skip
# Slots that stand for a JSON value; the others stand within the Markdown, which is a JSON string.
_VALUES = ("reasons", "unsubscribe_url", "preferences_url", "truncated")


@dataclass(frozen=True, slots=True)
class RenderedWebhook:
    """A body for all readers of a variant; `cut` where something was left out."""

    body: Slotted
    personal: Personal
    cut: bool

    @property
    def parts(self) -> int:
        return 1

    def fill(self, envelope: Envelope) -> bytes:
        """The body for one reader, in UTF-8, with as many of the reasons as there is room for."""
        count = len(envelope.reasons)
        while True:
            body = self._fill(envelope, envelope.reasons[:count])
            if len(body) <= MAX_BYTES or count == 0:
                return body
            count //= 2

    def _fill(self, envelope: Envelope, reasons: Sequence[Reason]) -> bytes:
        unsubscribe = envelope.unsubscribe_url or envelope.unsubscribe_mailto
        written = self.personal.pieces(
            self.body.names - set(_VALUES), reasons, unsubscribe, preferences=envelope.preferences_url
        )
        values = {name: _dumps(text)[1:-1] for name, text in written.items()}
        values["reasons"] = _dumps([_reason(reason) for reason in reasons])
        values["unsubscribe_url"] = _dumps(unsubscribe)
        values["preferences_url"] = _dumps(envelope.preferences_url)
        values["truncated"] = _dumps(self.cut or len(reasons) < len(envelope.reasons))
        return self.body.fill(values).encode()


def render(renderer: Renderer, content: Content) -> RenderedWebhook:
    """Render once for all readers. Raises RenderError."""
    urls = _addresses(renderer, content)
    whole = Size.whole(content)

    def build(size: Size) -> str:
        shown = size.of(content)
        template = "webhook/alarm.md.j2" if content.alarm else "webhook/digest.md.j2"
        text = re.sub(r"\n{3,}", "\n\n", renderer.text(template, shown)).strip()
        return _unquoted(_dumps(_payload(shown, size.characters, urls, text)))

    size = fitting(whole, MAX_BYTES, lambda size: len(build(size).encode()) <= MAX_BYTES - _PERSONAL)
    rendered = RenderedWebhook(
        Slotted.parse(build(size)), renderer.personal("webhook/personal.md.j2", content), size != whole
    )
    # A slot without its macro fails here, for the administrator, and not at every send.
    rendered.personal.pieces(rendered.body.names - set(_VALUES), (), "")
    return rendered


def _addresses(renderer: Renderer, content: Content) -> dict[tuple[int, int], str]:
    """The page of each article, "" without one, by digest and position."""
    entries = [(section, entry) for section in content.sections for entry in (*section.matching, *section.others)]
    lines = renderer.text("webhook/addresses.txt.j2", content).splitlines()
    return {
        (section.digest.id, entry.position): line.strip() for (section, entry), line in zip(entries, lines, strict=True)
    }


def _payload(content: Content, characters: int, urls: dict[tuple[int, int], str], text: str) -> dict[str, Any]:
    dates = [section.digest.date for section in content.sections if section.digest.date]
    first = content.sections[0].digest if content.sections else None
    body: dict[str, Any] = {"type": _TYPES[content.kind]}
    if dates:
        body["timestamp"] = f"{max(dates).isoformat()}T00:00:00Z"
    body["data"] = {
        "version": 1,
        "language": content.language,
        "format": content.format,
        "truncated": slot("truncated"),
        "bulletin": _bulletin(first) if first else None,
        "issue": _issue(first) if first else None,
        "digests": [_digest(section, content.format, characters, urls) for section in content.sections],
        "reasons": slot("reasons"),
        "unsubscribe_url": slot("unsubscribe_url"),
        "preferences_url": slot("preferences_url"),
        "text": text,
    }
    if notice := content.notice:
        found = {"held": notice.issue, "revision": notice.proposed or notice.revision}
        found["preview_url"] = notice.preview_url
        body["data"] |= {**found, "warnings": [clip(text, 200) for text in notice.warnings[:_WARNINGS]]}
    if alarm := content.alarm:
        ended = _time(alarm.ended) if alarm.ended else None
        times = {"since": _time(alarm.since), "ended": ended}
        body["data"]["alarm"] = {"kind": alarm.kind, "subject": alarm.subject, "detail": alarm.detail, **times}
    return body


def _time(at: int) -> str:
    return dt.datetime.fromtimestamp(at / 1000, dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _bulletin(digest: Digest) -> dict[str, Any]:
    return {"key": digest.bulletin, "title": digest.title, "title_en": digest.title_en}


def _issue(digest: Digest) -> dict[str, Any]:
    date: dt.date | None = digest.date
    return {
        "ref": digest.issue_ref,
        "number": digest.number,
        "total": digest.total,
        "year": digest.year,
        "date": date.isoformat() if date else None,
        "title": digest.title,
        "publisher": digest.publisher,
    }


def _digest(section: Section, form: str, characters: int, urls: dict[tuple[int, int], str]) -> dict[str, Any]:
    digest = section.digest
    return {
        "bulletin": _bulletin(digest),
        "issue": _issue(digest),
        "column": digest.column,
        "column_en": digest.column_en,
        "part": digest.part,
        "parts": digest.parts,
        "matching": [_matching(entry, form, characters, urls[digest.id, entry.position]) for entry in section.matching],
        "others": [{"title": entry.article.title, "url": urls[digest.id, entry.position]} for entry in section.others],
    }


def _matching(entry: DigestArticle, form: str, characters: int, url: str) -> dict[str, Any]:
    article = entry.article
    found: dict[str, Any] = {
        "title": article.title,
        "credit": article.credit,
        "url": url,
        "lead": first_sentence(article),
        "parks": [{"name": park.name, "role": park.role.value} for park in article.parks],
        "topics": [{"key": topic.key, "name": topic.name} for topic in article.topics],
    }
    if form == "full":
        blocks, _ = shorten(article, characters)
        found["blocks"] = blocks_json([sound(block) for block in blocks])
    return found


def _reason(reason: Reason) -> dict[str, str]:
    return {"follow": reason.tag, "label": reason.label, "unfollow_url": reason.unfollow_url}


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _unquoted(text: str) -> str:
    """Free the slots that stand for JSON values of the quotes that they got as strings."""
    for name in _VALUES:
        text = text.replace(f'"{slot(name)}"', slot(name))
    return text
