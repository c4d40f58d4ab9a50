"""The source of a page made safe to parse: what shows no text is cut out, and what would make a parser work without
end is refused.

The HTML standard lets a page of one megabyte ask for a tree of many gigabytes: elements of formatting that are left
open are opened again in each paragraph. So tags are counted here first, in one pass, as the parser will meet them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_DEPTH = 512  # elements around one: browsers stop there too
MAX_NODES = 600_000  # as the standard has a parser make them; a site's largest pages have a tenth of it
_LONGEST_TAG = 4_000  # characters; a longer one loses its attributes: it holds a picture
_LONGEST_QUOTATION = 2_000  # characters behind a > within which a quotation mark before it must be matched


def tags(names: str) -> frozenset[str]:
    """Names of elements, written with blanks between them."""
    return frozenset(names.split())


_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:-]{0,30})(?=[\s/>])")
_TAG_END = re.compile(r"""(?:[^"'>]+|"[^"]*"|'[^']*')*+>""")
_QUOTED = re.compile(r"""(?:[^"']+|"[^"]*"|'[^']*')*+""")
_SILENT = tags(
    "script style template noscript iframe noembed noframes object svg math canvas video audio select textarea "
    "button head title xmp plaintext datalist frameset"
)
_KEPT_VOID = tags("br hr wbr base link img")
_VOID = tags("area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr")
# Elements that another one of their kind ends: a page may leave thousands of them open.
_ENDED_BY_OTHERS = tags("p li dt dd td th tr thead tbody tfoot colgroup option optgroup a nobr rt rp html body")
_FORMATTING = tags("a b big code em font i nobr s small strike strong tt u")
_LOCATED = tags("p div li td th tr h1 h2 h3 h4 h5 h6 dt dd pre br table ul ol blockquote section article")

LINE = "data-source-line"


class TooComplexError(Exception):
    """A page that would take a parser too far; the words say in what."""


@dataclass
class _Open:
    """What is open at a place of the source, counted by name."""

    counts: dict[str, int] = field(default_factory=dict)
    depth: int = 0
    formatting: int = 0
    nodes: int = 0

    def start(self, name: str) -> None:
        self.nodes += 2 + self.formatting
        if name in _FORMATTING:
            self.formatting += name != "a"
        if name not in _ENDED_BY_OTHERS and name not in _VOID:
            self.depth += 1
            self.counts[name] = self.counts.get(name, 0) + 1
        if self.depth > MAX_DEPTH:
            raise TooComplexError(f"more than {MAX_DEPTH} elements stand inside each other")
        if self.nodes > MAX_NODES:
            raise TooComplexError(f"it has more than {MAX_NODES} elements")

    def end(self, name: str) -> None:
        self.nodes += 2 + self.formatting
        if self.counts.get(name, 0):
            self.counts[name] -= 1
            self.depth -= 1
            self.formatting -= name in _FORMATTING
        if self.nodes > MAX_NODES:
            raise TooComplexError(f"it has more than {MAX_NODES} elements")


def scrubbed(text: str) -> str:
    """A page's source without comments, scripts, styles, drawings and all else that shows no text of its own.

    Tags of blocks have the line of the source in the attribute `LINE`. Raises TooComplexError.
    """
    return _Scrub(text).run()


class _Scrub:
    def __init__(self, text: str) -> None:
        self._text = text
        self._folded = text.lower() if text.isascii() else _ascii_lower(text)
        self._parts: list[str] = []
        self._open = _Open()
        self._line = 1
        self._counted = 0
        self._missing: set[str] = set()

    def run(self) -> str:
        position = 0
        while (opening := self._text.find("<", position)) >= 0:
            self._keep(position, opening)
            position = self._markup(opening)
        self._keep(position, len(self._text))
        return "".join(self._parts)

    def _keep(self, start: int, end: int) -> None:
        if start < end:
            self._parts.append(self._text[start:end])

    def _markup(self, at: int) -> int:
        """Deal with what a `<` begins; the place behind it."""
        if self._text.startswith(("<!", "<?"), at):
            return self._declaration(at)
        tag = _TAG.match(self._text, at)
        if tag is None:
            self._parts.append("&lt;" if not self._text.startswith("</", at) else "")
            return at + (2 if self._text.startswith("</", at) else 1)
        name, end = tag[2].lower(), self._tag_end(tag.end())
        if end < 0:  # never closed: the parser would take the rest of the page for its attributes
            self._parts.append("&lt;")
            return at + 1
        if tag[1]:
            self._end(name)
            return end
        if name in _SILENT:
            return self._skip(name, end)
        self._start(name, tag.end(), end)
        return end

    def _declaration(self, at: int) -> int:
        start, closing = ("<!--", "-->") if self._text.startswith("<!--", at) else ("<!", ">")
        if self._folded.startswith("<![cdata[", at):
            start, closing = "<![cdata[", "]]>"
        end = self._find(closing, at + len(start))
        if end < 0:
            return at + len(start)
        if start == "<![cdata[":
            self._parts.append(self._text[at + len(start) : end].replace("&", "&amp;").replace("<", "&lt;"))
        return end + len(closing)

    def _tag_end(self, at: int) -> int:
        """The place behind a tag's closing bracket. Quotation marks that do not match end with the first bracket."""
        if (closing := self._find(">", at)) < 0:
            return -1
        found = _TAG_END.match(self._text, at, closing + _LONGEST_QUOTATION)
        if found and "<" not in self._text[closing : found.end()]:
            return found.end()
        return closing + 1

    def _start(self, name: str, attributes: int, end: int) -> None:
        if name in _VOID and name not in _KEPT_VOID:
            return
        self._open.start(name)
        body = self._text[attributes : end - 1].rstrip("/") if end - attributes <= _LONGEST_TAG else ""
        if not _QUOTED.fullmatch(body):  # a quotation mark without its pair would take the text behind the tag along
            body = ""
        self._parts.append(
            f"<{name} {LINE}={self._line_at(attributes)}{body}>" if name in _LOCATED else f"<{name}{body}>"
        )

    def _end(self, name: str) -> None:
        if name in _SILENT or (name in _VOID and name != "br"):
            return
        self._open.end(name)
        self._parts.append(f"</{name}>")

    def _skip(self, name: str, at: int) -> int:
        """The place behind an element that shows no text; without its end, only its tag is left out."""
        if name == "head":
            return at  # its own elements go, and pages forget to close it
        end = self._find(f"</{name}", at)
        if end < 0:
            return at
        closing = self._find(">", end)
        return closing + 1 if closing >= 0 else at

    def _find(self, wanted: str, at: int) -> int:
        """Where a text stands next, -1 if nowhere; what was not found once is not looked for again."""
        if wanted in self._missing:
            return -1
        found = self._folded.find(wanted, at)
        if found < 0:
            self._missing.add(wanted)
        return found

    def _line_at(self, position: int) -> int:
        self._line += self._text.count("\n", self._counted, position)
        self._counted = position
        return self._line


_UPPER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def _ascii_lower(text: str) -> str:
    """In lower case as far as tags go: other letters may change their length."""
    return text.translate(_UPPER)
