"""Real programs that the product meets, each in an instance of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real.postfix import Postfix, postfix_server, why_not


@pytest.fixture
def postfix() -> Iterator[Postfix]:
    """A Postfix with nothing in its queue and its mailboxes; it starts in some 20 ms."""
    if reason := why_not():
        pytest.skip(reason)
    with postfix_server() as server:
        yield server
