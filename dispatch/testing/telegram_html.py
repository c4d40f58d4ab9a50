"""Telegram's HTML mode (Bot API, "Formatting options", "HTML style"), parsed and refused as the Bot API does.

What the server tolerates is tolerated here: an unknown named entity stays as it is written, `</>` closes the
innermost tag. Two rules are stricter than the server, which drops in silence: a nested blockquote and the 101st
entity are errors, so that a test sees them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

MAX_ENTITIES = 100

_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_ENTITY = re.compile(r"&(?:#[xX]([0-9a-fA-F]+)|#([0-9]+)|(lt|gt|amp|quot)(?![A-Za-z]));?")
# A ">" within a quoted attribute does not end the tag.
_TAG = re.compile(r"""(<(?:"[^"]*"|'[^']*'|[^>"'])*>?)""")
_TYPES = {
    "a": "text_link", "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline",
    "ins": "underline", "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough",
    "span": "spoiler", "tg-spoiler": "spoiler", "tg-emoji": "custom_emoji",
    "code": "code", "pre": "pre", "blockquote": "blockquote",
}  # fmt: skip
_ATTRIBUTE = re.compile(
    r"""\s+([^\s=>"'/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9.-]+)))?""",
)


class CannotParse(ValueError):
    """The text is refused; the message is what follows "can't parse entities: "."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A formatted span; `offset` and `length` count UTF-16 units, as in the Bot API."""

    type: str
    offset: int
    length: int
    url: str = ""
    language: str = ""

    def json(self) -> dict[str, str | int]:
        """The Bot API's `MessageEntity`."""
        body: dict[str, str | int] = {"type": self.type, "offset": self.offset, "length": self.length}
        return body | {name: value for name in ("url", "language") if (value := getattr(self, name))}


@dataclass(frozen=True, slots=True)
class ParsedText:
    text: str
    entities: tuple[Entity, ...]


@dataclass(frozen=True, slots=True)
class _Open:
    tag: str
    type: str
    url: str
    offset: int


def utf16_length(text: str) -> int:
    """The length as Telegram counts it: UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse_html(source: str) -> ParsedText:
    """The plain text and its entities. Raises CannotParse."""
    return _Parser(source).run()


def trimmed(parsed: ParsedText) -> ParsedText:
    """Without the white space at both ends, which Telegram drops; entities that had nothing else go with it."""
    text = parsed.text.strip()
    if text == parsed.text:
        return parsed
    before = utf16_length(parsed.text[: len(parsed.text) - len(parsed.text.lstrip())])
    kept = (_clipped(entity, before, utf16_length(text)) for entity in parsed.entities)
    return ParsedText(text, tuple(entity for entity in kept if entity.length > 0))


def _clipped(entity: Entity, before: int, length: int) -> Entity:
    start = max(entity.offset - before, 0)
    end = min(entity.offset + entity.length - before, length)
    return replace(entity, offset=start, length=end - start)


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._text: list[str] = []
        self._offset = 0
        self._open: list[_Open] = []
        self._entities: list[Entity] = []

    def run(self) -> ParsedText:
        for piece in _TAG.split(self._source):
            if not piece.startswith("<"):
                self._add(_decode(piece))
            elif not piece.endswith(">"):
                raise CannotParse(f"Unclosed {'end' if piece.startswith('</') else 'start'} tag {piece!r}")
            elif piece.startswith("</"):
                self._end(piece[2:-1].strip())
            else:
                self._start(piece[1:-1])
        if self._open:
            raise CannotParse(f'Can\'t find end tag corresponding to start tag "{self._open[-1].tag}"')
        if len(self._entities) > MAX_ENTITIES:
            raise CannotParse(f"{len(self._entities)} entities, more than {MAX_ENTITIES}")
        return ParsedText("".join(self._text), tuple(sorted(self._entities, key=lambda e: (e.offset, -e.length))))

    def _add(self, text: str) -> None:
        self._text.append(text)
        self._offset += utf16_length(text)

    def _start(self, inside: str) -> None:
        tag = re.match(r"[^\s]*", inside)
        name = tag.group().lower() if tag else ""
        if name not in _TYPES:
            raise CannotParse(f'Unsupported start tag "{name}"')
        attributes = _attributes(name, inside[len(name) :])
        if name == "span" and attributes.get("class") != "tg-spoiler":
            raise CannotParse('Tag "span" must have class "tg-spoiler"')
        if name == "blockquote" and any(outer.tag == "blockquote" for outer in self._open):
            raise CannotParse("blockquote inside a blockquote")
        type_ = "expandable_blockquote" if "expandable" in attributes else _TYPES[name]
        self._open.append(_Open(name, type_, attributes.get("href", ""), self._offset))

    def _end(self, name: str) -> None:
        if not self._open:
            raise CannotParse(f'Unexpected end tag "{name}"')
        opened = self._open.pop()
        if name and name.lower() != opened.tag:
            raise CannotParse(f'Unmatched end tag, expected "</{opened.tag}>", found "</{name}>"')
        if self._offset > opened.offset:
            length = self._offset - opened.offset
            self._entities.append(Entity(opened.type, opened.offset, length, opened.url))


def _attributes(tag: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    while text[position:].strip():
        match = _ATTRIBUTE.match(text, position)
        if match is None:
            raise CannotParse(f'Unexpected attribute in the tag "{tag}"')
        name, *values = match.groups()
        value = next((value for value in values if value is not None), None)
        if value is None and (tag, name) != ("blockquote", "expandable"):
            raise CannotParse(f'Expected equal sign in declaration of an attribute of the tag "{tag}"')
        found[name.lower()] = _decode(value or "")
        position = match.end()
    return found


def _decode(text: str) -> str:
    return _ENTITY.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    hexadecimal, decimal, named = match.groups()
    if named:
        return _NAMED[named]
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    valid = 0 < code < 0x110000 and not 0xD800 <= code < 0xE000
    return chr(code) if valid else match.group()
