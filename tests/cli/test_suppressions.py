"""`dispatch subscribers suppressions`: one list of endpoints and of hashes, one way in and out."""

from __future__ import annotations

from subscribers import directory
from subscribers.model import COMPLAINED, OPTED_OUT, Address
from subscribers.personal import ERASED
from subscribers.suppression import Hasher, suppress
from tests.acts import at
from tests.cli.conftest import Office

REASON = ("--reason", "asked by telephone")


def listed(office: Office) -> list[str]:
    return [item.get("address", "a hash") for item in office.json("subscribers", "suppressions", "list")]


def test_an_endpoint_is_suppressed_and_comes_back(office: Office) -> None:
    office.desk.reader("li@example.com", "all")
    office("subscribers", "suppressions", "add", "LI@example.com", *REASON)
    [item] = office.json("subscribers", "suppressions", "list")
    assert (item["endpoint"], item["address"], item["way"]) == ("e1", "li@example.com", "command")
    assert "asked by telephone" in item["reason"]
    assert "li@example.com" in office("subscribers", "suppressions", "list").stdout
    assert listed(office) == ["li@example.com"]
    office("subscribers", "suppressions", "remove", "li@example.com")
    assert listed(office) == []
    assert directory.endpoint(office.desk.db, 1).state == "active"
    office("subscribers", "suppressions", "remove", "li@example.com", expect=1)


def test_an_address_that_nobody_has_is_known_again_by_its_hash(office: Office) -> None:
    office("subscribers", "suppressions", "add", "wang@example.com", *REASON)
    assert listed(office) == ["a hash"]
    assert "1 addresses that nobody has" in office("subscribers", "suppressions", "list").stdout
    assert "already" in office("subscribers", "suppressions", "add", "wang@example.com", *REASON).stdout
    office("subscribers", "add", "--email", "wang@example.com", "--follow", "all", "--confirmed", expect=1)
    office("subscribers", "suppressions", "remove", "wang@example.com")
    office("subscribers", "add", "--email", "wang@example.com", "--follow", "all", "--confirmed")


def test_a_readers_own_wish_is_lifted_by_their_new_one_alone(office: Office) -> None:
    db, now = office.desk.db, office.desk.clock.now()
    endpoint = office.desk.reader("li@example.com", "all")
    with db.transaction():
        directory.complained(db, endpoint, at(now))
        for name, reason in (("a", OPTED_OUT), ("b", COMPLAINED), ("c", ERASED)):
            suppress(db, Hasher.load(db), Address("email", f"{name}@example.com", "email"), reason, now)
    for name in ("li", "a", "b", "c"):
        office("subscribers", "suppressions", "remove", f"{name}@example.com", expect=1)
        office("subscribers", "suppressions", "remove", f"{name}@example.com", "--consent", "a letter")
    assert listed(office) == []


def test_wrong_calls_are_refused(office: Office) -> None:
    office("subscribers", "suppressions", "add", "nonsense", *REASON, expect=2)
    office("subscribers", "suppressions", "add", "li@example.com", "--reason", " ", expect=2)
    office("subscribers", "suppressions", "list", "--channel", "pigeon", expect=2)
    office("bounces", "list", "--kind", "pigeon", expect=2)
    assert office.json("bounces", "list") == []
    assert office("bounces", "list").stdout == "nothing came back\n"


def test_an_endpoint_is_named_by_its_number_too(office: Office) -> None:
    office.desk.reader("li@example.com", "all")
    assert "li@example.com: suppressed" in office("subscribers", "suppressions", "add", "e1", *REASON).stdout
    assert listed(office) == ["li@example.com"]
    office("subscribers", "suppressions", "remove", "e1")
    assert listed(office) == []
    office("subscribers", "suppressions", "add", "e9", *REASON, expect=1)
