"""The handlers, a router a subject. Each call makes new ones, for a router belongs to one dispatcher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatch.bot.routers import beginning, delivered, reading, searching

if TYPE_CHECKING:
    from aiogram import Router


def routers() -> list[Router]:
    """All of them, in the order in which they are asked whether an update is theirs."""
    # A link to an article is a /start, too: it is asked for before the others.
    return [reading.router(), beginning.router(), delivered.router(), searching.router()]
