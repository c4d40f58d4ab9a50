"""Tables of a page: those that show data as rows, told from those that only place text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dispatch.intake.readers.html_scripts import script_of
from dispatch.intake.readers.html_source import tags
from dispatch.intake.readers.html_tree import Node
from dispatch.intake.readers.marking import settled
from dispatch.intake.readers.scripts import Script, scripted
from dispatch.intake.readers.tables import Cell, grid, tells

_NUMERIC = re.compile(r"[-+]?[\d.,]+\s*(?:%|‰|[亿万千百]?[元家个项人件亩]?)|[-—–/]")
_LONGEST_CELL = 600  # characters: what is longer is text that was placed
_LAYOUT = tags("table h1 h2 h3 h4 h5 h6 hr article section")
_PARTS = frozenset({"tbody", "thead", "tfoot"})
_BREAKS = frozenset({"br", "p", "div", "li", "tr", "td"})


def data_rows(table: Node, *, announced: bool = False) -> tuple[tuple[str, ...], ...]:
    """The rows of a table that shows data; () for one that only places text. `announced` says that the text before it
    speaks of a table."""
    if is_placing(table):
        return ()
    rows = _rows_of_cells(table)
    if len(rows) < 2 or max(map(len, rows)) < 2:
        return ()
    cells = cells_of(table)
    found = grid(cells)
    if _has_lines(table, rows) or _is_uniform(cells):
        return found
    return found if not _leads_away(table, found) and tells(found, announced=announced) else ()


def _leads_away(table: Node, rows: Sequence[Sequence[str]]) -> bool:
    """Whether half of a table's cells are links: a menu, or a list of contents."""
    links = sum(node.tag == "a" and node.get("href") != "" for node in table.walk())
    return 2 * links >= sum(map(len, rows))


def is_placing(table: Node) -> bool:
    """Whether a table surely places text only: what is in it is no cell's."""
    if table.get("role") in {"presentation", "none"} or any(node.tag in _LAYOUT for node in _below(table)):
        return True
    return any(len(cell.text) > _LONGEST_CELL for row in cells_of(table) for cell in row)


def cells_of(table: Node) -> list[list[Cell]]:
    """The cells of a table, row by row, with what they span."""
    return [[_cell(node) for node in row] for row in _rows_of_cells(table)]


def _rows_of_cells(table: Node) -> list[list[Node]]:
    rows = ([cell for cell in row.children if cell.tag in {"td", "th"}] for row in _rows(table))
    return [row for row in rows if row]


def _below(table: Node) -> Iterator[Node]:
    nodes = table.walk()
    next(nodes)
    return nodes


def _rows(table: Node) -> Iterator[Node]:
    for child in table.children:
        if child.tag == "tr":
            yield child
        elif child.tag in _PARTS:
            yield from (row for row in child.children if row.tag == "tr")


def _cell(node: Node) -> Cell:
    return Cell(cell_text(node), _span(node.get("colspan")), _span(node.get("rowspan")))


def cell_text(node: Node) -> str:
    """The text of a cell on one line; what stood in lines is parted by a space."""
    parts: list[tuple[str, Script]] = []
    waiting: list[tuple[Node | str, Script]] = [(node, Script.NONE)]
    while waiting:
        part, script = waiting.pop()
        if isinstance(part, str):
            parts.append((part, script))
            continue
        if part.tag in _BREAKS and parts:
            parts.append(("\x00", Script.NONE))
        script = script_of(part) or script
        waiting.extend((inner, script) for inner in reversed(part.parts))
    pieces = (settled(piece)[0] for piece in "".join(scripted(parts)).split("\x00"))
    return " ".join(piece for piece in pieces if piece)


def _span(text: str) -> int:
    bare = text.strip()
    return int(bare) if bare.isdecimal() and len(bare) <= 5 else 1


def _has_lines(table: Node, rows: list[list[Node]]) -> bool:
    """Whether a table is drawn as one: with a head, with lines around its cells."""
    if any(cell.tag == "th" for row in rows for cell in row) or any(child.tag == "thead" for child in table.children):
        return True
    border = table.get("border").strip()
    if (border and border != "0") or table.get("rules") not in {"", "none"}:
        return True
    return any(_draws_border(node) for node in (table, *rows[0]))


def _draws_border(node: Node) -> bool:
    style = node.get("style").lower()
    if "border" not in style:
        return False
    drawn = re.findall(r"border(?:-(?:top|left|right|bottom))?(?:-width|-style)?\s*:\s*([^;]{1,60})", style)
    return any("none" not in value and not re.match(r"0(?:\D|$)", value) for value in drawn)


def _is_uniform(cells: list[list[Cell]]) -> bool:
    """Whether rows are alike and hold numbers beside their first cell: a table without lines."""
    if len(cells) < 3 or len({len(row) for row in cells}) > 1:
        return False
    values = [cell.text for row in cells[1:] for cell in row[1:] if cell.text]
    return len(values) >= 2 and sum(_NUMERIC.fullmatch(value) is not None for value in values) * 2 >= len(values)
