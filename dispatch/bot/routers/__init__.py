"""The handlers, a router a subject. Each call makes new ones, for a router belongs to one dispatcher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatch.bot.routers import approving, beginning, managing, membership

if TYPE_CHECKING:
    from aiogram import Router


def routers() -> list[Router]:
    """All of them, in the order in which they are asked whether an update is theirs."""
    return [
        managing.router(),  # what is forwarded says whose it is: it is no command, whatever it says
        approving.router(),
        beginning.router(),
        membership.router(),
    ]
