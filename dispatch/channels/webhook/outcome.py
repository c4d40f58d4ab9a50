"""What a receiver's answer, or the lack of one, means for a message (Standard Webhooks, "Deliverability").

| happened | outcome |
|---|---|
| 2xx | Sent |
| 410 | Rejected, the endpoint is gone |
| 429, 502, 503, 504 | Retry, not before Retry-After; several endpoints, and the host is spared (`hosts`) |
| any other status; 3xx is never followed | Retry |
| 5xx | Retry; many in a row, and the host is out |
| connection refused, name not resolved | Retry, the host is out |
| no way through the proxy | Retry; where it is not there at all, the host is out |
| time-out, TLS failure, connection lost | Retry; many in a row, and the host is out |
| address refused by the guard | Rejected, the endpoint stays |
"""

from __future__ import annotations

import datetime as dt
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ssl import SSLError
from typing import TYPE_CHECKING

from dispatch.channels.causes import explain
from dispatch.channels.webhook.hosts import SLOWS
from dispatch.channels.webhook.http1 import MAX_KEPT, AnswerProtocolError
from dispatch.model import Outcome, Rejected, Retry, Sent

if TYPE_CHECKING:
    from dispatch.channels.webhook.http1 import Answer

LONGEST_WAIT = 86_400.0
"""Seconds: more than that of a Retry-After is not believed."""


def of_answer(answer: Answer, now: dt.datetime) -> Outcome:
    """The outcome of an answer; `now` makes a waiting time of a date."""
    code, said = str(answer.status), _said(answer)
    if 200 <= answer.status < 300:
        return Sent(code=code, detail=said)
    reason = f"the receiver answered {code} {_phrase(answer.status)}".rstrip() + (f": {said}" if said else "")
    if answer.status == HTTPStatus.GONE:
        return Rejected(reason, code, endpoint_state="gone")
    if code in SLOWS:
        after = retry_after(answer.headers.get("retry-after", ""), now)
        return Retry(reason, code, after=after, suspect=answer.status >= 500)
    if 300 <= answer.status < 400:
        reason += " (redirects are not followed: the receiver's address has to be changed)"
    return Retry(reason, code, suspect=answer.status >= 500)


def retry_after(value: str, now: dt.datetime) -> float | None:
    """The seconds of a Retry-After header (RFC 9110, 10.2.3: a number or an HTTP date); None without a valid one."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_WAIT)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError, IndexError):  # the parser fails in its own ways
        return None
    # "-0000" and missing zones give naive times, which HTTP dates never are: they are in GMT.
    date = date if date.tzinfo else date.replace(tzinfo=dt.UTC)
    return min(max((date - now).total_seconds(), 0.0), LONGEST_WAIT)


def of_failure(error: Exception) -> Outcome:
    """The outcome where there is no answer: the errors that `Poster.post` raises."""
    from dispatch.channels.webhook.guard import AddressRefused
    from dispatch.channels.webhook.proxy import ProxyError
    from dispatch.guarded_dial import NameNotResolved

    if isinstance(error, AddressRefused):
        return Rejected(str(error), "address")
    if isinstance(error, NameNotResolved):
        return Retry(str(error), "dns", outage=True)
    if isinstance(error, ProxyError):
        return Retry(str(error), "proxy", outage=not error.answered, suspect=error.answered)
    causes = _causes(error)
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return Retry("nobody listens at the receiver's address (connection refused)", "refused", outage=True)
    for cause in causes:
        if isinstance(cause, SSLError):
            return Retry(f"no secure connection ({explain(cause)})", "tls", suspect=True)
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return Retry("the receiver did not answer in time", "timeout", suspect=True)
    what = str(error) if isinstance(error, AnswerProtocolError) else explain(error)
    return Retry(f"the connection to the receiver broke ({what})", "connection", suspect=True)


def _causes(error: BaseException) -> list[BaseException]:
    """The error and all that led to it, members of groups included."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and one not in found:
            found.append(one)
            waiting += [one.__cause__, one.__context__]
            waiting += one.exceptions if isinstance(one, BaseExceptionGroup) else ()
    return found


def _said(answer: Answer) -> str:
    """The beginning of the body as one printable text."""
    text = answer.body[:MAX_KEPT].decode("utf-8", "replace").strip()
    return "".join(char if char.isprintable() else " " for char in text)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
