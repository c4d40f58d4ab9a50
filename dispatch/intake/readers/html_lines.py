"""A page's tree as lines: blocks, items of lists, tables, footnotes, and what looks like a heading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from dispatch.intake.folding import is_enumerated, is_prose
from dispatch.intake.line import Line, LineKind
from dispatch.intake.readers import html_tables
from dispatch.intake.readers.html_boilerplate import is_site_line
from dispatch.intake.readers.html_lists import Lists
from dispatch.intake.readers.html_looks import Look, Looks
from dispatch.intake.readers.html_scripts import script_of
from dispatch.intake.readers.html_source import tags
from dispatch.intake.readers.html_tree import Node
from dispatch.intake.readers.marking import linkable, settled
from dispatch.intake.readers.notes import placed
from dispatch.intake.readers.scripts import Script, scripted
from dispatch.intake.readers.tables import announces, table_lines
from dispatch.model import Mark, MarkKind

_BLOCKS = tags(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hgroup html legend li main menu nav ol p pre section summary table tbody td "
    "tfoot th thead tr ul"
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_NOTE_NAME = re.compile(r"_?(?:ftn|fn|footnote|note|edn)[-:_.]?(\d{1,3}|[a-z])", re.IGNORECASE)
_NOTE_TAGS = frozenset({"li", "p", "div", "dd", "aside"})
_LONGEST_STYLE = 80
_LONGEST_SCRIPT = 20
_SIGNED = re.compile(r"[\[(（［〔]?(\d{1,3}|\*)[\])）］〕]?")


@dataclass(slots=True)
class _Run:
    """The text of a line so far, piece by piece, each with how it looks and where it leads; `scripts` says of each
    whether it is raised."""

    pieces: list[tuple[str, Look, str]] = field(default_factory=list)
    scripts: list[Script] = field(default_factory=list)
    number: int = 0
    references: list[str] = field(default_factory=list)

    def text(self) -> str:
        return "".join(piece for piece, _, _ in self.pieces)

    def plain(self) -> list[tuple[str, Look, str]]:
        """The pieces, those that are raised or lowered as plain text."""
        texts = scripted([(piece, script) for (piece, _, _), script in zip(self.pieces, self.scripts, strict=True)])
        return [(text, look, href) for text, (_, look, href) in zip(texts, self.pieces, strict=True)]


@dataclass(frozen=True, slots=True)
class _Block:
    """What the blocks around a place say: the level of the heading it is in (0 in none), and the nearest class."""

    level: int = 0
    style: str = ""


def lines_of(root: Node, base: str) -> tuple[Line, ...]:
    """The lines of a page; links are resolved by `base`, "" for a page that does not say where it stands."""
    return _Walk(root, base).run()


class _Walk:
    """One pass over the tree, without recursion: a stranger decides how deep it is."""

    def __init__(self, root: Node, base: str) -> None:
        self._root, self._base = root, base
        self._looks = Looks(root)
        self._lists = Lists()
        self._found: list[Line] = []
        self._notes: dict[str, list[Line]] = {}
        self._references: dict[str, int] = {}
        self._run = _Run()
        self._gap = False
        self._line = 1
        self._block: list[_Block] = [_Block()]
        self._note = ""
        self._note_node: Node | None = None
        self._pre = 0

    def run(self) -> tuple[Line, ...]:
        stack: list[tuple[Node, Iterator[Node | str]]] = []
        self._enter(self._root)
        stack.append((self._root, iter(self._root.parts)))
        while stack:
            node, parts = stack[-1]
            part = next(parts, None)
            if part is None:
                stack.pop()
                self._leave(node)
            elif isinstance(part, str):
                self._text(node, part)
            elif not self._takes_whole(part):
                self._enter(part)
                stack.append((part, iter(part.parts)))
        self._end_line()
        return tuple(placed(self._found, self._notes, self._references))

    # Elements

    def _takes_whole(self, node: Node) -> bool:
        """Deal with an element that is read in one piece; False for one to go into."""
        if node.tag == "br":
            self._break(node)
        elif node.tag == "hr":
            self._end_block()
            self._add(Line("", node.line or self._line, gap=True, rule=True))
        elif script := script_of(node):
            return self._script(node, script)
        elif node.tag == "table":
            return self._table(node)
        else:
            return node.tag in {"img", "link", "base", "rt", "rp"}
        return True

    def _enter(self, node: Node) -> None:
        self._looks.enter(node)
        if node.tag not in _BLOCKS:
            return
        self._end_block()
        self._line = node.line or self._line
        around = self._block[-1]
        self._block.append(_Block(_level(node) or around.level, node.get("class")[:_LONGEST_STYLE] or around.style))
        self._pre += node.tag == "pre"
        self._lists.enter(node)
        self._begin_note(node)

    def _begin_note(self, node: Node) -> None:
        name = _NOTE_NAME.fullmatch(node.get("id")) if node.tag in _NOTE_TAGS and not self._note else None
        if name and name[1].lower() not in self._notes:
            self._note, self._note_node = name[1].lower(), node
            self._notes[self._note] = []

    def _leave(self, node: Node) -> None:
        if node.tag in _BLOCKS:
            self._end_block()
            self._block.pop()
            self._pre -= node.tag == "pre"
            self._lists.leave(node)
            if node is self._note_node:
                self._note, self._note_node = "", None
        self._looks.leave(node)

    def _text(self, node: Node, text: str) -> None:
        if self._looks.now.back:
            return
        if self._pre:
            first, *others = text.split("\n")
            self._piece(first)
            for other in others:
                if not self._run.text().strip():
                    self._gap = True
                self._end_line()
                self._line += 1
                self._piece(other)
        else:
            self._piece(text)

    def _piece(self, text: str, script: Script = Script.NONE) -> None:
        if text:
            self._run.number = self._run.number or self._line
            if name := _NOTE_NAME.fullmatch(self._looks.now.href.lstrip("#")):
                self._run.references.append(name[1].lower())
            self._run.pieces.append((text, self._looks.now, linkable(self._looks.now.href, self._base)))
            self._run.scripts.append(script)

    def _script(self, node: Node, script: Script) -> bool:
        """Read what is raised or lowered and short in one piece; the sign of a footnote stays as [1]."""
        inner = node.text(limit=_LONGEST_SCRIPT + 1).strip()
        if not inner or len(inner) > _LONGEST_SCRIPT or self._looks.now.back:
            return False
        signed = _SIGNED.fullmatch(inner) if script is Script.RAISED else None
        link = next((child for child in node.children if child.tag == "a"), None)
        href = link.get("href") if link else self._looks.now.href
        name = _NOTE_NAME.fullmatch(href.lstrip("#"))
        if signed and href.startswith("#"):
            self._piece(f"[{signed[1]}]")
            if name:
                self._run.references.append(name[1].lower())
        elif link and linkable(href, self._base):
            return False
        else:
            self._piece(inner, script)
        return True

    def _table(self, node: Node) -> bool:
        """Read a table of data; one that only places text is gone into."""
        self._end_block()
        rows = html_tables.data_rows(node, announced=bool(self._found) and announces(self._found[-1].text))
        if not rows:
            return False
        for caption in (child for child in node.children if child.tag == "caption"):
            self._add_text(caption.text(), node.line)
        for line in table_lines(rows, node.line or self._line, gap=True):
            self._add(line)
        self._gap = True
        return True

    # Lines

    def _break(self, node: Node) -> None:
        if self._block[-1].level:
            self._piece("\n")
            return
        if not self._run.text().strip():
            self._gap = True
        self._end_line()
        self._line = node.line or self._line

    def _end_block(self) -> None:
        self._end_line()
        self._gap = True

    def _end_line(self) -> None:
        if not self._run.pieces:
            return
        run, self._run = self._run, _Run()
        marks, pieces = _marks(run.plain())
        text, moved = settled("".join(pieces), marks)
        if not text or (not self._block[-1].level and is_site_line(text)):
            return
        for name in run.references:
            self._references.setdefault(name, len(self._found))
        self._add(self._with_hints(Line(text, run.number or 1, gap=self._gap, marks=moved), run))

    def _add_text(self, text: str, number: int) -> None:
        content, _ = settled(text)
        if content:
            self._add(Line(content, number or self._line, gap=self._gap))

    def _with_hints(self, line: Line, run: _Run) -> Line:
        if self._note:
            return replace(line, kind=LineKind.NOTE)
        block = self._block[-1]
        if block.level:
            self._lists.used()
            return replace(line, level=block.level)
        line = replace(line, bold=self._looks.bold(run.pieces), indent=_indent(run.pieces), style=block.style)
        item = self._lists.item()
        return line if item is None else _as_item(line, *item)

    def _add(self, line: Line) -> None:
        line = line if self._found else replace(line, gap=False)
        self._gap = False
        if line.kind is LineKind.NOTE:
            self._notes[self._note].append(line)
        else:
            self._found.append(line)


def _level(node: Node) -> int:
    if node.get("role").lower() == "heading":
        return _HEADINGS.get(f"h{node.get('aria-level')}", 2)
    return _HEADINGS.get(node.tag, 0)


def _as_item(line: Line, prefix: str, depth: int) -> Line:
    """A line as an item of a list. A long numbered one of no inner list is a paragraph, as in every other form."""
    if prefix and not is_enumerated(line.text):
        marks = (replace(mark, start=mark.start + len(prefix), end=mark.end + len(prefix)) for mark in line.marks)
        line = replace(line, text=prefix + line.text, marks=tuple(marks))
    if is_enumerated(line.text) and not depth and is_prose(line.text):
        return line
    return replace(line, kind=LineKind.ITEM, depth=depth)


def _marks(pieces: Iterable[tuple[str, Look, str]]) -> tuple[list[Mark], list[str]]:
    marks: list[Mark] = []
    texts: list[str] = []
    position = 0
    for text, look, href in pieces:
        end = position + len(text)
        if look.strong:
            marks.append(Mark(MarkKind.STRONG, position, end))
        if look.emphasis:
            marks.append(Mark(MarkKind.EMPHASIS, position, end))
        if href:
            marks.append(Mark(MarkKind.LINK, position, end, href))
        texts.append(text)
        position = end
    return marks, texts


def _indent(pieces: Sequence[tuple[str, Look, str]]) -> int:
    """The columns left blank by ideographic spaces: blanks of a page's source are none."""
    columns = 0
    for text, _, _ in pieces:
        bare = text.lstrip()
        columns += 2 * text[: len(text) - len(bare)].count("\u3000")
        if bare:
            break
    return columns
