"""Return paths that tell which message came back, and from whom (variable envelope return paths, VERP).

`bounces+TOKEN@example.com` is where a mail server reports that a message could not be delivered. TOKEN is 22 bytes as
hexadecimal digits, because mail systems fold the case of local parts: 6 bytes of the message's id, 4 of the endpoint's
(0: none), and the first 12 of an HMAC-SHA256 over these ten. Its key is HMAC-SHA256 of `verp`, made with a key of the
store, as for the tokens of links. The newest key signs, all of them verify. Nobody
but a receiver of that very message knows its token, so a report that holds none is nobody's word.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from subscribers.database import Database
from subscribers.errors import InvalidValue
from subscribers.tokens import Mac, secrets_of

_PURPOSE = b"verp"
_MESSAGE, _ENDPOINT, _MAC = 6, 4, 12  # bytes
_IDS = _MESSAGE + _ENDPOINT
LENGTH = 44  # characters of a token
LONGEST_LOCAL_PART = 64  # octets, RFC 5321 4.5.3.1.1
_TOKEN = re.compile(rf"(?<![a-z0-9])[0-9a-f]{{{LENGTH}}}(?![a-z0-9])")
_MOST = 20  # tokens of a text that are looked at


@dataclass(frozen=True, slots=True)
class Origin:
    """What came back: a message, and the endpoint that it went to (0: a bare address)."""

    message_id: int
    endpoint_id: int


class ReturnPaths:
    """Makes and reads return paths. Whoever shares one learns of a new key with the others: see `reload`."""

    def __init__(self, address: str, keys: Sequence[str]) -> None:
        """`address` is where all of them arrive, `bounces@example.com`; `keys` from the oldest to the newest, which
        signs. Raises InvalidValue where the local part leaves no room for a token."""
        local, _, domain = address.rpartition("@")
        self._before, self._after = f"{local}+", f"@{domain}"
        if len(self._before) + LENGTH > LONGEST_LOCAL_PART:
            most = LONGEST_LOCAL_PART - LENGTH - 1
            raise InvalidValue(f"{address}: the part before the @ has at most {most} characters")
        self._take(keys)

    def _take(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)
        self._macs = tuple(Mac(Mac(key.encode()).digest(_PURPOSE)) for key in reversed(keys))  # newest first

    @classmethod
    def load(cls, db: Database, address: str) -> ReturnPaths:
        """With the keys of a store, which has some: `Signer.load` makes the first."""
        return cls(address, secrets_of(db))

    def reload(self, db: Database) -> bool:
        """Learn which keys the store has now; whether there are others than before."""
        keys = secrets_of(db)
        if not keys or keys == self._keys:
            return False
        self._take(keys)
        return True

    def make(self, message_id: int, endpoint_id: int) -> str:
        """Where reports on a message go; the same in every attempt with the same key."""
        ids = message_id.to_bytes(_MESSAGE, "big") + endpoint_id.to_bytes(_ENDPOINT, "big")
        mac = self._macs[0].digest(ids)[:_MAC]
        return f"{self._before}{ids.hex()}{mac.hex()}{self._after}"

    def is_one(self, address: str) -> bool:
        """Whether an address has the form of ours and a token of ours, in whatever case it is written."""
        folded = address.lower()
        before, after = self._before.lower(), self._after.lower()
        if not (folded.startswith(before) and folded.endswith(after)):
            return False
        return self.read(folded[len(before) : len(folded) - len(after)]) is not None

    def read(self, token: str) -> Origin | None:
        """What a token says, in whatever case it is written; None where it is not one of ours."""
        if not _TOKEN.fullmatch(token.lower()):
            return None
        data = bytes.fromhex(token)
        ids, signature = data[:_IDS], data[_IDS:]
        if not any(hmac.compare_digest(mac.digest(ids)[:_MAC], signature) for mac in self._macs):
            return None
        return Origin(int.from_bytes(ids[:_MESSAGE], "big"), int.from_bytes(ids[_MESSAGE:], "big"))

    def find(self, texts: Iterable[str]) -> Origin | None:
        """The first return path of ours in header fields or addresses; None where there is none."""
        tokens = (token for text in texts for token in _TOKEN.findall(text.lower())[:_MOST])
        return next((origin for token in tokens if (origin := self.read(token)) is not None), None)
