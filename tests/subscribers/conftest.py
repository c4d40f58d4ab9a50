"""A real database in a folder of its own, and short ways to put people into it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings

from subscribers import directory
from subscribers.database import Database
from subscribers.model import Address, EndpointState, Preferences, Subscriber
from tests.acts import at

NOW = 1_653_955_200_000
Add = Callable[..., Subscriber]

settings.register_profile("patient", deadline=None)  # a busy machine is no failure
settings.load_profile("patient")


@pytest.fixture
def db(connect: Callable[[], Database]) -> Database:
    """A database with the schemas of both packages."""
    return connect()


@pytest.fixture
def add(db: Database) -> Add:
    """Add a subscriber, active unless `consent` is ""; the subscriber as stored."""

    def added(
        *addresses: Address,
        follows: tuple[str, ...] = (),
        name: str = "",
        consent: str = "asked in writing",
        preferences: Preferences = Preferences(),  # noqa: B008 - it is frozen
        now: int = NOW,
        state: EndpointState = EndpointState.ACTIVE,
    ) -> Subscriber:
        with db.transaction():
            subscriber_id = directory.add(
                db,
                name=name,
                addresses=addresses,
                follows=follows,
                preferences=preferences,
                consent=consent,
                act=at(now),
                state=state,
            )
        return directory.get(db, subscriber_id)

    return added


def email(name: str) -> Address:
    return Address("email", f"{name}@example.com", "email")


def telegram(chat: str) -> Address:
    return Address("telegram", chat, "telegram")


def webhook(path: str) -> Address:
    return Address(
        "webhook",
        f"https://hooks.example.com/{path}",
        "webhook:hooks.example.com",
        "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0",
    )
