"""The handlers, a router a subject. Each call makes new ones, for a router belongs to one dispatcher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatch.bot.routers import beginning, browsing, following, language, pausing, rights, suggesting, timing, wording

if TYPE_CHECKING:
    from aiogram import Router


def routers() -> list[Router]:
    """All of them, in the order in which they are asked whether an update is theirs."""
    return [
        beginning.router(),
        browsing.router(),
        following.router(),
        language.router(),
        pausing.router(),
        rights.router(),
        timing.router(),
        wording.router(),
        suggesting.router(),  # it takes what is left
    ]
