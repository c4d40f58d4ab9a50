"""TLS for the loopback servers: a self-signed certificate for `localhost`, 127.0.0.1, ::1 and two example names.

The private key is public on purpose: it opens nothing but servers in tests. It is written out here because the
standard library cannot make certificates, and a test should need no other library for it.
"""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

NAMES = ("localhost", "hooks.example.com", "other.example.com")
"""The host names in the certificate, which is valid from 2020 to 2120."""

_KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5ofOo7aOja+HCXv/
ZnE5ar6mcNp/Am0iYGsqbilgK3ShRANCAAQfUrlkhkDlN9Nv/lf6XgdL4KA7JEq0
RtANMITLNZAhNvihkdjwshHCPAySqTZT88gnXped0faVf+Y7Zta/GGXd
-----END PRIVATE KEY-----
"""

CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBxjCCAWygAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABB9SuWSGQOU302/+
V/peB0vgoDskSrRG0A0whMs1kCE2+KGR2PCyEcI8DJKpNlPzyCdel53R9pV/5jtm
1r8YZd2jgawwgakwUgYDVR0RBEswSYIJbG9jYWxob3N0ghFob29rcy5leGFtcGxl
LmNvbYIRb3RoZXIuZXhhbXBsZS5jb22HBH8AAAGHEAAAAAAAAAAAAAAAAAAAAAEw
DwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAoQwEwYDVR0lBAwwCgYIKwYB
BQUHAwEwHQYDVR0OBBYEFDP3A0Q4QTzZmDDL8rFSUZr4phHxMAoGCCqGSM49BAMC
A0gAMEUCIQCX/6G3e++lxDEbonKRvNYEIhg27dYPN9MpQF5Tq4C4mQIgfC8ZQ7vi
r10U1S65YVSj07gc7Ud/vVTRrVbpKl6YBxU=
-----END CERTIFICATE-----
"""
"""The certificate in PEM form, for clients that shall trust it."""


def server_pem() -> str:
    """The key and the certificate in PEM form, for servers that read them from a file."""
    return _KEY + CERTIFICATE


def server_tls() -> ssl.SSLContext:
    """A context for a server that shows the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The ssl module loads keys from files only.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "localhost.pem"
        file.write_text(server_pem(), encoding="ascii")
        context.load_cert_chain(file)
    return context


def client_tls() -> ssl.SSLContext:
    """A context for a client that trusts the certificate and nothing else, and checks the host name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=CERTIFICATE)
    return context
