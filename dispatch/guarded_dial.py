"""Which addresses a name may be connected to, by a guard that sees every answer of the resolver.

The connection is made to an address that was checked, and never to the name: what that means may change from one look
to the next. Imports no HTTP library.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from typing import Protocol

from dispatch.networks import Address

Resolve = Callable[[str, int], Awaitable[list[str]]]

TRIED = 4
"""Addresses of one name that are tried."""

IDLE = 30.0
"""Seconds that an unused connection stays open."""


class Guard(Protocol):
    """Decides about addresses when a connection is made."""

    def opens(self, address: Address) -> bool:
        """Whether this address may be connected to whatever else the name stands for: somebody who may has opened its
        network, or the guard takes what it may of a name's addresses."""

    def check(self, address: Address, scheme: str, port: int) -> None:
        """Raises an error of its own unless a connection to this address is allowed."""


class NameNotResolved(Exception):
    """The host's name has no address, or the resolver gives no answer."""


async def system_resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, by the system's resolver. Raises NameNotResolved."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NameNotResolved(f"the name {host} cannot be resolved: {error}") from error
    return list(dict.fromkeys(str(info[4][0]) for info in found))


async def checked_addresses(guard: Guard, resolve: Resolve, scheme: str, host: str, port: int) -> list[str]:
    """The addresses of a name that may be connected to: those that the guard opens (`localhost` is often two addresses,
    of which an administrator has opened one), else all, of which every one must pass. A literal address is resolved to
    itself. Raises NameNotResolved, or what the guard raises."""
    addresses = await resolve(host, port)
    if not addresses:
        raise NameNotResolved(f"the name {host} has no address")
    opened = [address for address in addresses if guard.opens(ipaddress.ip_address(address))]
    for address in addresses if not opened else ():
        guard.check(ipaddress.ip_address(address), scheme, port)
    return opened or addresses
