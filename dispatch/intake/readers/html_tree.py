"""A page as a tree of our own, made by Lexbor's parser, which reads as browsers do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from dispatch.intake.cleaning import clean
from dispatch.intake.readers.html_source import LINE, scrubbed

_STYLE = re.compile(r"([a-z-]{2,40})\s*:\s*([^;]{1,200})", re.IGNORECASE)


@dataclass(eq=False, slots=True)
class Node:
    """An element; `parts` are the texts and elements in it, `line` its place in the source (0 where unknown)."""

    tag: str
    attributes: dict[str, str]
    parent: Node | None = None
    parts: list[Node | str] = field(default_factory=list)
    line: int = 0

    @property
    def children(self) -> Iterator[Node]:
        return (part for part in self.parts if isinstance(part, Node))

    def get(self, name: str) -> str:
        """An attribute's value, "" without one."""
        return self.attributes.get(name, "")

    def words(self) -> str:
        """The names that class and id give an element, in lower case."""
        return f"{self.get('class')} {self.get('id')}".lower()

    def style(self) -> dict[str, str]:
        return {name.lower(): value.strip().lower() for name, value in _STYLE.findall(self.get("style"))}

    def walk(self) -> Iterator[Node]:
        """The element and all below it, in the order of the page."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed([*node.children]))

    def text(self, limit: int = 0) -> str:
        """The text in it as it stands in the source: all of it, or at least the first `limit` characters."""
        found: list[str] = []
        length = 0
        waiting: list[Iterator[Node | str]] = [iter(self.parts)]
        while waiting and not 0 < limit <= length:
            part = next(waiting[-1], None)
            if part is None:
                waiting.pop()
            elif isinstance(part, str):
                found.append(part)
                length += len(part)
            else:
                waiting.append(iter(part.parts))
        return "".join(found)

    def within(self, *tags: str) -> bool:
        """Whether one of these elements is around this one."""
        node = self.parent
        while node is not None:
            if node.tag in tags:
                return True
            node = node.parent
        return False


def parsed(source: str) -> Node:
    """The tree of a page. Raises TooComplexError."""
    from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser

    parser = LexborHTMLParser(scrubbed(source), options=LexborDocumentOptions.WO_EVENTS)
    root = Node("html", {})
    known: dict[int, Node] = {}
    top = parser.root
    for item in top.traverse(include_text=True) if top is not None else ():
        above = item.parent
        parent = known.get(above.mem_id, root) if above is not None else root
        if item.is_text_node:
            parent.parts.append(clean(item.text_content or ""))
        elif item.is_element_node and item.tag:
            node = _node(item.tag, item.attributes, parent)
            parent.parts.append(node)
            known[item.mem_id] = node
    return root


def _node(tag: str, attributes: dict[str, str | None], parent: Node) -> Node:
    values = {name: clean(value or "") for name, value in attributes.items()}
    line = values.pop(LINE, "")
    return Node(tag, values, parent, line=int(line) if line.isdecimal() and len(line) < 9 else 0)
