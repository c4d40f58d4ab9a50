"""Each message by mail has a return path of its own, the same in every attempt; a chat has none."""

from __future__ import annotations

from dispatch.links import Addressing, Links
from dispatch.settings import Settings
from subscribers.verp import Origin
from tests.bounces.conftest import Office


def addressing(office: Office, *, paths: bool = True) -> Addressing:
    links = Links("https://bulletin.test", "leave@bulletin.test", office.signer)
    return Addressing(Settings(), links, lambda tag, language: tag, "x", office.paths if paths else None)


def test_a_message_by_mail_has_a_return_path_of_its_own(office: Office) -> None:
    office.desk.issue({"一": ["a"]})
    office.desk.plan()
    [work] = office.claimed()
    path = addressing(office).envelope(work).return_path
    assert office.paths.find([path]) == Origin(work.message_id, office.endpoint)
    assert addressing(office).envelope(work).return_path == path
    assert addressing(office, paths=False).envelope(work).return_path == ""
    work.channel = "telegram"
    assert addressing(office).envelope(work).return_path == ""
