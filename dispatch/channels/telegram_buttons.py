"""What the buttons below a delivered digest say when they are pressed: `callback_data` of the Bot API, 1 to 64 bytes.

    1:u:ENDPOINT:TAG    unfollow what the hash TAG is of
    1:m:ENDPOINT        nothing for a day
    1:p:ENDPOINT:DIGEST the digest of the same column in the issue before

The number in front is the form's version: a button lives as long as its message. Anybody can press a button that is not
theirs, or send data that no button has: nothing in it is to be trusted. Who pressed, and whether the endpoint is
theirs to change, is for the bot to find out.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass

VERSION = "1"
LONGEST = 64  # bytes
_FORM = re.compile(r"1:(?:u:(?P<unfollow>[0-9]{1,18}):(?P<tag>[A-Za-z0-9_-]{12})|m:(?P<mute>[0-9]{1,18})"
                   r"|p:(?P<previous>[0-9]{1,18}):(?P<digest>[0-9]{1,18}))")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unfollow:
    """Drop the follow with this hash."""

    endpoint_id: int
    tag_hash: str

    def tag(self, follows: Iterable[str]) -> str:
        """Which of an endpoint's follows is meant; "" where it is none of them (any more)."""
        return next((tag for tag in follows if tag_hash(tag) == self.tag_hash), "")


@dataclass(frozen=True, slots=True)
class Mute:
    """Send nothing for a day."""

    endpoint_id: int


@dataclass(frozen=True, slots=True)
class Previous:
    """Show what the column of this digest had in the issue before."""

    endpoint_id: int
    digest_id: int


Button = Unfollow | Mute | Previous


def pack(button: Button) -> str:
    """The data of a button."""
    match button:
        case Unfollow():
            return f"{VERSION}:u:{button.endpoint_id}:{button.tag_hash}"
        case Mute():
            return f"{VERSION}:m:{button.endpoint_id}"
        case Previous():
            return f"{VERSION}:p:{button.endpoint_id}:{button.digest_id}"


def unpack(data: str) -> Button | None:
    """What was pressed; None for data of other buttons, other versions, or nobody's."""
    found = _FORM.fullmatch(data)
    if found is None:
        return None
    if found["unfollow"]:
        return Unfollow(int(found["unfollow"]), found["tag"])
    if found["mute"]:
        return Mute(int(found["mute"]))
    return Previous(int(found["previous"]), int(found["digest"]))


def tag_hash(tag: str) -> str:
    """A follow in twelve characters: tags may be longer than a button has room for."""
    return urlsafe_b64encode(hashlib.sha256(tag.encode()).digest()[:9]).decode()
