"""An email for one reader: RFC 5322, multipart/alternative, UTF-8.

What all readers of a variant get is encoded once (`Stencil`). For each reader a few header fields are written, and the
pieces that differ are spliced into the encoded bodies. The pieces themselves, but for the reader's own addresses, are
the same for all who follow the same things: templates run once for each of those, with place-holders for the addresses.
"""

from __future__ import annotations

import logging
import re
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from email.utils import formatdate
from functools import cache
from hashlib import sha256
from itertools import count
from typing import NamedTuple

from markupsafe import escape

from dispatch.channels.email.addressing import wire_address
from dispatch.channels.email.base64_lines import CRLF, Constant, weave
from dispatch.channels.email.headers import addresses, is_plain_url, mailbox, unstructured
from dispatch.channels.email.render import MAX_HTML, RIGHTS, RenderedEmail
from dispatch.digests.render import Personal
from dispatch.digests.slots import Slotted
from dispatch.model import Envelope, Reason, Rejected
from dispatch.settings import EmailSettings

log = logging.getLogger(__name__)

_ENDS = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")  # what str.splitlines takes for the end of a line
_SPECIAL = re.compile(b"[&<>'\"]")  # in HTML
_PLACE = re.compile("(?:mailto:)?\ue002([0-9]+)\ue003")
_MESSAGE_ID = re.compile(r"[!-;=?-~]{1,250}\Z")
_SHORT = 200  # bytes of text that all have, below which it is encoded with what stands beside it
_SHAPES = 2000  # sets of follows, of all stencils, whose pieces are remembered
_FEWER = (12, 3, 0)  # follows named where all of them are too many for MAX_HTML


@dataclass(slots=True)
class Built:
    """A message ready for the wire: its header fields, each with its line end, and its body in pieces, of which most
    are shared by all messages; `sender` is the return path, and `utf8` says whether it needs SMTPUTF8 (RFC 6531)."""

    sender: str
    recipient: str
    utf8: bool
    head: bytes
    body: list[bytes]

    @property
    def pieces(self) -> list[bytes]:
        return [self.head + CRLF, *self.body]

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)


@dataclass(slots=True)
class MadeOut:
    """An email for one reader, or why there can be none."""

    built: Built | Rejected
    parts: int = 1


class Shapes:
    """The pieces that all share who follow the same things, of the last so many of such sets: memory stays flat."""

    def __init__(self, size: int = _SHAPES) -> None:
        self._size = size
        self._gaps: OrderedDict[tuple[object, ...], _Pieces] = OrderedDict()
        self._stencils = count()

    def new_stencil(self) -> int:
        """A number that no other stencil has."""
        return next(self._stencils)

    def get(self, shape: tuple[object, ...]) -> _Pieces | None:
        found = self._gaps.get(shape)
        if found is not None:
            self._gaps.move_to_end(shape)
        return found

    def put(self, shape: tuple[object, ...], pieces: _Pieces) -> None:
        self._gaps[shape] = pieces
        if len(self._gaps) > self._size:
            self._gaps.popitem(last=False)


class Stencil:
    """An email for all readers of a variant; `fill` makes it one reader's. `shapes` is shared by all stencils."""

    parts = 1

    def __init__(self, settings: EmailSettings, rendered: RenderedEmail, shapes: Shapes | None = None) -> None:
        self.rendered = rendered
        self._shapes = shapes or Shapes()
        self._number = self._shapes.new_stencil()
        self._sender = wire_address(settings.from_address) or settings.from_address
        self._head = _Head(settings, rendered, self._sender)
        self._text = _Body(rendered.text, rendered.personal_text)
        self._html = _Body(rendered.html, rendered.personal_html)
        boundary = self._head.boundary
        parts = [f"--{boundary}\r\n{_part_headers(kind)}\r\n\r\n" for kind in ("plain", "html")]
        self._edges = (parts[0].encode(), parts[1].encode(), f"--{boundary}--\r\n".encode())

    def made_out(self, envelope: Envelope) -> MadeOut:
        """See `dispatch.delivery.channel.Addressable`."""
        return MadeOut(self.fill(envelope))

    def fill(self, envelope: Envelope) -> Built | Rejected:
        """The message for one reader, or why there can be none. Raises RenderError."""
        recipient = wire_address(envelope.address)
        if recipient is None:
            return Rejected(reason="the address is not an email address", code="address", endpoint_state="suppressed")
        text, html = self._values(envelope)
        for most in _FEWER:
            if self._html.size(html) < MAX_HTML:
                break
            html = self._html.slow(replace(envelope, reasons=envelope.reasons[:most]))
        before_text, before_html, end = self._edges
        body = [before_text, *self._text.weave(text), before_html, *self._html.weave(html), end]
        head = self._head.fill(envelope, recipient)
        return Built(envelope.return_path or self._sender, recipient, not recipient.isascii(), head, body)

    def _values(self, envelope: Envelope) -> tuple[list[bytes], list[bytes]]:
        """What stands between the constants of the text, and of the HTML."""
        if envelope.confirmation is not None or envelope.right_url:
            return self._text.slow(envelope), self._html.slow(envelope)
        reasons = envelope.reasons
        own = [envelope.unsubscribe_url or envelope.unsubscribe_mailto, envelope.preferences_url]
        own += [reason.unfollow_url for reason in reasons]
        kinds = tuple([url[:7] == "mailto:" if url else None for url in own])
        shape = (self._number, kinds, *[(reason.tag, reason.label) for reason in reasons])
        pieces = self._shapes.get(shape)
        if pieces is None:
            pieces = _Pieces(self._text.learn(envelope, own), self._html.learn(envelope, own))
            self._shapes.put(shape, pieces)
        encoded = [url.encode() for url in own]
        text = [gap.fill(encoded) for gap in pieces.text] if pieces.text else self._text.slow(envelope)
        if any(_SPECIAL.search(url) for url in encoded):
            encoded = [str(escape(url)).encode() for url in own]
        html = [gap.fill(encoded) for gap in pieces.html] if pieces.html else self._html.slow(envelope)
        return text, html


class _Head:
    """The header fields. Those that all readers have are written once."""

    def __init__(self, settings: EmailSettings, rendered: RenderedEmail, sender: str) -> None:
        self.boundary = f"=_{sha256(f'{rendered.thread} {rendered.subject}'.encode()).hexdigest()[:24]}"
        self._domain = sender.rpartition("@")[2]
        self._on_list = rendered.kind not in ("confirm", "notice", "alarm", *RIGHTS)
        self._from = mailbox("From", settings.from_name or rendered.title, sender)
        before = [unstructured("Subject", rendered.subject)]
        if settings.reply_to:
            before.append(f"Reply-To: {settings.reply_to}")
        if self._on_list:
            before += self._of_list(rendered)
        self._before = "\r\n".join(before)
        after = ["Precedence: bulk"] if self._on_list else []
        after += [
            "Auto-Submitted: auto-generated",  # RFC 3834: no out-of-office replies
            f"Content-Language: {'en, zh-CN' if rendered.language == 'en' else 'zh-CN'}",
            "MIME-Version: 1.0",
            f'Content-Type: multipart/alternative; boundary="{self.boundary}"',
        ]
        self._after = "\r\n".join(after)

    def _of_list(self, rendered: RenderedEmail) -> list[str]:
        """RFC 2919; References to an id of the issue's, which no message has, keep its digests together; Feedback-ID is
        what Gmail counts complaints by."""
        bulletin = re.sub(r"[^a-z0-9-]+", "-", rendered.bulletin.lower()).strip("-") or "digest"
        fields = [f"List-Id: <{bulletin}.{self._domain}>"]
        if rendered.thread and rendered.kind in ("digest", "correction"):
            fields.append(f"References: <{rendered.thread}@{self._domain}>")
        sender = self._domain.replace(".", "-")[:15].ljust(5, "-")  # Gmail wants 5 to 15 characters
        fields.append(f"Feedback-ID: {rendered.thread or bulletin}:{rendered.kind}:{rendered.language}:{sender}")
        return fields

    def fill(self, envelope: Envelope, recipient: str) -> bytes:
        to = mailbox("To", envelope.name, recipient)
        message_id = _message_id(envelope.provider_id, self._domain)
        leaving = self._leaving(envelope) if self._on_list else ""
        head = (
            f"{self._from}\r\n{to}\r\nDate: {_date(int(time.time()))}\r\nMessage-ID: <{message_id}>\r\n"
            f"{self._before}\r\n{leaving}{self._after}\r\n"
        )
        return head.encode()

    @staticmethod
    def _leaving(envelope: Envelope) -> str:
        """RFC 2369; RFC 8058 allows the One-Click field only beside an https address. Who is asked for a yes is on no
        list yet, and a link to somebody's data is of none."""
        page, mail = envelope.unsubscribe_url, envelope.unsubscribe_mailto
        urls = [url for url in (page, mail) if url and is_plain_url(url)]
        if not urls:
            return ""
        field = addresses("List-Unsubscribe", urls)
        if urls[0] is page and page.startswith("https://"):  # RFC 8058, section 3.1: one click needs HTTPS
            return f"{field}\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        return f"{field}\r\n"


class _Gap:
    """What stands between two constants: bytes, with the reader's own addresses at the odd places."""

    __slots__ = ("_parts", "_places")

    def __init__(self, text: str) -> None:
        pieces = _PLACE.split(text)
        self._places = [int(number) for number in pieces[1::2]]
        self._parts = [_normal(piece) for piece in pieces]

    def fill(self, own: Sequence[bytes]) -> bytes:
        if not self._places:
            return self._parts[0]
        parts = self._parts.copy()
        parts[1::2] = [own[place] for place in self._places]
        return b"".join(parts)


class _Pieces(NamedTuple):
    """What stands between the constants of the text, and of the HTML; None where a template has to run each time."""

    text: list[_Gap] | None
    html: list[_Gap] | None


class _Body:
    """One form of the message, HTML or text."""

    def __init__(self, form: Slotted, personal: Personal) -> None:
        self._escapes = personal.template.endswith(".html.j2")
        self._personal = personal
        self._names = form.names
        texts = list(form.pieces)
        if not texts[-1].endswith(("\n", "\r")):
            texts[-1] += "\n"
        self._constants, self._between = _partition(texts)
        self._size = sum(map(len, self._constants))

    def size(self, values: Sequence[bytes]) -> int:
        """Bytes of the body with these values, before it is encoded."""
        return self._size + sum(map(len, values))

    def weave(self, values: Sequence[bytes]) -> list[bytes]:
        """The lines of the encoded body."""
        return weave(self._constants, values)

    def learn(self, envelope: Envelope, own: Sequence[str]) -> list[_Gap] | None:
        """The pieces of all who follow the same, or None where a template does more with an address than to write it
        down: then it has to run for each reader."""
        stand_ins = [
            ("mailto:" if url.startswith("mailto:") else "") + f"\ue002{n}\ue003" if url else ""
            for n, url in enumerate(own)
        ]
        reasons = tuple(
            Reason(reason.tag, reason.label, url) for reason, url in zip(envelope.reasons, stand_ins[2:], strict=True)
        )
        gaps = self._gaps(self._personal.pieces(self._names, reasons, stand_ins[0], preferences=stand_ins[1]))
        encoded = [str(escape(url)).encode() if self._escapes else url.encode() for url in own]
        if [gap.fill(encoded) for gap in gaps] == self.slow(envelope):
            return gaps
        _warn(self._personal.template)
        return None

    def slow(self, envelope: Envelope) -> list[bytes]:
        """What stands between the constants, by the templates."""
        more: dict[str, object] = {"preferences": envelope.preferences_url}
        if envelope.confirmation is not None:
            more = {"confirmation": envelope.confirmation, "reader": envelope.name}
        elif envelope.right_url:
            more = {"right": envelope.right_url, "reader": envelope.name}
        unsubscribe = envelope.unsubscribe_url or envelope.unsubscribe_mailto
        pieces = self._personal.pieces(self._names, envelope.reasons, unsubscribe, **more)
        return [gap.fill(()) for gap in self._gaps(pieces)]

    def _gaps(self, pieces: Mapping[str, str]) -> list[_Gap]:
        return [_Gap("".join([pieces[text] if is_slot else text for text, is_slot in gap])) for gap in self._between]


@cache
def _warn(template: str) -> None:
    """Once a template."""
    log.warning("%s changes addresses, so it has to run for each reader, slowly", template)


_Between = list[list[tuple[str, bool]]]


def _partition(texts: Sequence[str]) -> tuple[list[Constant], _Between]:
    """Long texts that all readers have, and what stands between them: slots, and short texts. There is a constant at
    each end."""
    constants = [Constant(_normal(texts[0]))]
    between: _Between = []
    gap: list[tuple[str, bool]] = []
    for place, text in enumerate(texts[1:], start=1):
        is_slot = place % 2 == 1
        raw = b"" if is_slot else _normal(text)
        if is_slot or len(raw) < _SHORT:
            gap.append((text, is_slot))
        else:
            between.append(gap)
            constants.append(Constant(raw))
            gap = []
    if gap:
        between.append(gap)
        constants.append(Constant(b""))
    return constants, between


def _normal(text: str) -> bytes:
    """RFC 2046 4.1.1: the lines of a text end in CRLF, before it is encoded."""
    return _ENDS.sub("\r\n", text).encode("utf-8", "replace")


def _part_headers(kind: str) -> str:
    return f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64"


def build(settings: EmailSettings, envelope: Envelope, rendered: RenderedEmail) -> Built | Rejected:
    """A single message. See Stencil."""
    return Stencil(settings, rendered).fill(envelope)


def _message_id(provider_id: str, domain: str) -> str:
    """The id as it is where it can stand in angle brackets (RFC 5322 3.6.4), else a stable one made from it."""
    if _MESSAGE_ID.match(provider_id):
        return provider_id
    return f"{sha256(provider_id.encode()).hexdigest()[:32]}@{domain}"


_last_date = (0, "")


def _date(second: int) -> str:
    """RFC 5322 3.3. Thousands of messages share a second."""
    global _last_date
    if _last_date[0] != second:
        _last_date = (second, formatdate(second))
    return _last_date[1]
