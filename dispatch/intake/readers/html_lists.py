"""Lists of a page: how deep an item is, and the number that a browser would write before it."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.intake.readers.html_tree import Node

_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_HIGHEST = 9_999


@dataclass(slots=True)
class _List:
    ordered: bool
    form: str
    next: int
    step: int


class Lists:
    """The lists around the place of a walk, and the item that waits for its first line."""

    def __init__(self) -> None:
        self._lists: list[_List] = []
        self._waiting: tuple[str, int] | None = None

    def enter(self, node: Node) -> None:
        if node.tag in _LISTS:
            self._lists.append(_list(node))
        elif node.tag == "li":
            self._begin_item(node)

    def leave(self, node: Node) -> None:
        if node.tag in _LISTS and self._lists:
            self._lists.pop()
        if node.tag == "li":
            self._waiting = None

    def item(self) -> tuple[str, int] | None:
        """The number ("" for a bullet) and the depth of the item whose first line this is; None for any other line."""
        found, self._waiting = self._waiting, None
        return found

    def used(self) -> None:
        """The first line of the item was a heading: the list only places what is in it."""
        self._waiting = None

    def _begin_item(self, node: Node) -> None:
        if not self._lists:
            self._waiting = ("", 0)
            return
        own = self._lists[-1]
        number = _number(node.get("value"), own.next)
        own.next = number + own.step
        self._waiting = (f"{_written(number, own.form)}. " if own.ordered else "", len(self._lists) - 1)


def _list(node: Node) -> _List:
    if node.tag != "ol" or "none" in node.get("style"):
        return _List(False, "", 1, 1)
    back = "reversed" in node.attributes
    first = sum(child.tag == "li" for child in node.children) if back else 1
    return _List(True, node.get("type").strip(), _number(node.get("start"), first), -1 if back else 1)


def _number(text: str, otherwise: int) -> int:
    bare = text.strip().removeprefix("-")
    if not bare.isdecimal() or len(bare) > 4:
        return otherwise
    return -int(bare) if text.strip().startswith("-") else int(bare)


def _written(number: int, form: str) -> str:
    """A number as the list's `type` has it: 1, a, A, i or I."""
    if form in {"a", "A"} and 0 < number <= 26 * 27:
        letters = ""
        while number:
            number, rest = divmod(number - 1, 26)
            letters = chr(97 + rest) + letters
        return letters.upper() if form == "A" else letters
    if form in {"i", "I"} and 0 < number < 4000:
        found = ""
        for value, sign in _ROMAN:
            found += sign * (number // value)
            number %= value
        return found.upper() if form == "I" else found
    return str(max(min(number, _HIGHEST), -_HIGHEST))
