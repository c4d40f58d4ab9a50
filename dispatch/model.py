"""The words of the product as frozen values: no I/O, no behaviour beyond what follows from the fields."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum


class BlockKind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"  # of a list
    TABLE = "table"
    NOTE = "note"  # a footnote


class MarkKind(StrEnum):
    STRONG = "strong"
    EMPHASIS = "emphasis"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a text that is set off: the characters from `start` to before `end`. A link has an absolute
    http, https or mailto address for its `href`; the others have ""."""

    kind: MarkKind
    start: int
    end: int
    href: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of an article. `text` is plain text on one line and says all of it; of a table it is one line a row, the
    cells parted by ` | `, and `rows` has the cells, as many in each row (the first row is the head).

    An item of a list is without its bullet, but keeps a number; `depth` counts the lists around its own, from 0.
    `marks` stand in the order of their start and never go beyond the text.
    """

    kind: BlockKind
    text: str
    rows: tuple[tuple[str, ...], ...] = ()
    marks: tuple[Mark, ...] = ()
    depth: int = 0


class Role(StrEnum):
    """What a park is to an article: what it is about, or only named in it."""

    SUBJECT = "subject"
    MENTION = "mention"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage that decided a tag.

    `where` is `title`, `credit` or `text`; in `text`, `block` is the index of the block, else -1.
    `start` and `end` count characters in that string, so that the passage can be underlined.
    """

    where: str
    block: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class ParkTag:
    """A park found in an article, by the `name` of the catalog."""

    name: str
    role: Role
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class TopicTag:
    """A topic of an article with its score (above zero; higher is surer)."""

    key: str
    name: str
    score: float
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Article:
    title: str
    credit: str
    blocks: tuple[Block, ...]
    parks: tuple[ParkTag, ...] = ()
    topics: tuple[TopicTag, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the body names it; `contents_name` is what the contents list calls it ("" without one)."""

    name: str
    contents_name: str
    articles: tuple[Article, ...]


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue of a bulletin. `number` is that of the year, `total` that of the whole run; 0 where unknown. One that
    has neither, such as a supplement, has a date."""

    bulletin: str
    title: str
    publisher: str
    year: int
    number: int
    total: int
    date: dt.date | None
    columns: tuple[Column, ...]

    @property
    def ref(self) -> str:
        """What the issue is called within its bulletin: its total number (`534`), else `YYYY-NN`, else its date
        (`2022-03-15`)."""
        if not (self.total or self.number) and self.date:
            return self.date.isoformat()
        return str(self.total) if self.total else f"{self.year}-{self.number:02d}"


class IssueState(StrEnum):
    HELD = "held"
    APPROVED = "approved"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    CANCELLED = "cancelled"


class DeliveryState(StrEnum):
    PLANNED = "planned"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class MessageState(StrEnum):
    QUEUED = "queued"
    PAUSED = "paused"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class DigestArticle:
    """An article as it stands in a digest. `bit` is its power of two in the digest's variants;
    `position` its place in the issue, from 1 (it makes the article's address)."""

    article: Article
    bit: int
    position: int


@dataclass(frozen=True, slots=True)
class Digest:
    """One column of one issue, as its readers get it. `part` counts from 1; a column of more than 62 articles
    is several digests."""

    id: int
    bulletin: str
    issue_ref: str
    title: str
    title_en: str
    publisher: str
    year: int
    number: int
    total: int
    date: dt.date | None
    column: str
    column_en: str
    part: int
    parts: int
    articles: tuple[DigestArticle, ...]

    @property
    def whole(self) -> int:
        """The variant with every article."""
        return sum(entry.bit for entry in self.articles)


@dataclass(frozen=True, slots=True)
class Section:
    """One digest within a message: the articles of the reader's variant, then the others (titles only)."""

    digest: Digest
    matching: tuple[DigestArticle, ...]
    others: tuple[DigestArticle, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """A held issue, for those who may approve it: its name in commands, the page on which it is read ("" without
    pages), and what was unsure when it was read. Or one that is out, for which other content came: the number of that
    revision is `proposed`."""

    issue: str
    preview_url: str
    warnings: tuple[str, ...] = ()
    proposed: int = 0
    revision: int = 1  # that is held
    issue_id: int = 0  # in the archive
    nobodys: tuple[str, ...] = ()  # the titles of articles that nobody would get

    @property
    def approval(self) -> str:
        """What approves it, as `dispatch issues approve` takes it."""
        return self.issue if self.revision == 1 else f"{self.issue} --revision {self.revision}"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that is wrong with the program's work, for those who see to it: of a `source`, a `lane`, an issue of
    which something `expired`, or the `store`; what it is about, and how that shows. Since when (ms), and until when (0:
    it is not over). Of an `endpoint` that was paused because it has only failed; `yours` tells its owner so, who
    resumes it at `url` ("" without such a page)."""

    kind: str
    subject: str
    detail: str
    since: int
    ended: int = 0
    url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Content:
    """All that the rendering of a message depends on, but for what is personal.

    `kind` is `digest`, `test`, `correction` (only what was changed), or one without sections: `confirm`, `data`,
    `erase`; `language` `zh` or `en`; `format` `full` or `titles`. `title` is what all that is sent here is called, ""
    where it has no one name. The kind `notice` asks for an approval: it has a `notice`, and titles alone in its
    sections. The kind `alarm` has an `alarm` and no sections.
    """

    kind: str
    language: str
    format: str
    sections: tuple[Section, ...]
    title: str = ""
    notice: Notice | None = None
    alarm: Alarm | None = None


@dataclass(slots=True)  # not frozen, nor is an envelope: one of each is made a message, in a third of the time
class Reason:
    """A follow that brought the reader a message, in the reader's words, and the link that drops just it
    (an https or mailto address; "" where there is none). Nobody changes it."""

    tag: str
    label: str
    unfollow_url: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something to follow in a chat: its name in the reader's words, and the link that follows it there."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a reader is asked to say yes to: the link that does it (an https or mailto address), until how many days
    after it was asked, and by which way and from which network ("" where none is known) that was. `text` is what they
    agree to."""

    url: str
    asked: dt.date
    days: int
    way: str
    network: str = ""
    text: str = ""


@dataclass(slots=True)
class Envelope:
    """What is personal in one message; nobody changes it.

    `provider_id` is the Message-ID (without angle brackets) or webhook id: the same in every attempt.
    `unsubscribe_url` is an https address for a page and RFC 8058 POST, or "" without `web.base_url`;
    `unsubscribe_mailto` is a mailto address, or "". `preferences_url` is the page on which the reader changes what they
    get, or "". A message that asks for a yes has a `confirmation`, and its `reasons` are what would be followed.
    """

    message_id: int
    channel: str
    address: str
    name: str
    language: str
    provider_id: str
    reasons: tuple[Reason, ...] = ()
    unsubscribe_url: str = ""
    unsubscribe_mailto: str = ""
    preferences_url: str = ""
    confirmation: Confirmation | None = None
    secret: str = field(default="", repr=False)
    return_path: str = ""  # where reports of a failed delivery go; "" for the sender's own address
    endpoint_id: int = 0  # 0 for an address of nobody's
    full_url: str = field(default="", repr=False)  # of a webhook: where the whole of what it may have to cut stands
    right_url: str = field(default="", repr=False)  # of `data` and `erase`: the page that gives or ends it
    in_channel: bool = False  # whether the address is a channel's, where nobody answers
    chat_follows: bool = False  # of a topic: whether its chat itself is an endpoint that something can be sent to


@dataclass(frozen=True, slots=True)
class Sent:
    """The receiver accepted. `provider_id` is the receiver's own id, where it gives one. `rest` says for how many
    seconds the receiver takes nothing more for this address, where it says so beforehand."""

    provider_id: str = ""
    code: str = ""
    detail: str = ""
    rest: float = 0.0


@dataclass(frozen=True, slots=True)
class Retry:
    """Not now. `after` is the least delay in seconds that the provider asks for (None: ours decides).

    `outage` says that the lane is at fault (nobody answers, the bot's own limit): it rests. Such a Retry is no attempt
    at the message, unless `counted`: where one message may itself be what makes the receiver hang up, it must take its
    turn again later, or it would stop the lane each time. `suspect` says that the receiver's side may be down as a
    whole (no answer in time, an error of the server's own): many in a row, with nothing in between that went well, are
    an outage. `group_rest` says that whoever stands behind this address (a mailbox provider) wants less from the lane:
    at least so many seconds without anything for its addresses, or as long as its settings say (0); other messages of
    the lane go on. `new_address` replaces the endpoint's address for good. `unknown` says that the message may have
    arrived all the same, and `whole_address` that nothing else may go to this address (to no topic of the same chat)
    before `after`.
    """

    reason: str
    code: str = ""
    after: float | None = None
    outage: bool = False
    counted: bool = False
    suspect: bool = False
    new_address: str = ""
    group_rest: float | None = None
    unknown: bool = False
    whole_address: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """Refused for good. `endpoint_state` is what becomes of the endpoint ("" leaves it: only the message fails)."""

    reason: str
    code: str = ""
    endpoint_state: str = ""


Outcome = Sent | Retry | Rejected
