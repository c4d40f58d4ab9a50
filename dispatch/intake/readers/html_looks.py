"""How text of a page looks: strong, emphasised, large, in the middle; by elements and by styles written beside them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from dispatch.intake.folding import is_prose
from dispatch.intake.readers.html_tree import Node

_STRONG = frozenset({"b", "strong"})
_EMPHASIS = frozenset({"i", "em", "cite", "dfn"})
_FONT_SIZES = {1: 10.0, 2: 13.0, 3: 16.0, 4: 18.0, 5: 24.0, 6: 32.0, 7: 48.0}  # px, as browsers show <font size>
_UNITS = {"px": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0, "%": 0.16}
_NAMED_SIZES = {"x-large": 24.0, "xx-large": 32.0, "large": 18.0, "medium": 16.0, "small": 13.0, "x-small": 10.0}
_SIZE = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)\s*(px|pt|rem|em|%)")
_LARGER = 1.15  # times the size of most of the text
_LONGEST_CENTRED = 60
_RUNNING = 25  # characters of a text that is surely running text
_BACK_SIGNS = frozenset({"↩", "↩︎", "↑", "^", "⤴", "⏎", "↵"})


@dataclass(frozen=True, slots=True)
class Look:
    """How a piece of text looks; `size` in pixels, 0 where nothing says. `back` marks the sign that leads from a
    footnote back to its reference."""

    strong: bool = False
    emphasis: bool = False
    centred: bool = False
    size: float = 0.0
    href: str = ""
    back: bool = False


class Looks:
    """The look at the place of a walk that enters and leaves elements in turn."""

    def __init__(self, root: Node) -> None:
        self._stack = [Look()]
        self._usual, self._all_centred = _survey(root)

    @property
    def now(self) -> Look:
        return self._stack[-1]

    def enter(self, node: Node) -> None:
        self._stack.append(_look(node, self.now))

    def leave(self, node: Node) -> None:
        self._stack.pop()

    def bold(self, pieces: Iterable[tuple[str, Look, str]]) -> bool:
        """Whether a line of these pieces is set off as headings are: its head strong, or all of it large or, if short,
        in the middle."""
        shown = [(text, look) for text, look, _ in pieces if text.strip()]
        if not shown:
            return False
        if shown[0][1].strong:
            return True
        if self._usual and all(look.size >= self._usual * _LARGER for _, look in shown):
            return True
        if self._all_centred:
            return False
        text = "".join(text for text, _ in shown).strip()
        return len(text) <= _LONGEST_CENTRED and not is_prose(text) and all(look.centred for _, look in shown)


def _look(node: Node, around: Look) -> Look:
    if not node.attributes and node.tag not in _STRONG and node.tag not in _EMPHASIS and node.tag != "center":
        return around
    style = node.style() if "style" in node.attributes else {}
    align = style.get("text-align") or node.get("align").lower()
    if node.tag == "table":  # its `align` places the table, and its text begins at the left again
        align = style.get("text-align", "left")
    return replace(
        around,
        strong=_is_strong(node, style, around),
        emphasis=node.tag in _EMPHASIS or style.get("font-style", "")[:6] in {"italic", "obliqu"} or around.emphasis,
        centred=align.endswith(("center", "middle")) if align else around.centred or node.tag == "center",
        size=_size(node, style) or around.size,
        href=node.get("href") if node.tag == "a" and node.get("href") else around.href,
        back=around.back or _leads_back(node),
    )


def _is_strong(node: Node, style: dict[str, str], around: Look) -> bool:
    weight = style.get("font-weight", "")
    if weight.startswith(("normal", "lighter")) or (weight[:3].isdecimal() and int(weight[:3]) < 600):
        return False
    return bool(weight) or node.tag in _STRONG or around.strong


def _size(node: Node, style: dict[str, str]) -> float:
    if found := _SIZE.match(style.get("font-size", "")):
        return float(found[1]) * _UNITS[found[2]]
    if named := _NAMED_SIZES.get(style.get("font-size", "")):
        return named
    size = node.get("size").strip() if node.tag == "font" else ""
    steps = 3 + int(size) if size[:1] in ("+", "-") and size[1:].isdecimal() and len(size) < 4 else 0
    steps = int(size) if size.isdecimal() and len(size) < 3 else steps
    return _FONT_SIZES[min(max(steps, 1), 7)] if steps else 0.0


def _leads_back(node: Node) -> bool:
    if node.tag != "a":
        return False
    return node.get("role") == "doc-backlink" or node.text(limit=5).strip() in _BACK_SIGNS


def _survey(root: Node) -> tuple[float, bool]:
    """The size of most of the text in pixels (browsers' own where nothing says, 0 without text), and whether most of
    the running text stands in the middle."""
    sizes: Counter[float] = Counter()
    running: Counter[bool] = Counter()
    waiting = [(root, Look())]
    while waiting:
        node, around = waiting.pop()
        look = _look(node, around)
        for size in (len(part.strip()) for part in node.parts if isinstance(part, str)):
            sizes[look.size] += size
            running[look.centred] += size if size >= _RUNNING else 0
        waiting.extend((child, look) for child in node.children)
    usual = max(sizes, key=sizes.__getitem__, default=0.0) or 16.0
    return usual if sizes.total() else 0.0, running[True] > running[False]
