"""A table of HTML within another form: its lines."""

from __future__ import annotations

from dispatch.intake.line import Line
from dispatch.intake.readers import html_tables
from dispatch.intake.readers.html_source import TooComplexError
from dispatch.intake.readers.html_tree import Node, parsed
from dispatch.intake.readers.tables import Cell, grid, table_lines


def page_table(source: str, number: int) -> list[Line]:
    """The lines of a table of HTML: one for the whole table, or one for each cell where it is none but by its tags."""
    try:
        root = parsed(source)
    except TooComplexError:
        return []
    table = next((node for node in root.walk() if node.tag == "table"), None)
    if table is None:
        return []
    if html_tables.is_placing(table):
        texts = (html_tables.cell_text(node) for node in table.walk() if _is_innermost_cell(node))
        return [Line(text, number) for text in texts if text]
    rows: list[list[Cell]] = html_tables.cells_of(table)
    return table_lines(grid(rows), number, gap=True)


def _is_innermost_cell(node: Node) -> bool:
    return node.tag in {"td", "th", "caption"} and not any(below.tag == "table" for below in node.walk())
