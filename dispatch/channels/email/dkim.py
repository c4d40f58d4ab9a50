"""DKIM signatures (RFC 6376): rsa-sha256, ed25519-sha256 (RFC 8463), or both at once; relaxed/relaxed.

It imports nothing of this program: the processes that sign (`signing_worker`) are made of this file alone and stay
small. Keys are read from files in `dkim_keys`.
"""

from __future__ import annotations

import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

if TYPE_CHECKING:
    from hashlib import _Hash

MIN_RSA_BITS = 2048
"""RFC 8301 asks signers for 1024 bits at least and 2048 for choice; 1024 can be broken, so it is refused."""

# Named in h= once more than they are there (RFC 6376, 8.15), so that none can be added to a signed message and be the
# one that a mailer shows. The first are so even where the message has none of them, the second where it has: a relay or
# list may rightly add those.
_SEALED = (b"from", b"to", b"cc", b"subject", b"date", b"reply-to", b"message-id")
_SEALED_IF_PRESENT = (
    b"sender",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"list-id",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)
# Signed as often as they are there.
_SIGNED = (b"in-reply-to", b"references", b"auto-submitted", b"precedence", b"feedback-id", b"content-language")

_ORDER = (*_SEALED, *_SEALED_IF_PRESENT, *_SIGNED)

_NAMES = frozenset(_ORDER)

_Fields = dict[bytes, list[bytes]]
_Shape = tuple[tuple[bytes, int], ...]

_SPACES = re.compile(rb"[ \t]+")

_WIDTH = 76  # RFC 5322, 2.1.1 wants lines of 78 characters at most
_NAME = b"DKIM-Signature:"
_SHAPES_KEPT = 64  # different sets of header fields that are remembered

_PKCS1, _HASHED = PKCS1v15(), Prehashed(SHA256())


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, and where the public half stands: `selector`._domainkey.`domain`, both in ASCII."""

    domain: str
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.private, RSAPrivateKey) and self.private.key_size < MIN_RSA_BITS:
            raise ValueError(f"an RSA key of {self.private.key_size} bits; {MIN_RSA_BITS} are needed")

    @property
    def algorithm(self) -> str:
        """The name in a=."""
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    @property
    def kind(self) -> str:
        """The name in k= of the DNS record."""
        return self.algorithm.partition("-")[0]

    @property
    def record_name(self) -> str:
        """Where the DNS record stands, without the dot at the end (RFC 6376, 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The DNS record that lets others verify (RFC 6376, 3.6.1; RFC 8463, 4)."""
        return f"v=DKIM1; k={self.kind}; p={b64encode(self.public).decode()}"

    @property
    def public(self) -> bytes:
        """The public key as it stands in p=: SubjectPublicKeyInfo of RSA, the 32 bytes of Ed25519."""
        public = self.private.public_key()
        if isinstance(self.private, RSAPrivateKey):
            return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return public.public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign_digest(self, digest: bytes) -> bytes:
        """The signature of a SHA-256 digest: PKCS #1 v1.5 (RFC 8017, 8.2), or PureEdDSA of it (RFC 8463, 3)."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(digest, _PKCS1, _HASHED)
        return self.private.sign(digest)

    def pack(self) -> tuple[bytes, bytes, bytes]:
        """Domain, selector and the private key (PKCS #8, DER), for a process that signs."""
        der = self.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return self.domain.encode(), self.selector.encode(), der

    @classmethod
    def unpack(cls, domain: bytes, selector: bytes, der: bytes) -> SigningKey:
        """What `pack` gave."""
        private = load_der_private_key(der, None)
        if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
            raise TypeError("a key for DKIM is of RSA or Ed25519")
        return cls(domain.decode(), selector.decode(), private)


class Signer:
    """Signs by each of the `keys`. `clock` gives the seconds since 1970 for t=."""

    def __init__(self, keys: Sequence[SigningKey], clock: Callable[[], float] = time.time) -> None:
        if not keys:
            raise ValueError("no key to sign with")
        self._keys = tuple(keys)
        self._clock = clock
        self._beginnings: dict[_Shape, list[_Beginning]] = {}

    def sign(self, head: bytes, body_hash: bytes) -> bytes:
        """The `DKIM-Signature` fields to put before `head`, one a key, each folded and with CRLF at its end.

        `head` is the header fields with CRLF and without the empty line that ends them; `body_hash` is what the
        function of that name gives. Raises ValueError where there is no From, which must be signed (RFC 6376, 5.4).
        """
        fields = _fields(head)
        if b"from" not in fields:
            raise ValueError("a message without From cannot be signed")
        signed = sha256(b"".join(_signed_lines(fields)))
        rest = b"t=%d; bh=%b;" % (self._clock(), b64encode(body_hash))
        return b"".join([_signature(beginning, rest, signed.copy()) for beginning in self._beginnings_for(fields)])

    def _beginnings_for(self, fields: _Fields) -> list[_Beginning]:
        """What the signatures begin with, up to h=. Messages differ in what they say and hardly in which fields they
        have, so it is remembered."""
        shape = tuple([(name, len(found)) for name, found in fields.items()])
        found = self._beginnings.get(shape)
        if found is None:
            if len(self._beginnings) >= _SHAPES_KEPT:
                self._beginnings.clear()
            found = self._beginnings[shape] = [_Beginning.of(key, fields) for key in self._keys]
        return found


@dataclass(frozen=True, slots=True)
class _Beginning:
    """The tags of a signature up to h=, as they are signed and as they are sent."""

    key: SigningKey
    signed: bytes
    sent: bytes

    @classmethod
    def of(cls, key: SigningKey, fields: _Fields) -> _Beginning:
        own = (b"v=1;", b"a=%b;" % key.algorithm.encode(), b"c=relaxed/relaxed;")
        words = (*own, b"d=%b;" % key.domain.encode(), b"s=%b;" % key.selector.encode(), *_list_tag(fields))
        return cls(key, b"dkim-signature:" + b" ".join(words), _folded(words))


def body_hash(body: bytes) -> bytes:
    """The SHA-256 digest of a body with CRLF, in relaxed form (RFC 6376, 3.4.4)."""
    return sha256(relaxed_body(body)).digest()


def relaxed_body(body: bytes) -> bytes:
    """Spaces at the ends of lines and empty lines at the end gone, other spaces and tabs made one space each; what does
    not end in CRLF ends so, and a body of nothing stays nothing (RFC 6376, 3.4.4)."""
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    # Base64 has nothing to be relaxed: three searches tell, and a substitution would take many times as long.
    if b"\t" in body or b"  " in body or b" \r\n" in body:
        body = _SPACES.sub(b" ", body).replace(b" \r\n", b"\r\n")
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    return body[: end + 2] if end else b""


def relaxed_fields(head: bytes) -> list[tuple[bytes, bytes]]:
    """The header fields in relaxed form: names in lower case, values unfolded, single spaces between words and none at
    their ends (RFC 6376, 3.4.2)."""
    # All of the header at a time: most have no more to be done than two searches tell.
    unfolded = head.removesuffix(b"\r\n").replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    if b"\t" in unfolded or b"  " in unfolded:
        unfolded = _SPACES.sub(b" ", unfolded)
    parts = [line.partition(b":") for line in unfolded.split(b"\r\n")]
    return [(name.rstrip(b" ").lower(), value.strip(b" ")) for name, _, value in parts]


def _fields(head: bytes) -> _Fields:
    """The values of the fields that are signed, by their names."""
    found: _Fields = {}
    for name, value in relaxed_fields(head):
        if name in _NAMES:
            found.setdefault(name, []).append(value)
    return found


def _signed_lines(fields: _Fields) -> Iterator[bytes]:
    """Those to be signed, in the order of h=: of several with one name the last first (RFC 6376, 5.4.2)."""
    for name in _ORDER:
        for value in reversed(fields.get(name, ())):
            yield b"%b:%b\r\n" % (name, value)


def _list_tag(fields: _Fields) -> list[bytes]:
    """h= in words between which it may be folded."""
    names = []
    for name in _ORDER:
        count = len(fields.get(name, ()))
        sealed = name in _SEALED or (count and name in _SEALED_IF_PRESENT)
        names += [name] * (count + 1 if sealed else count)
    words = [b"h="]
    for name in names:
        if len(words[-1]) + len(name) + 1 > _WIDTH - 2:
            words.append(b"")
        words[-1] += name + b":"
    return [*words[:-1], words[-1].removesuffix(b":") + b";"]


def _signature(beginning: _Beginning, rest: bytes, signed: _Hash) -> bytes:
    """One field. What is signed of it is all but the value of b= (RFC 6376, 3.7): in relaxed form a fold is a space."""
    signed.update(b"%b %b b=" % (beginning.signed, rest))
    value = b64encode(beginning.key.sign_digest(signed.digest()))
    lines = [value[at : at + _WIDTH - 3] for at in range(0, len(value), _WIDTH - 3)]
    return b"%b\r\n %b\r\n b=%b\r\n" % (beginning.sent, rest, b"\r\n ".join(lines))


def _folded(words: Iterable[bytes]) -> bytes:
    """The words with a space or a fold between, in lines of _WIDTH at most where a word is not longer itself."""
    lines, line = [], _NAME
    for word in words:
        if len(line) + 1 + len(word) > _WIDTH:
            lines.append(line)
            line = b""
        line += b" " + word
    return b"\r\n".join([*lines, line])
