"""A content as the JSON body of a webhook: the published contract, version 1 (docs/webhooks.md; the JSON Schema is
docs/schemas/webhook-1.json).

    {"type": "digest.published",          or "digest.corrected" (only what was changed), "endpoint.test", "issue.held",
                                          "dispatch.alarm"
     "timestamp": "2022-05-31T00:00:00Z",
     "data": {
       "version": 1, "language": "zh", "format": "full", "truncated": false, "full_url": "https://…/w/…",
       "bulletin": {"key", "title", "title_en"},
       "issue": {"ref", "number", "total", "year", "date", "title", "publisher", "url"},
       "digests": [{
         "bulletin": {…}, "issue": {…}, "column", "column_en", "part", "parts",
         "matching": [{"title", "credit", "url", "lead",
                       "parks": [{"key", "name", "role", "evidence": […]}],
                       "topics": [{"key", "name", "rank", "evidence": […]}],
                       "blocks": [{"kind", "text", …}]}],
         "others": [{"title", "url"}]}],
       "reasons": [{"follow", "label", "unfollow_url"}],
       "unsubscribe_url": "…",
       "preferences_url": "…",
       "text": "…"}}

`timestamp` is the day of the (latest) issue, at midnight UTC, and left out where no date is known: the body is the
same in every attempt, only the header `webhook-timestamp` is renewed. `bulletin` and `issue` at the top are those of
the first digest; a bundle may hold several issues, so every digest names its own. The format `titles` has no
`blocks`. `text` is the digest in Markdown, in the reader's language, with the first sentence of each article.

The surest topic has `rank` 1. What is followed is `park:` or `topic:` with the `key`. A passage of `evidence` has its
`text` and stands in `title`, `credit` or `text` (`where`), there in the block of the index `block`, from the character
(code point) `start` to before `end`; a tag that a person gave has none.

`issue.held` tells those who may approve of an issue that waits for it: all of its titles are in `others`, and there are
`held` (its name in commands), `revision`, `preview_url` and `warnings` besides.

A block's `kind` is `heading`, `paragraph`, `item` (of a list), `table` or `note` (a footnote); more may come. `text` is
plain and says all of it. Where a block has them, there are besides: `rows`, the cells of a table, as many in each row,
the first row the head (in `text` a row is a line, with ` | ` between cells); `marks`, stretches of the text that are
set off, `{"kind", "start", "end"}` with the characters (code points) from `start` to before `end` and `strong`,
`emphasis` or `link`, which has an http, https or mailto address in `href`; `depth`, how many lists stand around an
item's own.

Standard Webhooks wants less than 20 KB. What is too long loses first the tags and passages beyond the first of an
article, then the ends of its texts (a table as a whole, with what follows it), then other titles, then matching
articles, then reasons, and says so in `truncated`. `full_url` answers with the whole of it.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dispatch.codec import blocks_json
from dispatch.digests.fitting import Size, fitting
from dispatch.digests.render import Personal, Renderer
from dispatch.digests.segments import sound
from dispatch.digests.slots import Slotted, slot
from dispatch.digests.words import clip, first_sentence, shorten
from dispatch.model import Article, Content, Digest, DigestArticle, Envelope, Evidence, Reason, Role, Section

MAX_BYTES = 20_000
"""Bytes of a body (Standard Webhooks, "Payload size")."""

VERSION = 1
"""Of the payload: it is raised where something that receivers may rely on changes or goes; what is added raises
nothing."""

SCHEMA = "webhook-1.json"
"""The file of the payload's JSON Schema, in docs/schemas and among the program's assets."""

_WARNINGS = 10  # told of an issue that is held
_PERSONAL = 4_000  # bytes of it kept for what is personal: about a dozen follows with their links

_TYPES = {
    "digest": "digest.published",
    "correction": "digest.corrected",
    "test": "endpoint.test",
    "notice": "issue.held",
    "alarm": "dispatch.alarm",
}
# Slots that stand for a JSON value; the others stand within the Markdown, which is a JSON string.
_VALUES = ("reasons", "unsubscribe_url", "preferences_url", "truncated", "full_url")


@dataclass(frozen=True, slots=True)
class _Detail:
    """How many tags of a kind an article shows, and how many passages each (None: all)."""

    tags: int | None
    passages: int | None


_ALL, _BRIEF, _BARE = _Detail(None, None), _Detail(20, 2), _Detail(8, 0)


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
        values["full_url"] = _dumps(envelope.full_url)
        values["truncated"] = _dumps(self.cut or len(reasons) < len(envelope.reasons))
        return self.body.fill(values).encode()


def render(renderer: Renderer, content: Content) -> RenderedWebhook:
    """Render once for all readers. Raises RenderError."""
    size, detail = Size.whole(content), _ALL
    build = _builder(renderer, content)

    def fits(tried: Size, detail: _Detail) -> bool:
        return len(build(tried, detail).encode()) <= MAX_BYTES - _PERSONAL

    # A text of more characters than there are bytes is not even tried: one table can take long to set.
    whole = size.characters <= MAX_BYTES and fits(size, detail)
    if not whole:
        detail = _BRIEF if fits(replace(size, characters=0), _BRIEF) else _BARE
        size = fitting(size, MAX_BYTES, lambda tried: fits(tried, detail))
    personal = renderer.personal("webhook/personal.md.j2", content)
    rendered = RenderedWebhook(Slotted.parse(build(size, detail)), personal, not whole)
    # A slot without its macro fails here, for the administrator, and not at every send.
    rendered.personal.pieces(rendered.body.names - set(_VALUES), (), "")
    return rendered


def render_whole(renderer: Renderer, content: Content) -> bytes:
    """The body with nothing cut and nothing personal: what `full_url` answers. Raises RenderError."""
    body = Slotted.parse(_builder(renderer, content)(Size.whole(content), _ALL))
    personal = renderer.personal("webhook/personal.md.j2", content)
    written = personal.pieces(body.names - set(_VALUES), (), "", preferences="")
    empty = {"reasons": "[]", "unsubscribe_url": '""', "preferences_url": '""', "truncated": "false", "full_url": '""'}
    return body.fill({name: _dumps(text)[1:-1] for name, text in written.items()} | empty).encode()


def _builder(renderer: Renderer, content: Content) -> Callable[[Size, _Detail], str]:
    """What makes the body of a size, with its slots."""
    urls, issues = _addresses(renderer, content), _issue_pages(renderer, content)

    def build(size: Size, detail: _Detail) -> str:
        shown = size.of(content)
        template = "webhook/alarm.md.j2" if content.alarm else "webhook/digest.md.j2"
        text = re.sub(r"\n{3,}", "\n\n", renderer.text(template, shown)).strip()
        return _unquoted(_dumps(_payload(shown, _Form(content.format, size.characters, detail, urls, issues), text)))

    return build


@dataclass(frozen=True, slots=True)
class _Form:
    """How articles are written down: `full` or `titles`, at most so many characters, and the page of each, by digest
    and position, and of each digest's issue ("" without pages)."""

    format: str
    characters: int
    detail: _Detail
    urls: Mapping[tuple[int, int], str]
    issues: Mapping[int, str]


def _addresses(renderer: Renderer, content: Content) -> dict[tuple[int, int], str]:
    """The page of each article, "" without one, by digest and position."""
    entries = [(section, entry) for section in content.sections for entry in (*section.matching, *section.others)]
    lines = renderer.text("webhook/addresses.txt.j2", content).splitlines()
    return {
        (section.digest.id, entry.position): line.strip() for (section, entry), line in zip(entries, lines, strict=True)
    }


def _issue_pages(renderer: Renderer, content: Content) -> dict[int, str]:
    """The page of the issue, "" without one, by digest."""
    lines = renderer.text("webhook/issues.txt.j2", content).splitlines()
    return {section.digest.id: line.strip() for section, line in zip(content.sections, lines, strict=True)}


def _payload(content: Content, form: _Form, text: str) -> dict[str, Any]:
    dates = [section.digest.date for section in content.sections if section.digest.date]
    first = content.sections[0].digest if content.sections else None
    body: dict[str, Any] = {"type": _TYPES[content.kind]}
    if dates:
        body["timestamp"] = f"{max(dates).isoformat()}T00:00:00Z"
    body["data"] = {
        "version": VERSION,
        "language": content.language,
        "format": content.format,
        "truncated": slot("truncated"),
        "full_url": slot("full_url"),
        "bulletin": _bulletin(first) if first else None,
        "issue": _issue(first, form.issues[first.id]) if first else None,
        "digests": [_digest(section, form) for section in content.sections],
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


def _issue(digest: Digest, url: str) -> dict[str, Any]:
    date: dt.date | None = digest.date
    return {
        "ref": digest.issue_ref,
        "number": digest.number,
        "total": digest.total,
        "year": digest.year,
        "date": date.isoformat() if date else None,
        "title": digest.title,
        "publisher": digest.publisher,
        "url": url,
    }


def _digest(section: Section, form: _Form) -> dict[str, Any]:
    digest = section.digest
    urls = form.urls
    return {
        "bulletin": _bulletin(digest),
        "issue": _issue(digest, form.issues[digest.id]),
        "column": digest.column,
        "column_en": digest.column_en,
        "part": digest.part,
        "parts": digest.parts,
        "matching": [_matching(entry, form, urls[digest.id, entry.position]) for entry in section.matching],
        "others": [{"title": entry.article.title, "url": urls[digest.id, entry.position]} for entry in section.others],
    }


def _matching(entry: DigestArticle, form: _Form, url: str) -> dict[str, Any]:
    article = entry.article
    found: dict[str, Any] = {
        "title": article.title,
        "credit": article.credit,
        "url": url,
        "lead": first_sentence(article),
        "parks": _parks(article, form.detail),
        "topics": _topics(article, form.detail),
    }
    if form.format == "full":
        blocks, _ = shorten(article, form.characters)
        found["blocks"] = blocks_json([sound(block) for block in blocks])
    return found


def _parks(article: Article, detail: _Detail) -> list[dict[str, Any]]:
    """Those that the article is about first."""
    parks = sorted(article.parks, key=lambda park: park.role is not Role.SUBJECT)
    return [
        {
            "key": park.name,
            "name": park.name,
            "role": park.role.value,
            "evidence": _passages(park.evidence, detail),
        }
        for park in parks[: detail.tags]
    ]


def _topics(article: Article, detail: _Detail) -> list[dict[str, Any]]:
    """The surest first. How sure in figures is no contract: it changes with what finds them."""
    topics = sorted(article.topics, key=lambda topic: -topic.score)
    return [
        {"key": topic.key, "name": topic.name, "rank": rank, "evidence": _passages(topic.evidence, detail)}
        for rank, topic in enumerate(topics[: detail.tags], start=1)
    ]


def _passages(evidence: Sequence[Evidence], detail: _Detail) -> list[dict[str, Any]]:
    return [_passage(item) for item in evidence[: detail.passages]]


def _passage(item: Evidence) -> dict[str, Any]:
    place = {"where": item.where, "block": item.block} if item.block >= 0 else {"where": item.where}
    return {**place, "start": item.start, "end": item.end, "text": item.text}


def _reason(reason: Reason) -> dict[str, str]:
    return {"follow": reason.tag, "label": reason.label, "unfollow_url": reason.unfollow_url}


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _unquoted(text: str) -> str:
    """Free the slots that stand for JSON values of the quotes that they got as strings."""
    for name in _VALUES:
        text = text.replace(f'"{slot(name)}"', slot(name))
    return text
