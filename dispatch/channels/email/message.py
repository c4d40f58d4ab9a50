"""An email for one reader: RFC 5322, multipart/alternative, UTF-8."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate
from hashlib import sha256

import idna

from dispatch.channels.email.headers import addresses, is_plain_url, mailbox, unstructured
from dispatch.channels.email.render import MAX_HTML, RIGHTS, RenderedEmail, render
from dispatch.digests.render import Personal
from dispatch.digests.slots import Slotted
from dispatch.model import Envelope, Reason, Rejected
from dispatch.settings import EmailSettings

__all__ = ["MAX_HTML", "Built", "RenderedEmail", "build", "render"]

_LOCAL = re.compile(r"[^\x00-\x20\x7f-\xa0\"(),:;<>@\[\\\]]{1,64}\Z")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)\Z")
_MESSAGE_ID = re.compile(r"[!-;=?-~]{1,250}\Z")


@dataclass(frozen=True, slots=True)
class Built:
    """A message ready for the wire; `utf8` where it needs SMTPUTF8 (RFC 6531)."""

    recipient: str
    data: bytes
    utf8: bool


def build(settings: EmailSettings, envelope: Envelope, rendered: RenderedEmail) -> Built | Rejected:
    """The message for one reader, or why there can be none."""
    recipient = _wire_address(envelope.address)
    if recipient is None:
        return Rejected(reason="the address is not an email address", code="address", endpoint_state="suppressed")
    head = _headers(settings, envelope, rendered, recipient)
    data = "\r\n".join([*head, "", ""]).encode() + _body(envelope, rendered)
    return Built(recipient, data, utf8=not recipient.isascii())


def _headers(settings: EmailSettings, envelope: Envelope, rendered: RenderedEmail, recipient: str) -> list[str]:
    sender = _wire_address(settings.from_address) or settings.from_address
    fields = [
        mailbox("From", settings.from_name or rendered.title, sender),
        mailbox("To", envelope.name, recipient),
        unstructured("Subject", rendered.subject),
        f"Date: {formatdate()}",
        f"Message-ID: <{_message_id(envelope.provider_id, sender)}>",
    ]
    if settings.reply_to:
        fields.append(f"Reply-To: {settings.reply_to}")
    return [
        *fields,
        *_list_headers(envelope, rendered, sender),
        "Auto-Submitted: auto-generated",  # RFC 3834: no out-of-office replies
        f"Content-Language: {'en, zh-CN' if rendered.language == 'en' else 'zh-CN'}",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{_boundary(envelope)}"',
    ]


def _list_headers(envelope: Envelope, rendered: RenderedEmail, sender: str) -> list[str]:
    """RFC 2919 and RFC 2369; RFC 8058 allows the One-Click field only beside an https address. Who is asked for a yes
    is on no list yet, and a link to somebody's data is of none."""
    if rendered.kind in ("confirm", *RIGHTS):
        return []
    bulletin = re.sub(r"[^a-z0-9-]+", "-", rendered.bulletin.lower()).strip("-") or "digest"
    fields = [f"List-Id: <{bulletin}.{sender.rpartition('@')[2]}>"]
    page = envelope.unsubscribe_url
    urls = [url for url in (page, envelope.unsubscribe_mailto) if url and is_plain_url(url)]
    if urls:
        fields.append(addresses("List-Unsubscribe", urls))
    if page in urls and page.startswith("https://"):  # RFC 8058, section 3.1: one click needs HTTPS
        fields.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    return [*fields, "Precedence: bulk"]


def _body(envelope: Envelope, rendered: RenderedEmail) -> bytes:
    boundary = _boundary(envelope)
    parts = (("plain", _text(envelope, rendered)), ("html", _html(envelope, rendered)))
    lines = [f"--{boundary}\r\n{_part_headers(kind)}\r\n\r\n{_base64(text)}\r\n" for kind, text in parts]
    return ("".join(lines) + f"--{boundary}--\r\n").encode()


def _part_headers(kind: str) -> str:
    return f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64"


def _html(envelope: Envelope, rendered: RenderedEmail) -> str:
    """The HTML with its personal pieces; with fewer follows named where they are too many for MAX_HTML."""
    html = ""
    for count in (len(envelope.reasons), 3, 0):
        html = _fill(rendered.html, rendered.personal_html, envelope, envelope.reasons[:count])
        if len(html.encode()) < MAX_HTML:
            break
    return html


def _text(envelope: Envelope, rendered: RenderedEmail) -> str:
    return _fill(rendered.text, rendered.personal_text, envelope, envelope.reasons)


def _fill(form: Slotted, personal: Personal, envelope: Envelope, reasons: Sequence[Reason]) -> str:
    unsubscribe = envelope.unsubscribe_url or envelope.unsubscribe_mailto
    more: dict[str, object] = {"preferences": envelope.preferences_url}
    if envelope.confirmation is not None:
        more = {"confirmation": envelope.confirmation, "reader": envelope.name}
    elif envelope.right_url:
        more = {"right": envelope.right_url, "reader": envelope.name}
    return form.fill(personal.pieces(form.names, reasons, unsubscribe, **more))


def _base64(text: str) -> str:
    lines = "\r\n".join(text.splitlines()) + "\r\n"  # RFC 2046 4.1.1: text in CRLF, before its encoding
    return base64.encodebytes(lines.encode("utf-8", "replace")).decode().rstrip().replace("\n", "\r\n")


def _boundary(envelope: Envelope) -> str:
    """No line of base64 begins with `=_`, and a retry repeats the first attempt to the letter."""
    return "=_" + sha256(envelope.provider_id.encode()).hexdigest()[:24]


def _message_id(provider_id: str, sender: str) -> str:
    """The id as it is where it can stand in angle brackets (RFC 5322 3.6.4), else a stable one made from it."""
    if _MESSAGE_ID.match(provider_id):
        return provider_id
    return f"{sha256(provider_id.encode()).hexdigest()[:32]}@{sender.rpartition('@')[2]}"


def _wire_address(address: str) -> str | None:
    """The address with its domain in ASCII (RFC 5890), or None where it is none."""
    local, _, domain = address.rpartition("@")
    if not _LOCAL.match(local) or local.startswith(".") or local.endswith(".") or ".." in local:
        return None
    try:
        ascii_domain = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return None
    valid = len(ascii_domain) <= 253 and all(_LABEL.match(label) for label in ascii_domain.split("."))
    return f"{local}@{ascii_domain}" if valid else None
