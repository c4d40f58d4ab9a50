"""Addresses of our own pages, and the envelope: what is personal in a message.

Without `web.base_url` there are no pages: articles stand without links, and leaving works by mail.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from dispatch.delivery.ledger import Work
from dispatch.model import Envelope, Reason
from dispatch.settings import Settings
from subscribers.tokens import Signer

# Readers see first what they follow most closely.
_CLOSEST = ("park", "topic", "province", "column", "bulletin", "all")


class Links:
    """Makes addresses; `base_url` "" makes none."""

    def __init__(self, base_url: str, leave_address: str, signer: Signer) -> None:
        self._base = base_url
        self._leave_address = leave_address
        self._signer = signer

    def article(self, bulletin: str, ref: str, position: int) -> str:
        """The page of an article, or ""."""
        return article_url(self._base, bulletin, ref, position)

    def leave_page(self, endpoint_id: int, tag: str = "") -> str:
        """The page on which an endpoint leaves (or drops one follow), or ""."""
        return f"{self._base}/u/{self._signer.leave(endpoint_id, tag)}" if self._base else ""

    def leave_mail(self, endpoint_id: int, tag: str = "") -> str:
        """A mailto address that asks for the same, or "" where no address takes such mail."""
        if not self._leave_address:
            return ""
        subject = quote(f"unsubscribe {self._signer.leave(endpoint_id, tag)}")
        return f"mailto:{quote(self._leave_address, safe='@+')}?subject={subject}"

    def leave(self, endpoint_id: int, tag: str = "") -> str:
        """The page where there is one, else the mail."""
        return self.leave_page(endpoint_id, tag) or self.leave_mail(endpoint_id, tag)


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
        return Envelope(
            message_id=work.message_id,
            channel=work.channel,
            address=work.address,
            name=work.name,
            language=work.language,
            provider_id=self._provider_id(work),
            reasons=self._reasons(work),
            unsubscribe_url=self._links.leave_page(work.endpoint_id) if work.endpoint_id else "",
            unsubscribe_mailto=self._links.leave_mail(work.endpoint_id) if work.endpoint_id else "",
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
            Reason(tag, self._label(tag, work.language), self._links.leave(work.endpoint_id, tag))
            for tag in sorted(tags, key=lambda tag: _CLOSEST.index(tag.partition(":")[0]))
        )
