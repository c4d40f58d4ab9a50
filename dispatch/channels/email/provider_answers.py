"""What the large mailbox providers mean by their own codes: a wish for less mail, or something of ours to mend.

Sources: Google, "SMTP error reference" and "Email sender guidelines"; Microsoft, "NDRs in Exchange Online" and the
postmaster pages of Outlook.com; Yahoo's Sender Hub, "SMTP error codes"; NetEase, "退信代码说明"; QQ mail, "退信原因".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dispatch.model import Outcome, Rejected, Retry

_MINUTE, _HOUR = 60.0, 3600.0
_AS_SET = 0.0  # as long as the provider's `backoff` says

_AUTHENTICATION = (
    "ours to mend: SPF, DKIM and DMARC of the sender's domain have to pass, and the sending address needs a PTR record;"
    " dispatch doctor looks at them"
)
_LISTED = (
    "ours to mend: the provider has the sending address on a block list; ask it for removal on its postmaster pages"
)
_TLS = "ours to mend: the relay has to use TLS"
_CLOSED = "the recipient's organization takes no mail from this sender; its administrator has to allow it"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an answer means. `temporary` whatever its code says; `rest` is what the provider wants of all its mail (see
    `Retry.group_rest`), `after` what it wants of this message; `remedy` what the administrator has to do."""

    temporary: bool
    rest: float | None = None
    after: float | None = None
    remedy: str = ""

    def outcome(self, said: str, code: str) -> Outcome:
        """What it makes of the answer `said`. No address is dead by it."""
        reason = f"{said} [{self.remedy}]" if self.remedy else said
        if not self.temporary:
            return Rejected(reason, code=code)
        return Retry(reason, code=code, after=self.after or self.rest or None, group_rest=self.rest)


_LESS = Meaning(temporary=True, rest=_AS_SET)
_UNAUTHENTICATED = Meaning(temporary=False, remedy=_AUTHENTICATION)
_BLOCKED = Meaning(temporary=False, remedy=_LISTED)

# Codes as they begin (4: temporary, 5: for good), words, and what they mean: the first that fits counts.
_ANSWERS: tuple[tuple[str, str, Meaning], ...] = (
    # NetEase (163, 126, yeah.net): connections at a time, and volume, of one address.
    ("45", r"\bHL:(?:ICC|IFC)\b", _LESS),
    ("45", r"\bHL:REP\b", Meaning(temporary=True, rest=_HOUR)),
    # Messages on one connection: the next one may carry it.
    ("4", r"\bMI:DMC\b", Meaning(temporary=True, after=_MINUTE)),
    # A sender's messages within 15 minutes, and within a day.
    ("4", r"\bMI:SFQ\b", Meaning(temporary=True, rest=15 * _MINUTE)),
    ("45", r"\bMI:STC\b", Meaning(temporary=True, rest=6 * _HOUR)),
    # On probation; as a 5xx it is a verdict on the content.
    ("4", r"\bDT:SPM\b", Meaning(temporary=True, after=2 * _MINUTE)),
    # QQ mail: a 5xx that means later.
    ("45", r"\b(?:ip|domain|sender|connection|mail|email)s? frequency limited\b", _LESS),
    # Gmail: an unusual rate; ten minutes at least.
    ("4", r"\b4\.7\.28\b", Meaning(temporary=True, rest=10 * _MINUTE)),
    ("5", r"\b5\.7\.28\b", Meaning(temporary=True, rest=_HOUR)),
    (
        "4",
        r"\b4\.7\.0\b.*(?:unusual rate|unsolicited|suspicious|\bgsmtp\b)",
        Meaning(temporary=True, rest=10 * _MINUTE),
    ),
    # Gmail slows down who cannot prove themselves, then refuses (RFC 7372, and 5.7.27 to 5.7.32 of its own).
    ("4", r"\b4\.7\.29\b", Meaning(temporary=True, rest=_HOUR, remedy=_TLS)),
    ("4", r"\b4\.7\.(?:2[3-7]|3[0-2])\b", Meaning(temporary=True, rest=_HOUR, remedy=_AUTHENTICATION)),
    ("5", r"\b5\.7\.29\b", Meaning(temporary=False, remedy=_TLS)),
    ("5", r"\b5\.7\.(?:2[0-7]|3[0-2])\b", _UNAUTHENTICATED),
    # Outlook: busy for this address; sessions and volume of the consumers' service.
    ("4", r"\b4\.7\.(?:500|501|65\d|85\d)\b|\bRP-00[1-3]\b", _LESS),
    ("5", r"\b5\.7\.(?:509|515)\b", _UNAUTHENTICATED),
    ("5", r"\b5\.7\.(?:511|60[6-9]|6[1-4]\d)\b|\bS31[45]0\b", _BLOCKED),
    ("5", r"\b5\.7\.1\d\d\b", Meaning(temporary=False, remedy=_CLOSED)),
    # Yahoo: volume or complaints; its block lists; authentication.
    ("4", r"\bTSS?[01]\d\b", _LESS),
    ("5", r"\bBL2[0-3]\b", _BLOCKED),
    ("5", r"\bAU0[1-9]\b|\b5\.7\.9\b.*\bpolicy reasons\b", _UNAUTHENTICATED),
)
_COMPILED = tuple((codes, re.compile(words, re.IGNORECASE), meaning) for codes, words, meaning in _ANSWERS)
_WORN = re.compile(r"\bMI:DMC\b")


def meaning_of(code: int, words: str) -> Meaning | None:
    """What a provider means by a refusal of one message; None where it is none of its own codes."""
    first = str(code)[:1]
    return next((meaning for codes, known, meaning in _COMPILED if first in codes and known.search(words)), None)


def wants_new_connection(outcome: Outcome) -> bool:
    """Whether it was the connection that has carried too many messages for this provider."""
    return isinstance(outcome, Retry) and _WORN.search(outcome.reason) is not None
