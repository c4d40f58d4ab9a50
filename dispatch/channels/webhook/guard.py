"""The guard against requests to addresses that a stranger chose to reach our own network (SSRF).

`check_url` looks at an address when it is added: its form, and a literal IP address in it. Names are checked when a
connection is made, against every address that they resolve to (`Guard`, used by `transport`): what a name meant
yesterday proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from dispatch.errors import UsageError
from dispatch.networks import Address, Network, denied, literal, within

PORTS = (443, 8443)
"""The ports that public receivers may have."""

HOW_TO_OPEN = (
    "an administrator can open the receiver's network with [webhook] allow_networks (DISPATCH_WEBHOOK__ALLOW_NETWORKS)"
)

_MAX_URL = 2000
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_BRACKETED = re.compile(r"\[[^\[\]]*\](:[0-9]*)?")
# Names that lead to nobody on the public internet, whatever a resolver makes of them, by their ends.
_INSIDE = {
    "localhost": "this machine's own (RFC 6761)",
    "local": "for the local network (RFC 6762)",
    "internal": "for networks of one's own",
    "home.arpa": "for home networks (RFC 8375)",
    "onion": "of Tor alone (RFC 7686)",
}
# What may stand in a path or query as it is (RFC 3986), and "%" of what is encoded already.
_SAFE = "%/:@!$&'()*+,;=~-._"


class AddressRefused(Exception):
    """A rule keeps this receiver from being reached; the message names the rule and the setting that opens it."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Decides about addresses. In the networks `allow` anything goes; elsewhere https, PORTS and public addresses."""

    allow: tuple[Network, ...] = ()

    def opens(self, address: Address) -> bool:
        """Whether an administrator has opened this address's network."""
        return within(address, self.allow)

    def check(self, address: Address, scheme: str, port: int) -> None:
        """Raises AddressRefused unless a connection to this address is allowed."""
        if not self.opens(address):
            self._refuse_if(denied(address) or _against(scheme, port))

    def check_name(self, scheme: str, port: int, name: str = "") -> None:
        """What can be said before a name is resolved: nothing where an administrator has opened a network, which the
        name may lead into. Raises AddressRefused."""
        if not self.allow:
            self._refuse_if(_against_name(name) or _against(scheme, port))

    def _refuse_if(self, reason: str) -> None:
        if reason:
            raise AddressRefused(f"the receiver's address is refused: {reason}; {HOW_TO_OPEN}")


def check_url(url: str, allow_networks: Sequence[Network] = ()) -> str:
    """The address of a webhook in its normal form: scheme and host in lower case, names in ASCII (IDNA), IPv4 in
    dotted form, no default port, no fragment. Raises UsageError with the reason. Resolves nothing."""
    parts = _parsed(url)
    host, address = _host(parts)
    port = _port(parts)
    guard = Guard(tuple(allow_networks))
    try:
        if address is None:
            guard.check_name(parts.scheme, port, host)
        else:
            guard.check(address, parts.scheme, port)
    except AddressRefused as error:
        raise UsageError(str(error)) from None
    shown_port = "" if port == _DEFAULT_PORTS[parts.scheme] else f":{port}"
    path = quote(parts.path or "/", safe=_SAFE)
    query = f"?{quote(parts.query, safe=_SAFE + '?')}" if parts.query else ""
    return f"{parts.scheme}://{host}{shown_port}{path}{query}"


def queue_of(url: str, channel: str = "webhook") -> str:
    """The queue of an address as `check_url` returns it: `webhook:HOST`, or `webhook:HOST:PORT` with a port."""
    return f"{channel}:{urlsplit(url).netloc}"


def _against(scheme: str, port: int) -> str:
    if scheme != "https":
        return f"{scheme} is not encrypted, and receivers elsewhere need https"
    if port not in PORTS:
        return f"port {port} is none of {', '.join(map(str, PORTS))}"
    return ""


def _against_name(name: str) -> str:
    for end, what in _INSIDE.items():
        if name == end or name.endswith(f".{end}"):
            return f"{name} is {what}"
    return f"{name} has no dot, as names within a network have none" if name and "." not in name else ""


def _parsed(url: str) -> SplitResult:
    text = url.strip()
    if len(text) > _MAX_URL:
        raise UsageError(f"a webhook address has at most {_MAX_URL} characters")
    # urlsplit would drop some of these in silence, other programs read backslashes as slashes, and what shows
    # nothing, or turns what follows it around, would let an address look like another one.
    if not text or any(char in " \\" or not char.isprintable() for char in text):
        raise UsageError("a webhook address is an https:// address without blanks, backslashes or unseen characters")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise UsageError(f"not a webhook address: {error}") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise UsageError(f"a webhook address begins with https://, not with {parts.scheme or text[:20]!r}")
    if "@" in parts.netloc:
        raise UsageError("a webhook address has no user name or password: the signature proves who sends")
    return parts


def _host(parts: SplitResult) -> tuple[str, Address | None]:
    """The host as it stands in an address, and the IP address that it is."""
    if not parts.hostname:
        raise UsageError("a webhook address needs a host, as in https://hooks.example.com/path")
    if "%" in parts.hostname:
        raise UsageError("the host of a webhook address has no zone and no %-encoding")
    bracketed = parts.netloc.startswith("[")
    if bracketed and (":" not in parts.hostname or not _BRACKETED.fullmatch(parts.netloc)):
        raise UsageError("brackets in a webhook address are for an IPv6 address, with nothing but a port behind it")
    name = parts.hostname if bracketed else _ascii(parts.hostname)
    try:
        address = literal(name)
    except ValueError as error:
        raise UsageError(f"the host {name} is {error}") from None
    if address is None:
        return _checked_name(name), None
    return (f"[{address}]" if address.version == 6 else str(address)), address


def _ascii(host: str) -> str:
    """The host by IDNA 2008 with UTS 46 mapping, which also turns full-width digits and dots into plain ones."""
    if host.isascii():
        return host
    import idna

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise UsageError(f"{host} is no host name: {error}") from None


def _checked_name(name: str) -> str:
    plain = name.removesuffix(".")
    if len(plain) > 253 or not all(_LABEL.fullmatch(label) for label in plain.split(".")):
        raise UsageError(f"{name!r} is no host name")
    return plain


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError as error:
        raise UsageError(f"not a webhook address: {error}") from None
    if port == 0:
        raise UsageError("port 0 is no port")
    return port or _DEFAULT_PORTS[parts.scheme]
