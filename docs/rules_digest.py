"""Makes dispatch/catalog/rules.digest from the code that decides a tag: python docs/rules_digest.py"""

from __future__ import annotations

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path

from dispatch.catalog.rules import DIGEST, RULES

PACKAGE = Path(__file__).parents[1] / "dispatch"
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def digest(package: Path = PACKAGE) -> str:
    """A hash of the modules in RULES, without comments and docstrings. It is the same with each version of Python."""
    found = hashlib.sha256()
    for name in RULES:
        found.update(f"{name}\0{code_of((package / name).read_text(encoding='utf-8'))}\0".encode())
    return found.hexdigest()


def code_of(source: str) -> str:
    """The lines of a module with its indentation, without docstrings, comments and the empty lines between.

    Neither what a syntax tree looks like nor how f-strings fall into tokens is the same with each version of Python;
    where strings and comments stand in the lines is.
    """
    tree = ast.parse(source)
    lines = source.splitlines()
    for line, column in _comments(source):
        lines[line - 1] = lines[line - 1][:column].rstrip()
    left_out = {line for string in _docstrings(tree) if _is_alone(lines, string) for line in _lines(string)}
    within = {line for string in _strings(tree) for line in _lines(string)[:-1]}
    kept = [text for line, text in enumerate(lines, start=1) if line not in left_out and (text or line in within)]
    return "\n".join(kept)


def _docstrings(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        first = node.body[0] if isinstance(node, _DOCUMENTED) and node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            yield first.value


def _is_alone(lines: Sequence[str], string: ast.expr) -> bool:
    """No code stands beside a string in its lines."""
    first, last = (lines[line - 1].encode() for line in (string.lineno, string.end_lineno or string.lineno))
    return not first[: string.col_offset].strip() and not last[string.end_col_offset :].strip()


def _strings(tree: ast.Module) -> Iterator[ast.expr]:
    """Strings in which lines end: what stands there is no layout."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            yield node


def _lines(string: ast.expr) -> range:
    return range(string.lineno, (string.end_lineno or string.lineno) + 1)


def _comments(source: str) -> Iterator[tuple[int, int]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start


if __name__ == "__main__":
    DIGEST.write_text(digest() + "\n", encoding="utf-8")
