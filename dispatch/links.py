"""Addresses of our own pages, and the envelope: what is personal in a message.

Without `web.base_url` there are no pages: articles stand without links, and leaving works by mail.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

from dispatch.delivery import corrections, notices
from dispatch.delivery.ledger import Right, Work
from dispatch.delivery.rights import DATA, ERASE
from dispatch.digests.selection import Part, Selection
from dispatch.model import Confirmation, Envelope, Reason
from dispatch.settings import Settings
from subscribers.consent import Request
from subscribers.model import Rhythm, is_shared
from subscribers.tokens import MOST, Purpose, Signer
from subscribers.verp import ReturnPaths

# Readers see first what they follow most closely.
_CLOSEST = ("park", "topic", "province", "column", "bulletin", "all")
_RIGHTS = {DATA: ("d", Purpose.DATA), ERASE: ("e", Purpose.ERASE)}
_DAY_MS = 86_400_000
_LONGEST_NAME = 40
_WHOLE_DAYS = 90  # after a message's own end that the whole of it can be had
_OWN_CONTENTS = (corrections.KIND, "test")  # kinds of messages with digests that are no plain digest
_OPENS = re.compile(r"[@/\\:<>]|\w[.。．]\w|www|\d{6}", re.IGNORECASE)  # addresses of all kinds, and numbers to call


class Leaving(NamedTuple):
    """The page and the mailto address that ask for the same; "" where there is none."""

    page: str
    mail: str


class Links:
    """Makes addresses; `base_url` "" makes none."""

    def __init__(self, base_url: str, leave_address: str, signer: Signer) -> None:
        self._base = base_url
        self._mailto = f"mailto:{quote(leave_address, safe='@+')}?subject=" if leave_address else ""
        self._signer = signer

    def article(self, bulletin: str, ref: str, position: int) -> str:
        """The page of an article, or ""."""
        return article_url(self._base, bulletin, ref, position)

    def leave(self, endpoint_id: int, tag: str = "") -> Leaving:
        """Where an endpoint leaves, or drops one follow: a page, a mail, or both. One signature serves both."""
        if not self._base and not self._mailto:
            return Leaving("", "")
        token = self._signer.leave(endpoint_id, tag)
        page = f"{self._base}/u/{token}" if self._base else ""
        return Leaving(page, self._mail("unsubscribe", token))

    def confirm(self, consent_id: int, expires_at: int) -> str:
        """Where somebody says yes to what was asked, until a time (ms): a page, or a mail without pages."""
        token = self._signer.token(Purpose.CONFIRM, consent_id, expires_at)
        return self._page("c", token) or self._mail("confirm", token)

    def preferences(self, endpoint_id: int) -> str:
        """Where a reader changes what they get, and how; "" without pages."""
        return self._page("p", self._signer.token(Purpose.PREFERENCES, endpoint_id))

    def right(self, kind: str, subscriber_id: int, expires_at: int, language: str) -> str:
        """Where somebody gets all that is stored about them (`data`), or has it erased (`erase`); "" without pages."""
        place, purpose = _RIGHTS[kind]
        page = self._page(place, self._signer.token(purpose, subscriber_id, expires_at))
        return f"{page}?lang={language}" if page else ""

    def preview(self, issue_id: int, expires_at: int) -> str:
        """Where those who approve read an issue before it goes out; "" without pages."""
        return self._page("preview", self._signer.token(Purpose.PREVIEW, issue_id, expires_at))

    def whole(self, selection: Selection, expires_at: int) -> str:
        """Where programs get what a message had to cut, until the end of a day (UTC; `expires_at` is within it): the
        same address for all that get the same. "" without pages, and for more digests than a link can hold."""
        end = (expires_at // _DAY_MS + 1) * _DAY_MS
        token = self._signer.token_of(Purpose.WHOLE, selection.words(), end) if self._base else ""
        return self._page("w", token) if len(token) <= MOST else ""

    def _page(self, place: str, token: str) -> str:
        return f"{self._base}/{place}/{token}" if self._base else ""

    def _mail(self, wish: str, token: str) -> str:
        """A mail that says what is wished in its subject, or "" where there is no address for it. Nothing in a token
        need be quoted (RFC 6068)."""
        return f"{self._mailto}{wish}%20{token}" if self._mailto else ""


def article_url(base: str, bulletin: str, ref: str, position: int) -> str:
    """The page of an article, or of the issue where `position` is 0; "" without pages."""
    issue = f"{base}/issues/{quote(bulletin)}/{quote(ref)}"
    return (f"{issue}/{position}" if position else issue) if base else ""


def leave_address(settings: Settings) -> str:
    """Where mail that asks to leave goes."""
    return settings.email.unsubscribe_address or settings.email.from_address


def harmless(name: str) -> str:
    """A name as it may stand in a message that anybody can have sent to anybody: short, and with nothing in it that
    could be opened or written to; "" where it has."""
    return "" if len(name) > _LONGEST_NAME or _OPENS.search(name) else name


def _closest(tags: Iterable[str]) -> list[str]:
    """The closest first."""
    return sorted(tags, key=_closeness)


@lru_cache(maxsize=10_000)
def _closeness(tag: str) -> int:
    return _CLOSEST.index(tag.partition(":")[0])


class Addressing:
    """Makes the envelope of a claimed message. `label(tag, language)` is the catalog's; `paths` make return paths,
    where a bounce address is set."""

    def __init__(
        self,
        settings: Settings,
        links: Links,
        label: Callable[[str, str], str],
        installation: str,
        paths: ReturnPaths | None = None,
    ) -> None:
        self._links = links
        self._paths = paths
        self._label = label
        self._labels: dict[tuple[str, str], str] = {}  # as many as the catalog has tags
        self._installation = installation
        self._confirm_days = settings.subscribers.confirm_days
        self._domain = settings.email.from_address.rpartition("@")[2] or "localhost"

    def envelope(self, work: Work) -> Envelope:
        if work.request is not None:
            return self._asking(work, work.request)
        if work.right is not None:
            return self._to_right(work, work.right)
        own = not is_shared(work.channel, work.address)  # a link is in nobody else's hands
        leaving = self._links.leave(work.endpoint_id) if own and work.endpoint_id else Leaving("", "")
        return Envelope(
            message_id=work.message_id,
            channel=work.channel,
            address=work.address,
            name=work.name,
            language=work.language,
            provider_id=self._provider_id(work),
            reasons=self._reasons(work, own=own),
            unsubscribe_url=leaving.page,
            unsubscribe_mailto=leaving.mail,
            preferences_url=self._links.preferences(work.endpoint_id) if own and work.endpoint_id else "",
            secret=work.secret,
            return_path=self._return_path(work),
            endpoint_id=work.endpoint_id,
            full_url=self._whole(work),
            in_channel=work.in_channel,
            chat_follows=work.chat_follows,
        )

    def _whole(self, work: Work) -> str:
        """Where a program gets all of a message that has to be short; "" on channels for people."""
        if work.channel != "webhook" or work.kind == notices.KIND or not work.owed:
            return ""
        kind = work.kind if work.kind in _OWN_CONTENTS else "digest"
        parts = tuple(Part(owed.digest_id, owed.variant, owed.revision, owed.left_out) for owed in work.owed)
        chosen = Selection(kind, work.language, work.format, parts)
        return self._links.whole(chosen, work.expires_at + _WHOLE_DAYS * _DAY_MS)

    def _asking(self, work: Work, request: Request) -> Envelope:
        """The envelope of a confirmation. Who does nothing gets nothing, so there is no list to be taken off."""
        expires_at = request.at + self._confirm_days * _DAY_MS
        return replace(
            self._off_list(work),
            reasons=tuple(Reason(tag, self._label(tag, work.language)) for tag in _closest(request.wish.follows)),
            confirmation=Confirmation(
                url=self._links.confirm(request.consent_id, expires_at),
                asked=dt.datetime.fromtimestamp(request.at / 1000, ZoneInfo(Rhythm().timezone)).date(),
                days=self._confirm_days,
                way=request.way,
                network=request.network,
                text=request.text,
            ),
        )

    def _to_right(self, work: Work, right: Right) -> Envelope:
        """The envelope of a message about somebody's data. It is of no list, so there is none to be taken off."""
        url = self._links.right(work.kind, right.subscriber_id, right.until, work.language)
        return replace(self._off_list(work), right_url=url)

    def _off_list(self, work: Work) -> Envelope:
        """What is personal in every message that anybody can have sent to an address."""
        return Envelope(
            message_id=work.message_id,
            channel=work.channel,
            address=work.address,
            name=harmless(work.name),
            language=work.language,
            provider_id=self._provider_id(work),
            return_path=self._return_path(work),
        )

    def _return_path(self, work: Work) -> str:
        """Where a mail server reports that just this message came back; "" for the sender's own address."""
        if self._paths is None or work.channel != "email":
            return ""
        return self._paths.make(work.message_id, work.endpoint_id)

    def _provider_id(self, work: Work) -> str:
        """The same in every attempt, because it is made of what never changes."""
        if work.again:
            return work.again
        if work.channel == "email":
            return f"{work.message_id}.{self._installation}@{self._domain}"
        return f"msg_{self._installation}_{work.message_id}"

    def _reasons(self, work: Work, *, own: bool) -> tuple[Reason, ...]:
        tags = (
            work.owed[0].tags if len(work.owed) == 1 else dict.fromkeys(tag for owed in work.owed for tag in owed.tags)
        )
        return tuple([self._reason(work, tag, own=own) for tag in _closest(tags)])

    def _reason(self, work: Work, tag: str, *, own: bool) -> Reason:
        leaving = self._links.leave(work.endpoint_id, tag) if own else Leaving("", "")
        label = self._labels.get((tag, work.language))
        if label is None:
            label = self._labels[tag, work.language] = self._label(tag, work.language)
        return Reason(tag, label, leaving.page or leaving.mail)
