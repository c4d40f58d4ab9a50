"""Addresses of our own pages, and the envelope: what is personal in a message.

Without `web.base_url` there are no pages: articles stand without links, and leaving works by mail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from dispatch.delivery.ledger import Work
from dispatch.model import Envelope, Reason
from dispatch.settings import Settings
from subscribers.tokens import Purpose, Signer

# Readers see first what they follow most closely.
_CLOSEST = ("park", "topic", "province", "column", "bulletin", "all")


@dataclass(frozen=True, slots=True)
class Leaving:
    """The page and the mailto address that ask for the same; "" where there is none."""

    page: str
    mail: str


class Links:
    """Makes addresses; `base_url` "" makes none."""

    def __init__(self, base_url: str, leave_address: str, signer: Signer) -> None:
        self._base = base_url
        self._leave_address = leave_address
        self._signer = signer

    def article(self, bulletin: str, ref: str, position: int) -> str:
        """The page of an article, or ""."""
        return article_url(self._base, bulletin, ref, position)

    def leave(self, endpoint_id: int, tag: str = "") -> Leaving:
        """Where an endpoint leaves, or drops one follow: a page, a mail, or both. One signature serves both."""
        if not self._base and not self._leave_address:
            return Leaving("", "")
        token = self._signer.leave(endpoint_id, tag)
        page = f"{self._base}/u/{token}" if self._base else ""
        return Leaving(page, self._mail(token) if self._leave_address else "")

    def confirm(self, consent_id: int, expires_at: int) -> str:
        """Where somebody says yes to what was asked, until a time (ms); "" without pages."""
        return self._page("c", self._signer.token(Purpose.CONFIRM, consent_id, expires_at))

    def preferences(self, endpoint_id: int) -> str:
        """Where a reader changes what they get, and how; "" without pages."""
        return self._page("p", self._signer.token(Purpose.PREFERENCES, endpoint_id))

    def preview(self, issue_id: int, expires_at: int) -> str:
        """Where those who approve read an issue before it goes out; "" without pages."""
        return self._page("preview", self._signer.token(Purpose.PREVIEW, issue_id, expires_at))

    def _page(self, place: str, token: str) -> str:
        return f"{self._base}/{place}/{token}" if self._base else ""

    def _mail(self, token: str) -> str:
        subject = quote(f"unsubscribe {token}")
        return f"mailto:{quote(self._leave_address, safe='@+')}?subject={subject}"


def article_url(base: str, bulletin: str, ref: str, position: int) -> str:
    return f"{base}/issues/{quote(bulletin)}/{quote(ref)}/{position}" if base else ""


def leave_address(settings: Settings) -> str:
    """Where mail that asks to leave goes."""
    return settings.email.unsubscribe_address or settings.email.from_address


class Addressing:
    """Makes the envelope of a claimed message. `label(tag, language)` is the catalog's."""

    def __init__(self, settings: Settings, links: Links, label: Callable[[str, str], str], installation: str) -> None:
        self._links = links
        self._label = label
        self._installation = installation
        self._domain = settings.email.from_address.rpartition("@")[2] or "localhost"

    def envelope(self, work: Work) -> Envelope:
        leaving = self._links.leave(work.endpoint_id) if work.endpoint_id else Leaving("", "")
        return Envelope(
            message_id=work.message_id,
            channel=work.channel,
            address=work.address,
            name=work.name,
            language=work.language,
            provider_id=self._provider_id(work),
            reasons=self._reasons(work),
            unsubscribe_url=leaving.page,
            unsubscribe_mailto=leaving.mail,
            secret=work.secret,
        )

    def _provider_id(self, work: Work) -> str:
        """The same in every attempt, because it is made of what never changes."""
        if work.channel == "email":
            return f"{work.message_id}.{self._installation}@{self._domain}"
        return f"msg_{self._installation}_{work.message_id}"

    def _reasons(self, work: Work) -> tuple[Reason, ...]:
        tags = dict.fromkeys(tag for owed in work.owed for tag in owed.tags)
        return tuple(
            self._reason(work, tag) for tag in sorted(tags, key=lambda tag: _CLOSEST.index(tag.partition(":")[0]))
        )

    def _reason(self, work: Work, tag: str) -> Reason:
        leaving = self._links.leave(work.endpoint_id, tag)
        return Reason(tag, self._label(tag, work.language), leaving.page or leaving.mail)
