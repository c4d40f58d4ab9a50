"""`dispatch email dkim-key`: keys that sign messages, and the DNS records that belong to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dispatch.cli.context import session
from dispatch.output import emit_json, say

if TYPE_CHECKING:
    from dispatch.channels.email.dkim import SigningKey
    from dispatch.channels.email.dkim_keys import Kind
    from dispatch.settings import EmailSettings


def dkim_key(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The file to write the key to.", show_default=False)
    ] = None,
    kind: Annotated[str, typer.Option("--type", metavar="rsa|ed25519", help="The kind of key.")] = "rsa",
    selector: Annotated[
        str, typer.Option("--selector", metavar="NAME", help="The name of the record (else of the settings).")
    ] = "",
    domain: Annotated[
        str, typer.Option("--domain", metavar="DOMAIN", help="Who signs (else dkim_domain or that of from_address).")
    ] = "",
    show: Annotated[
        Path | None, typer.Option("--show", metavar="FILE", help="Make none; print the record of this key.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a key for DKIM and print its DNS record."""
    from dispatch.channels.email import dkim_keys
    from dispatch.channels.email.dkim import SigningKey
    from dispatch.errors import UsageError

    if (file is None) == (show is None):
        raise UsageError("name the FILE to write the key to, or --show FILE for the record of one that is there")
    settings = session(ctx).settings.email
    private = dkim_keys.read_key(show) if show else dkim_keys.made(_kind(kind))
    own = dkim_keys.kind_of(private)
    key = SigningKey(_domain(domain, settings), _selector(selector, settings, own), private)
    if file is not None:
        dkim_keys.write_key(private, file, force=force)
    at = file or show
    assert at is not None
    if as_json:
        emit_json({"file": str(at), "made": file is not None, **_record(key)})
        return
    say(f"{'wrote ' if file else ''}{at}: {dkim_keys.described(private)}")
    _say_record(key)
    if file is not None:
        _say_settings(key, file)


def _kind(word: str) -> Kind:
    from dispatch.errors import UsageError

    kinds: dict[str, Kind] = {"rsa": "rsa", "ed25519": "ed25519"}
    if word in kinds:
        return kinds[word]
    raise UsageError(f"--type {word!r}: allowed are rsa, ed25519")


def _record(key: SigningKey) -> dict[str, object]:
    from dispatch.channels.email.dkim_keys import strings, zone_line

    return {
        "key_type": key.kind,
        "domain": key.domain,
        "selector": key.selector,
        "name": key.record_name,
        "type": "TXT",
        "value": key.record,
        "strings": strings(key.record),
        "zone": zone_line(key),
    }


def _say_record(key: SigningKey) -> None:
    from dispatch.channels.email.dkim_keys import zone_line

    say(f"the DNS record:\n  name   {key.record_name}\n  type   TXT\n  value  {key.record}")
    say(f"the same for a zone file, in strings of 255 bytes at most:\n  {zone_line(key)}")


def _say_settings(key: SigningKey, file: Path) -> None:
    prefix = "dkim" if key.kind == "rsa" else "dkim_ed25519"
    say("publish it, then set in [email], and look with: dispatch doctor")
    say(f'  {prefix}_selector = "{key.selector}"\n  {prefix}_key = "{file.absolute()}"')


def _domain(given: str, settings: EmailSettings) -> str:
    from dispatch.errors import UsageError

    found = given or settings.signing_domain
    if not found:
        raise UsageError("--domain is missing, and [email] from_address is not set")
    return _name("--domain", found)


def _selector(given: str, settings: EmailSettings, kind: str) -> str:
    """That of the call, else that of the settings for this kind of key."""
    return _name("--selector", given or (settings.dkim_selector if kind == "rsa" else settings.dkim_ed25519_selector))


def _name(option: str, value: str) -> str:
    """A name as it stands in DNS."""
    from dispatch.errors import UsageError
    from dispatch.settings import DNS_NAME, dns_domain

    found = dns_domain(value)
    if not DNS_NAME.fullmatch(found):
        raise UsageError(f"{option} {value!r}: allowed are ASCII letters, digits, hyphens and dots, as in DNS")
    return found
