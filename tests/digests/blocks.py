"""Blocks that a stranger might hand in: hypothesis makes them for the tests of every channel."""

from __future__ import annotations

from hypothesis import strategies as st

from dispatch.model import Block, BlockKind, Mark, MarkKind

HOSTILE = "</td></p><script>alert(1)</script>--><![endif]--><img src=x onerror=a>{{ 7*7 }}{% x %}\"'&amp;</pre></style>"
HREFS = (
    "https://stats.example/a?b=1&c=2",
    "mailto:news@bulletin.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "//evil.example/",
    "https://u:p@evil.example/",
    'https://x.example/"onmouseover="a',
    "https://x.example/\ue000why\ue001",
    "",
)

# Also words of other scripts and directions, and characters of more than one code unit.
TEXTS = st.text("高新区发展，。；（）<>&\"'`{}|*_[] ab1.\u05d0\u0627\u0301\U0001f600", max_size=40) | st.sampled_from(
    [HOSTILE, "1. 简化审批", "一、项目", "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627", "高新区。" * 40]
)
MARKS = st.lists(
    st.builds(Mark, st.sampled_from(MarkKind), st.integers(-5, 60), st.integers(-5, 60), st.sampled_from(HREFS)),
    max_size=6,
).map(tuple)
CELLS = st.text("高新a1<&\"'|\u05d0\U0001f600 ", max_size=12)


@st.composite
def tables(draw: st.DrawFn) -> Block:
    width = draw(st.integers(1, 7))
    row = st.lists(CELLS, min_size=width, max_size=width).map(tuple)
    rows = tuple(draw(st.lists(row, min_size=1, max_size=5)))
    return Block(BlockKind.TABLE, "\n".join(" | ".join(row) for row in rows), rows, draw(MARKS))


def texts() -> st.SearchStrategy[Block]:
    kinds = st.sampled_from([kind for kind in BlockKind if kind is not BlockKind.TABLE])
    return st.builds(Block, kinds, TEXTS.filter(bool), st.just(()), MARKS, st.integers(0, 7))


ARTICLES = st.lists(texts() | tables(), min_size=1, max_size=8).map(tuple)


def words(block: Block) -> list[str]:
    """All that a block says, in pieces that stay together. The head of a column that has no value goes without saying
    where a table stands row by row, unless it is all there is."""
    head, rows = block.rows[:1], block.rows[1:]
    if any(cell.strip() for row in rows for cell in row):
        valued = [place for place, column in enumerate(zip(*rows, strict=True)) if any(map(str.strip, column))]
        head = (tuple(head[0][place] for place in valued),)
    return [cell for row in (*head, *rows) for cell in row] if block.rows else [block.text]
