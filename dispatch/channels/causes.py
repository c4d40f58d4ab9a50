"""Why nobody answered, in words of our own: a library's message may hold an address, a user name or a token."""

from __future__ import annotations

import socket
import ssl


def explain(error: BaseException) -> str:
    """The cause in a few words."""
    chain = causes(error)
    for kind, words in (
        (ssl.SSLCertVerificationError, "its certificate is not trusted"),
        (ssl.SSLError, "TLS failed"),
        (socket.gaierror, "no such host"),
        (ConnectionRefusedError, "connection refused"),
        (TimeoutError, "no answer in time"),
        (ConnectionResetError, "connection reset"),
    ):
        if any(isinstance(item, kind) for item in chain):
            return words
    system = next((item for item in chain if isinstance(item, OSError) and item.strerror), None)
    return str(system.strerror).lower() if isinstance(system, OSError) else "connection closed"


def causes(error: BaseException | None) -> list[BaseException]:
    """The error, what it came from, and so on."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
