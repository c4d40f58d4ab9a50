"""What a mail about our mail says, and by which words of ours it may be known whom it is about.

Read are delivery status notifications (RFC 3464, and RFC 6533 for addresses outside ASCII), complaints (ARF, RFC 5965),
wishes by mail (`unsubscribe TOKEN`, `confirm TOKEN`), the words of mail servers that write neither, with the patterns
of flufl.bounce and our own, and answers of machines, which mean nothing. Nothing is believed here: whose message it is
about, a signature tells (`desk`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from email.message import Message
from enum import StrEnum
from typing import Final

from dispatch import mime
from dispatch.mime import Part
from dispatch.refusals import CODE, ENHANCED, Verdict, clean, judge

MOST_TEXT: Final = 8_000  # characters of a text in which a reason is looked for
_MOST_BLOCKS = 50
_MOST_TOKENS = 20
_RECIPIENT_FIELDS = ("delivered-to", "x-original-to", "x-delivered-to", "envelope-to", "x-envelope-to", "to")
_WISH = re.compile(
    r"(?:(?:re|fwd?|aw|回复|答复|转发)\s*[::]\s*)*(unsubscribe|confirm)\s+([\w-]+\.[\w-]+)", re.IGNORECASE | re.ASCII
)
_LIST_TOKEN = re.compile(r"(?:/u/|unsubscribe(?:%20|\+| ))([A-Za-z0-9_-]{1,900}\.[A-Za-z0-9_-]{1,100})")
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,250})>")
_DAEMON = re.compile(r"mailer-daemon|postmaster|mail delivery (?:sub)?system|mdaemon|邮件系统|系统退信", re.IGNORECASE)
_RETURNED = re.compile(
    r"undeliver|delivery (?:status|fail|report|problem)|fail(?:ed|ure) (?:notice|delivery)|return(?:ed|ing) (?:mail|to)"
    r"|mail delivery failed|delivery has failed|退信|退回|投递失败|发送失败|无法送达",
    re.IGNORECASE,
)
_ANSWERED = re.compile(
    r"(?:auto(?:matic|mated)?[- ]?(?:reply|response|antwort)|out of (?:the )?office|自动回复|自动答复|休假)",
    re.IGNORECASE,
)
_COMPLAINTS = ("abuse", "fraud", "virus", "opt-out", "opt-out-list", "complaint")
# Where in a report without form what we sent begins: what stands below is no reason.
_OURS = re.compile(
    r"^[^\w\n]{0,40}(?:original message|(?:below this line is|this is|included is|here is|enclosed is) a copy of"
    r"|returned message"
    r"|forwarded message|原始邮件(?!信息)|原邮件(?!信息)|邮件正文)",
    re.IGNORECASE | re.MULTILINE,
)
_DELAYED = re.compile(
    r"(?:has been|was|is|will be) delayed|not yet been delivered|will be retried|warning message only"
    r"|delivery attempts will continue|尚未送达|正在重试|延迟",
    re.IGNORECASE,
)


class What(StrEnum):
    """What a mail is."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    CONFIRM = "confirm"
    DELAYED = "delayed"  # the server still tries, or it has delivered: no bounce
    AUTOMATIC = "automatic"  # an answer of a machine, or a report of something else
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Report:
    """A mail as it was read. `places` are texts in which a return path of ours may stand, the surest first; `leaving`
    the tokens in List-Unsubscribe of the message that it is about, and `message_id` its id; `token` is a wish's."""

    what: What
    verdict: Verdict = Verdict.SOFT
    status: str = ""
    diagnostic: str = ""
    places: tuple[str, ...] = field(default=(), repr=False)
    leaving: tuple[str, ...] = field(default=(), repr=False)
    message_id: str = ""
    token: str = field(default="", repr=False)

    @property
    def fingerprint(self) -> str:
        """The same for the same complaint, however often and from wherever it comes."""
        words = "\0".join((self.message_id, *self.leaving))
        return hashlib.sha256(words.encode()).hexdigest()[:32]


def read(data: bytes, recipients: Sequence[str] = ()) -> Report:
    """What a mail says. `recipients` are those of its envelope, where they are known. Raises nothing, whatever the
    bytes; the time it takes grows with their number, of which the first two million count."""
    mail = mime.read(data)
    kinds = {part.kind: part for part in reversed(list(mail.walk()))}
    about = _about(mail, recipients)
    if feedback := kinds.get("message/feedback-report"):
        return _complaint(feedback, about)
    if status := kinds.get("message/delivery-status") or kinds.get("message/global-delivery-status"):
        return _notification(mail, status, about)
    if wish := _wish(mail):
        return wish
    if mail.parameters.get("report-type", "").lower() == "disposition-notification":
        return replace(about, what=What.AUTOMATIC)
    if not _is_daemon(mail) and _is_automatic(mail):
        return replace(about, what=What.AUTOMATIC)
    return _free_form(mail, about)


def _about(mail: Part, recipients: Sequence[str]) -> Report:
    """By what may be known whom a report is about: where it came to, and what it holds of our message."""
    places = [*recipients, *(value for name in _RECIPIENT_FIELDS for value in mail.all(name))]
    leaving: list[str] = []
    message_id = ""
    for fields in _originals(mail):
        places += [value for name, value in fields if name in ("return-path", "x-original-return-path")]
        for name, value in fields:
            if name == "list-unsubscribe":
                leaving += _LIST_TOKEN.findall(value)
            elif name == "message-id" and not message_id and (found := _MESSAGE_ID.search(value)):
                message_id = found[1]
    return Report(What.UNKNOWN, places=tuple(places), leaving=tuple(leaving[:_MOST_TOKENS]), message_id=message_id)


def _originals(mail: Part) -> Iterator[tuple[tuple[str, str], ...]]:
    """The header fields of the messages that a report holds, whole or in part."""
    for part in mail.walk():
        if part.kind in ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"):
            yield mime.read(part.body).fields


def _complaint(part: Part, about: Report) -> Report:
    """RFC 5965. Only those that mean this message, by the reader's word: not `not-spam`, nor reports about DKIM."""
    fields = dict(reversed(mime.read_fields(part.body)))
    kind = fields.get("feedback-type", "").lower()
    places = (*about.places, *(fields.get(name, "") for name in ("original-mail-from", "original-rcpt-to")))
    what = What.COMPLAINT if kind in _COMPLAINTS else What.AUTOMATIC
    words = clean(" ".join(word for word in (kind, fields.get("user-agent", "")) if word))
    return replace(about, what=what, diagnostic=words, places=places)


def _notification(mail: Part, part: Part, about: Report) -> Report:
    """RFC 3464. A message of ours has one recipient; where the report names several, it was passed on to them, and that
    one of them is dead says nothing final about ours."""
    blocks = re.split(rb"\n[ \t]*\n", part.body.replace(b"\r\n", b"\n").strip(), maxsplit=_MOST_BLOCKS)[:_MOST_BLOCKS]
    found = [dict(reversed(mime.read_fields(block))) for block in blocks]
    recipients = [fields for fields in found if "action" in fields or "status" in fields]
    failed = [fields for fields in recipients if _has_failed(fields)]
    if not recipients:
        return _free_form(mail, about)
    if not failed:
        return replace(about, what=What.DELAYED)
    report = _judged(mail, failed[0], about)
    if report.verdict is Verdict.DEAD and len(failed) < len(recipients):
        return replace(report, verdict=Verdict.SOFT)
    return report


def _has_failed(fields: dict[str, str]) -> bool:
    action = fields.get("action", "").lower()
    if action:
        return action.startswith(("fail", "error")) and not fields.get("status", "").startswith("2")
    return fields.get("status", "").startswith("5")


def _judged(mail: Part, fields: dict[str, str], about: Report) -> Report:
    status = ENHANCED.search(fields.get("status", ""))
    number = status.group(1) if status else ""
    words = mime.decoded_words(fields.get("diagnostic-code", "")).partition(";")[2]
    words = words or fields.get("x-actual-recipient-reason", "") or _reason(_text(mail))
    return _bounce(about, clean(words), number)


def _bounce(about: Report, words: str, status: str) -> Report:
    own = ENHANCED.search(words)
    verdict = judge(words, status)
    return replace(about, what=What.BOUNCE, verdict=verdict, status=own.group(1) if own else status, diagnostic=words)


def _wish(mail: Part) -> Report | None:
    """A wish in the subject, else alone on one of the first lines of the text. A quoted line begins otherwise, and the
    links that our messages hold are written otherwise: whoever quotes one asks for nothing."""
    found = _WISH.fullmatch(mail.words("subject").strip())
    if not found and mail.kind.startswith(("text/", "multipart/")):
        lines = _text(mail).splitlines()[:30]
        found = next((match for line in lines if (match := _WISH.fullmatch(line.strip()))), None)
    if not found:
        return None
    what = What(found[1].lower())
    if what is What.CONFIRM and _is_automatic(mail):  # a machine says yes to nothing
        return None
    return Report(what, token=found[2])


def _text(mail: Part) -> str:
    """The first text of a mail that somebody reads; of HTML alone, its words."""
    texts = [part for part in mail.walk() if part.kind.startswith("text/") and part.kind != "text/rfc822-headers"]
    plain = next((part for part in texts if part.kind == "text/plain" and part.body.strip()), None)
    if plain:
        return plain.text[:MOST_TEXT]
    html = next((part for part in texts if part.kind == "text/html"), None)
    return _untagged(html.text[: 8 * MOST_TEXT])[:MOST_TEXT] if html else ""


def _untagged(html: str) -> str:
    text = re.sub(r"<(?:br|/p|/div|/tr|/td|/li|/h\d)\b[^<>]{0,500}>", "\n", html, flags=re.IGNORECASE)
    return re.sub(r"<[^<>]{0,2000}>", "", text).replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">")


def _is_daemon(mail: Part) -> bool:
    return bool(_DAEMON.search(mail.words("from")[:300]))


def _is_automatic(mail: Part) -> bool:
    """RFC 3834, and what was written before it."""
    submitted = mail.get("auto-submitted").lower()
    marks = ("x-autoreply", "x-autorespond", "x-auto-response-suppress", "x-autogenerated", "x-ms-exchange-generated")
    return (
        (bool(submitted) and not submitted.startswith("no"))
        or any(mail.get(name) for name in marks)
        or mail.get("precedence").lower() in ("auto_reply", "bulk", "junk")
        or bool(_ANSWERED.search(mail.words("subject")[:300]))
    )


def _free_form(mail: Part, about: Report) -> Report:
    """What a mail server wrote in words of its own."""
    text = _OURS.split(_text(mail), maxsplit=1)[0]
    said = f"{mail.words('subject')}\n{text}"
    temporary, permanent = _flufl(mail, text)
    if not (temporary or permanent or _is_daemon(mail) or _RETURNED.search(mail.words("subject"))):
        return about
    reason = clean(_reason(text))
    if (temporary and not permanent) or (not reason and _DELAYED.search(said)):
        return replace(about, what=What.DELAYED)
    if not reason and not permanent:
        return about
    return _bounce(about, reason, "")


def _reason(text: str) -> str:
    """The lines of a text that say why: from the first one with a code on, else the first that sounds like one."""
    lines = [line.strip()[:500] for line in text.splitlines() if line.strip()]
    for said in (lambda line: ENHANCED.search(line) or CODE.search(line), lambda line: judge(line) is not Verdict.SOFT):
        for place, line in enumerate(lines):
            if said(line):
                return " ".join(lines[max(0, place - 1) : place + 3])
    return ""


def _flufl(mail: Part, text: str) -> tuple[bool, bool]:
    """Whether flufl.bounce finds addresses that fail for now, and for good. It gets a copy of what was read within
    bounds: its patterns take the square of a line's length, and some of them look at every line forty times."""
    from flufl.bounce import all_failures

    copy = Message()
    for name in ("from", "subject", "x-mailer", "x-failed-recipients"):
        if value := mail.get(name):
            copy[name] = "".join(c for c in value[:500] if c.isprintable())
    body = "\n".join(line[:200] for line in text.splitlines()[:150])
    if mail.kind in ("multipart/mixed", "multipart/report", "multipart/alternative"):
        copy["content-type"] = mail.kind
        inner = Message()
        inner["content-type"] = "text/plain; charset=utf-8"
        inner["content-description"] = "notification"
        inner.set_payload(body.encode("ascii", "replace").decode())
        copy.attach(inner)
    else:
        copy["content-type"] = "text/plain; charset=utf-8"
        copy.set_payload(body.encode("ascii", "replace").decode())
    try:
        temporary, permanent = all_failures(copy)
    except Exception:
        # A stranger's words that its detectors stumble over: they say nothing then.
        return False, False
    return bool(temporary), bool(permanent)
