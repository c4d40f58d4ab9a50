"""What an SMTP reply, or the lack of one, means for the message, the address and the relay."""

from __future__ import annotations

import re
import ssl
from enum import StrEnum

from dispatch.channels.causes import causes, explain
from dispatch.channels.email.provider_answers import meaning_of
from dispatch.model import Outcome, Rejected, Retry, Sent
from dispatch.refusals import FREQUENCY, is_dead

_AUTH_CODES = frozenset({530, 534, 535, 538})  # RFC 4954 6: the relay wants another log-in
_LONGEST = 300
_SHORTEST_PART = 4  # characters of a secret that is looked for inside of words
# Words about who sends, or by which relay, though they come with a code of the recipient's: a log-in that was forgotten
# in the settings, or a relay that does not know us any more. Everybody would be refused like that.
_NOT_OURS = re.compile(
    r"relay(?:ing)?\W+(?:access\W+)?(?:is\W+)?(?:denied|not (?:permitted|allowed)|prohibited)"
    r"|(?:client host|sender address|client) (?:was )?(?:rejected|not authenticated)"
    r"|(?:unable|not allowed|refus\w+|not permitted) to relay|authentication (?:is )?required|must authenticate",
    re.IGNORECASE,
)


class Stage(StrEnum):
    """How far the exchange had come."""

    CONNECT = "connect"
    LOGIN = "login"
    MAIL = "MAIL FROM"
    RCPT = "RCPT TO"
    DATA = "DATA"
    BODY = "the message"


# From RCPT on it may be this message that makes the relay hang up: it must not be the first one again each time.
_ABOUT_ONE = (Stage.RCPT, Stage.DATA)
# A relay that hands on what a provider answers does so from RCPT on; before, it speaks of itself.
_ABOUT_THE_PROVIDER = (Stage.RCPT, Stage.DATA, Stage.BODY)


def from_reply(code: int, text: str, stage: Stage, secrets: tuple[str, ...] = ()) -> Outcome:
    """The outcome of a reply (RFC 5321 4.2). `secrets` are taken out of its words: the address, the password."""
    words = clean(text, secrets)
    said = f"{code} {words}".strip()
    if stage is Stage.BODY and 200 <= code < 300:
        return Sent(provider_id=words, code=str(code), detail=said)
    if stage in (Stage.CONNECT, Stage.LOGIN):
        return Retry(f"the relay refused the session at {stage}: {said}", code=str(code), outage=True)
    if code in _AUTH_CODES:
        return Retry(f"the relay wants another log-in: {said}", code=str(code), outage=True)
    if stage in _ABOUT_THE_PROVIDER and (meaning := meaning_of(code, words)):
        return meaning.outcome(said, str(code))
    if code == 421:  # RFC 5321 3.8: the server closes; after the body it is an answer to this message alone
        if stage is Stage.BODY:
            return Retry(said, code="421", suspect=True)
        return Retry(said, code="421", outage=True, counted=stage in _ABOUT_ONE)
    if stage is Stage.MAIL:  # the sender is the same in every message: what fails here is no reader's fault
        return Retry(f"the relay refused the sender: {said}", code=str(code), outage=True)
    if code < 500 or FREQUENCY.search(words):
        return Retry(said, code=str(code))
    if stage is Stage.RCPT and _NOT_OURS.search(words):  # once it may be one domain's matter; in a row the lane rests
        return Retry(said, code=str(code), suspect=True)
    return Rejected(said, code=str(code), endpoint_state=_endpoint_state(code, words, stage))


def _endpoint_state(code: int, words: str, stage: Stage) -> str:
    """Only an answer to RCPT speaks of the address; a refusal of the message may be about its content."""
    return "suppressed" if stage is Stage.RCPT and is_dead(code, words) else ""


def from_lost_connection(error: BaseException, server: str, stage: Stage) -> Retry:
    """The outcome where no reply came. `server` is host:port."""
    why = explain(error)
    if stage is Stage.BODY:
        # Perhaps it was accepted: the message counts as tried, and a repeat has the same Message-ID.
        return Retry(f"the answer of {server} to the message was lost ({why})", code="lost", suspect=True)
    if stage is Stage.CONNECT and any(isinstance(item, ssl.SSLError) for item in causes(error)):
        return Retry(f"no secure connection to {server} ({why})", code="tls", outage=True)
    if stage is Stage.CONNECT:
        return Retry(f"nobody answers at {server} ({why})", code="connect", outage=True)
    return Retry(f"{server} went away at {stage} ({why})", code="lost", outage=True, counted=stage in _ABOUT_ONE)


def from_garbage(server: str, stage: Stage) -> Retry:
    """The outcome where what came is no SMTP reply."""
    counted = stage in (*_ABOUT_ONE, Stage.BODY)
    return Retry(f"{server} answered in another language at {stage}", code="garbage", outage=True, counted=counted)


def clean(text: str, secrets: tuple[str, ...]) -> str:
    """A server's words on one line, without control characters and without what must not be logged."""
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    for secret in secrets:
        if secret:
            line = re.sub(_masked(secret), "…", line, flags=re.IGNORECASE)
    return "".join(c for c in line if c.isprintable())[:_LONGEST]


def _masked(secret: str) -> str:
    """The pattern of a secret; of a short one, which other words may hold by chance, only where it stands alone."""
    pattern = re.escape(secret)
    return pattern if len(secret) >= _SHORTEST_PART else rf"(?<!\w){pattern}(?!\w)"
