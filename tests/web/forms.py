"""Forms read off our pages, as a browser fills them in and sends them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Page(HTMLParser):
    """What a page has: labels, ids, and the values that its controls would send."""

    text: str
    values: list[tuple[str, str]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    labelled: set[str] = field(default_factory=set)
    controls: list[dict[str, str]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    references: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self._inside_label = False
        self._select = ""
        self.feed(self.text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids += [found["id"]] if "id" in found else []
        for name in ("aria-describedby", "aria-labelledby", "list"):
            self.references |= set(found.get(name, "").split())
        if tag not in ("meta", "input", "link", "br", "option"):
            self.open.append(tag)
        if tag == "label":
            self._inside_label = True
            self.labelled.add(found.get("for", ""))
        if tag in ("h1", "h2", "h3"):
            self.headings.append(int(tag[1]))
        if tag in ("input", "select", "textarea"):
            self.controls.append({**found, "tag": tag, "labelled": "1" if self._inside_label else ""})
        self._value(tag, found)

    def _value(self, tag: str, found: dict[str, str]) -> None:
        if tag == "select":
            self._select = found["name"]
        elif tag == "option" and self._select and "selected" in found:
            self.values.append((self._select, found["value"]))
        elif tag == "input":
            ticks = found.get("type") in ("checkbox", "radio")
            if not ticks or "checked" in found:
                self.values.append((found["name"], found.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        if tag == "label":
            self._inside_label = False
        if tag != "option":
            assert self.open.pop() == tag, f"</{tag}> closes something else at {self.getpos()}"

    def value(self, name: str) -> str:
        return next((value for key, value in self.values if key == name), "")

    def ticked(self, name: str) -> list[str]:
        return [value for key, value in self.values if key == name]

    def check(self) -> None:
        """What every reader needs, those of a screen reader too."""
        assert not self.open, f"never closed: {self.open}"
        assert len(self.ids) == len(set(self.ids)), "an id stands twice"
        assert self.references <= set(self.ids)
        assert self.headings.count(1) == 1
        assert all(b - a <= 1 for a, b in zip(self.headings, self.headings[1:], strict=False)), self.headings
        for control in self.controls:
            hidden = control.get("type") == "hidden"
            assert hidden or control["labelled"] or control.get("id") in self.labelled, control
