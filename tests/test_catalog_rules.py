"""The catalog's fingerprint knows the rules of the tagger."""

from __future__ import annotations

import ast
from pathlib import Path

import dispatch
from dispatch.catalog.rules import RULES, code_of, rules_digest

_PACKAGE = Path(dispatch.__file__).parent
_FOLDERS = ("dispatch.intake.", "dispatch.catalog.words")  # where rules stand; the catalog's values are hashed as such


def _imported(name: str, found: set[str]) -> set[str]:
    """The modules with rules that a module imports, and those that they import."""
    tree = ast.parse((_PACKAGE / name).read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    for module in modules:
        path = module.removeprefix("dispatch.").replace(".", "/") + ".py"
        if module.startswith(_FOLDERS) and path not in found:
            found.add(path)
            _imported(path, found)
    return found


def test_the_rules_are_all_that_the_tagger_imports() -> None:
    name = "intake/tagger.py"
    assert set(RULES) == _imported(name, {name})


def test_the_digest_is_the_same_each_time() -> None:
    before = rules_digest()
    rules_digest.cache_clear()
    assert rules_digest() == before


def test_comments_docstrings_and_layout_are_no_code_and_all_else_is() -> None:
    plain = 'def f(x):\n    return g(\n        "a",\n        x,\n    )\n'
    worded = '"""M."""\n\n# Why.\ndef f(x):\n    """What."""\n    return g("a", x,)  # so\n'
    assert list(code_of(plain)) == list(code_of(worded))
    assert list(code_of(plain)) != list(code_of(plain.replace('"a"', '"b"')))
    assert list(code_of(plain)) != list(code_of(plain.replace("x,", "f,")))
