"""The handlers, a router a subject. Each call makes new ones, for a router belongs to one dispatcher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatch.bot.routers import (
    approving,
    beginning,
    browsing,
    delivered,
    following,
    language,
    managing,
    membership,
    pausing,
    reading,
    rights,
    searching,
    senders,
    suggesting,
    timing,
    wording,
)

if TYPE_CHECKING:
    from aiogram import Router


def routers() -> list[Router]:
    """All of them, in the order in which they are asked whether an update is theirs."""
    return [
        membership.router(),
        managing.router(),  # what is forwarded says whose it is: it is no command, whatever it says
        reading.router(),  # a link to an article is a /start, too: it is asked for before the others
        approving.router(),
        beginning.router(),
        browsing.router(),
        delivered.router(),
        following.router(),
        language.router(),
        pausing.router(),
        rights.router(),
        senders.router(),
        timing.router(),
        wording.router(),
        searching.router(),  # after all that reads and shows: it answers their old buttons
        suggesting.router(),  # it takes what is left
    ]
