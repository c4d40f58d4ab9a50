"""The keys that sign (DKIM): read from files, made, and what there is to say of them."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from dispatch.channels.email.dkim import MIN_RSA_BITS, SigningKey
from dispatch.errors import Failure, SettingsError, UsageError
from dispatch.settings import EmailSettings

PrivateKey = RSAPrivateKey | Ed25519PrivateKey
Kind = Literal["rsa", "ed25519"]

_LONGEST_FILE = 100_000
_STRING = 255  # bytes of one string of a TXT record (RFC 1035, 3.3.14)


def signing_keys(settings: EmailSettings) -> tuple[SigningKey, ...]:
    """The keys that the settings name: none, one, or RSA and Ed25519. Raises SettingsError: which file, and what is
    wrong with it."""
    wanted: tuple[tuple[str, str, Path | None, Kind], ...] = (
        ("dkim_key", settings.dkim_selector, settings.dkim_key, "rsa"),
        ("dkim_ed25519_key", settings.dkim_ed25519_selector, settings.dkim_ed25519_key, "ed25519"),
    )
    if any(file for _, _, file, _ in wanted) and not settings.signing_domain:
        raise SettingsError("[email] dkim_key: no domain to sign for; set from_address")
    found = []
    for setting, selector, file, kind in wanted:
        if file is not None:
            found.append(SigningKey(settings.signing_domain, selector, _key_of(setting, file, kind)))
    return tuple(found)


def _key_of(setting: str, file: Path, kind: Kind) -> PrivateKey:
    try:
        private = read_key(file)
    except UsageError as error:
        raise SettingsError(f"[email] {setting}: {error}") from None
    if kind_of(private) != kind:
        raise SettingsError(f"[email] {setting}: {file} is a key of kind {kind_of(private)}, not {kind}")
    return private


def read_key(file: Path) -> PrivateKey:
    """A private key in PEM: PKCS #8, or PKCS #1 of RSA. Raises UsageError; nothing that stands in the file is told."""
    private = _parsed(file, _contents(file))
    if isinstance(private, RSAPrivateKey) and private.key_size < MIN_RSA_BITS:
        raise UsageError(f"{file} is an RSA key of {private.key_size} bits; make one of {MIN_RSA_BITS} or more")
    return private


def _contents(file: Path) -> bytes:
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise UsageError(f"{file} is no file")
        with file.open("rb") as opened:
            return opened.read(_LONGEST_FILE)
    except FileNotFoundError:
        raise UsageError(f"there is no file {file}; make a key with: dispatch email dkim-key") from None
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}") from None


def _parsed(file: Path, pem: bytes) -> PrivateKey:
    try:
        private = load_pem_private_key(pem, None)
    except TypeError:
        raise UsageError(f"{file} is a key with a password; dispatch needs one without") from None
    except (ValueError, UnsupportedAlgorithm):  # its words may tell of what is in the file
        raise UsageError(f"{file} holds no private key in PEM (PKCS #8 or PKCS #1)") from None
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise UsageError(f"{file} is a key of another kind; DKIM takes RSA and Ed25519")
    return private


def kind_of(private: PrivateKey) -> Kind:
    return "rsa" if isinstance(private, RSAPrivateKey) else "ed25519"


def described(private: PrivateKey) -> str:
    """The kind and length of a key, in words."""
    return f"RSA, {private.key_size} bits" if isinstance(private, RSAPrivateKey) else "Ed25519"


def made(kind: Kind) -> PrivateKey:
    """A new key; RSA with 2048 bits, whose record is short enough for every DNS server."""
    return rsa.generate_private_key(65537, MIN_RSA_BITS) if kind == "rsa" else Ed25519PrivateKey.generate()


def write_key(private: PrivateKey, file: Path, *, force: bool) -> None:
    """Write it in PEM (PKCS #8), readable for its owner alone from the first moment.

    Raises UsageError where the file is there already and not `force`, Failure where it cannot be written; then what was
    there before is as it was.
    """
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    written = file.with_name(f".{file.name}.{secrets.token_hex(8)}") if force else file
    try:
        descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{file} is there already; --force replaces it, and with it the key") from None
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror or error}") from None
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(pem)
            out.flush()
            os.fsync(out.fileno())
        if force:
            written.replace(file)
    except OSError as error:
        with suppress(OSError):
            written.unlink()
        raise Failure(f"{file} cannot be written: {error.strerror or error}") from None


def is_private(file: Path) -> bool:
    """Whether nobody but its owner may read it; True where the system has no such rights."""
    return os.name != "posix" or not file.stat().st_mode & 0o077


def strings(text: str) -> list[str]:
    """A value of a TXT record in strings of 255 bytes at most, as zone files need it (RFC 1035, 3.3.14)."""
    return [text[at : at + _STRING] for at in range(0, len(text), _STRING)]


def zone_line(key: SigningKey) -> str:
    """The record as a line of a zone file."""
    quoted = " ".join(f'"{part}"' for part in strings(key.record))
    return f"{key.record_name}. IN TXT ( {quoted} )"
