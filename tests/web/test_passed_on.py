"""What others find who read a message with its reader, or get it passed on."""

from __future__ import annotations

import json

import pytest

from dispatch.delivery import ledger, personal
from dispatch.delivery.ledger import Work
from dispatch.links import Addressing, Links
from dispatch.settings import Settings
from subscribers import directory
from subscribers.audit import Act
from subscribers.database import Database
from subscribers.model import Address, Preferences
from subscribers.tokens import Purpose
from tests.acts import at

from .conftest import NOW, Site

SECRET = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
HOOK = "https://hook.example.com/secret"


class AllData:
    """The rights as the program gives them."""

    def data(self, db: Database, subscriber_id: int) -> dict[str, object]:
        return personal.data(db, subscriber_id)

    def erase(self, db: Database, subscriber_id: int, act: Act) -> bool:
        return personal.erase(db, subscriber_id, act).done


def person(db: Database, *addresses: Address) -> list[int]:
    """The endpoints of somebody new."""
    with db.transaction():
        subscriber_id = directory.add(
            db,
            name="李四",
            addresses=addresses,
            follows=["all"],
            preferences=Preferences(),
            consent="asked for it",
            act=at(NOW),
        )
    return [endpoint.id for endpoint in directory.get(db, subscriber_id).endpoints]


@pytest.mark.parametrize(
    ("channel", "address", "changes"),
    [
        ("telegram", "-1001234567890", False),
        ("telegram", "@somechannel", False),
        ("telegram", "123456789", True),
        ("email", "-li@example.com", True),
        ("webhook", HOOK, True),
    ],
)
async def test_a_group_is_given_no_link_to_preferences_and_can_leave(
    site: Site, channel: str, address: str, changes: bool
) -> None:
    links = Links("https://b.test", "", site.signer)
    work = Work(1, 1, "digest", channel, channel, 7, address, "", "zh", "full", (), 0, 0, NOW)
    envelope = Addressing(Settings(), links, lambda tag, language: tag, "x").envelope(work)
    assert bool(envelope.preferences_url) is changes
    assert envelope.unsubscribe_url


async def test_no_secret_stands_in_the_data_that_a_page_gives(site: Site) -> None:
    await site.store.call(person, Address("webhook", HOOK, "webhook:hook.example.com", SECRET))
    await site.store.call(_test_message)
    async with site.again(rights=AllData()) as client:
        response = await client.post(f"/d/{site.signer.token(Purpose.DATA, 1, NOW + 1000)}")
        text = await response.text()
    assert response.status == 200
    found = json.loads(text)
    assert [endpoint["address"] for endpoint in found["endpoints"]] == [HOOK]
    assert [message["kind"] for message in found["messages"]] == ["test"]
    assert SECRET not in text


def _test_message(db: Database) -> None:
    with db.transaction():
        ledger.add_test(db, ledger.Test("test:1", "webhook", "webhook:hook.example.com", HOOK, ((1, 1),), SECRET), NOW)
