"""Slots: text that is rendered once, with places for what is personal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.digests.slots import Slotted, slot

plain = st.text(st.characters(exclude_characters="\ue000\ue001", exclude_categories=["Cs"]))
names = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12)


@given(st.lists(st.tuples(plain, names)), plain)
def test_filling_puts_each_value_in_its_place(pairs: list[tuple[str, str]], end: str) -> None:
    text = "".join(before + slot(name) for before, name in pairs) + end
    values = {name: f"<{name}>" for _, name in pairs}
    expected = "".join(before + values[name] for before, name in pairs) + end
    assert Slotted.parse(text).fill(values) == expected


def test_a_text_without_slots_stays_as_it_is() -> None:
    slotted = Slotted.parse("南昌高新区")
    assert (slotted.names, slotted.fill({})) == (frozenset(), "南昌高新区")


def test_names_are_those_of_the_text() -> None:
    assert Slotted.parse(f"a{slot('why')}b{slot('unsubscribe')}{slot('why')}").names == {"why", "unsubscribe"}


def test_a_value_may_look_like_a_slot() -> None:
    assert Slotted.parse(slot("name")).fill({"name": slot("other")}) == slot("other")


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        Slotted.parse(slot("why")).fill({"unsubscribe": "x"})
