"""Looks at the HTML of a mail as a mailer draws it: which words stand in which colour on which ground."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

Colour = tuple[float, float, float]
Rules = Mapping[str, Mapping[str, str]]

VOID = {"meta", "br", "link", "img", "hr"}
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parent: Element | None = None
    texts: list[str] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    @property
    def style(self) -> dict[str, str]:
        return declarations(self.attributes.get("style", ""))

    def above(self) -> Iterator[Element]:
        """The element and those that it stands in."""
        here: Element | None = self
        while here is not None:
            yield here
            here = here.parent

    @property
    def words(self) -> str:
        return "".join(self.texts) + "".join(child.words for child in self.children)

    @property
    def seen(self) -> bool:
        hidden = any(element.style.get("display") == "none" for element in self.above())
        return not hidden and not {"head", "style"} & {element.tag for element in self.above()}

    @property
    def language(self) -> str:
        return next(element.attributes["lang"] for element in self.above() if "lang" in element.attributes)


class Sheet(HTMLParser):
    """The elements of a page in their order; tags that do not match fail."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.comments: list[str] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in {tag}"
        parent = self._open[-1] if self._open else None
        made = Element(tag, {name: value or "" for name, value in attrs}, parent)
        self.elements.append(made)
        if parent is not None:
            parent.children.append(made)
        if tag not in VOID:
            self._open.append(made)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        if self._open and data.strip():
            self._open[-1].texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]


def declarations(style: str) -> dict[str, str]:
    found = (part.partition(":") for part in style.split(";"))
    return {name.strip(): value.replace("!important", "").strip() for name, _, value in found if value}


def rules(css: str) -> list[tuple[str, dict[str, str]]]:
    """A pair a selector, in their order."""
    plain = re.sub(r"/\*.*?\*/|\{#.*?#\}", "", css, flags=re.DOTALL)
    found = []
    for selectors, body in _RULE.findall(plain):
        found += [(selector.strip(), declarations(body)) for selector in selectors.split(",")]
    return found


def of_classes(found: list[tuple[str, dict[str, str]]], prefix: str = "") -> dict[str, dict[str, str]]:
    """What the rules for single classes behind a prefix say, by class."""
    made: dict[str, dict[str, str]] = {}
    for selector, body in found:
        if selector.startswith(f"{prefix}."):
            made.setdefault(selector.removeprefix(f"{prefix}."), {}).update(body)
    return made


def media(css: str, query: str) -> str:
    """The rules inside of an at-rule."""
    start = css.index("{", css.index(query)) + 1
    depth, end = 1, start
    while depth:
        depth += {"{": 1, "}": -1}.get(css[end], 0)
        end += 1
    return css[start : end - 1]


def colours(element: Element, over: Rules) -> tuple[str, str]:
    """The colour of an element's words and of what is behind them, where `over` wins over what it says itself."""
    return _nearest(element, over, "color"), _nearest(element, over, "background-color")


def _nearest(element: Element, over: Rules, name: str) -> str:
    for here in element.above():
        said = {**here.style}
        for word in over:  # the later rule wins
            if word in here.classes:
                said.update(over[word])
        if name in said:
            return said[name]
    raise AssertionError(f"no {name} for {element}")


def colour(text: str) -> Colour:
    assert re.fullmatch(r"#[0-9a-f]{6}", text), text
    red, green, blue = (int(text[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def as_it_is(text: str) -> Colour:
    return colour(text)


def inverted(text: str) -> Colour:
    """As mailers do that make dark of light themselves: the hue stays, the lightness turns round."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*colour(text))
    return colorsys.hls_to_rgb(hue, 1 - lightness, saturation)


def contrast(words: Colour, ground: Colour) -> float:
    """WCAG 2.2, contrast ratio."""
    high, low = sorted((_luminance(words), _luminance(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(made: Colour) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in made)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def least_contrast(sheet: Sheet, over: Rules, seen_as: Callable[[str], Colour]) -> tuple[float, str]:
    """The words that are hardest to read."""
    found = []
    for element in sheet.elements:
        if element.texts and element.seen:
            words, ground = colours(element, over)
            found.append((contrast(seen_as(words), seen_as(ground)), f"{words} on {ground}: {element.texts[0][:30]}"))
    return min(found)
