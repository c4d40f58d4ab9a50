"""The catalog's fingerprint knows the rules of the tagger."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

import dispatch
from dispatch.catalog.rules import DIGEST, RULES, rules_digest

_SCRIPT = Path(__file__).parents[1] / "docs" / "rules_digest.py"
_PACKAGE = Path(dispatch.__file__).parent
_FOLDERS = (
    "dispatch.intake.",
    "dispatch.catalog.words",
    "dispatch.catalog.carried",
)  # where rules stand; the catalog's values are hashed as such


@pytest.fixture(scope="module")
def digest() -> Callable[[Path], str]:
    spec = importlib.util.spec_from_file_location("rules_digest", _SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[Path], str] = module.digest
    return found


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


def test_the_rules_are_all_that_the_tagger_and_the_tags_of_digests_import() -> None:
    names = {"intake/tagger.py", "catalog/carried.py"}
    found = set(names)
    for name in names:
        _imported(name, found)
    assert set(RULES) == found


def test_the_digest_is_up_to_date(digest: Callable[[Path], str]) -> None:
    written = DIGEST.read_text(encoding="utf-8").strip()
    assert written == digest(_PACKAGE), "the rules changed; run: .venv/bin/python docs/rules_digest.py"


def test_the_fingerprint_needs_no_sources() -> None:
    before = rules_digest()
    rules_digest.cache_clear()
    assert rules_digest() == before
    assert DIGEST.parent == _PACKAGE / "catalog"  # it is packed with the code


_SOURCE = '''"""What the module is for."""

# Why.
@cache
def f(x):
    """What it gives.

    # And no comment."""
    if x:
        x -= 1
        x += 1  # so

    return g(
        "a",
        f"{x:#x}",
        """
# no comment

""",
    )
'''


@pytest.fixture
def digest_of(tmp_path: Path, digest: Callable[[Path], str]) -> Callable[[str], str]:
    """The digest where one of the modules has other code."""
    for folder in {Path(name).parent for name in RULES}:
        (tmp_path / folder).mkdir()
    for name in RULES:
        (tmp_path / name).touch()

    def of(source: str) -> str:
        (tmp_path / RULES[-1]).write_text(source, encoding="utf-8")
        return digest(tmp_path)

    return of


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("What the module", "Whatever it"),
        ("# Why.", "# Wherefore?\n\n# And why."),
        ("What it gives.", "What it returns."),
        ("  # so", "  # for this"),
        ("  # so\n\n", "\n\n\n"),
    ],
)
def test_comments_docstrings_and_empty_lines_decide_nothing(
    digest_of: Callable[[str], str], old: str, new: str
) -> None:
    assert old in _SOURCE
    assert digest_of(_SOURCE) == digest_of(_SOURCE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"a"', '"b"'),
        ("    return g(", "        return g("),  # into the block
        ("        x += 1", "    x += 1"),
        ("{x:#x}", "{x:#o}"),
        ("# no comment", "# a comment"),
        ("# no comment\n\n", "# no comment\n"),
        ("@cache\n", ""),
        ("def f(x):\n", "def f(x, y):\n"),
    ],
)
def test_all_else_decides(digest_of: Callable[[str], str], old: str, new: str) -> None:
    assert old in _SOURCE
    assert digest_of(_SOURCE) != digest_of(_SOURCE.replace(old, new))


def test_code_beside_a_docstring_is_code(digest_of: Callable[[str], str]) -> None:
    assert digest_of('class A: """A."""\n') != digest_of('class B: """A."""\n')
    assert digest_of('"""A."""; x = 1\n') != digest_of('"""A."""; x = 2\n')


def test_modules_do_not_run_together(digest: Callable[[Path], str], tmp_path: Path) -> None:
    for folder in {Path(name).parent for name in RULES}:
        (tmp_path / folder).mkdir()
    for name in RULES:
        (tmp_path / name).touch()
    (tmp_path / RULES[0]).write_text("x = 1\n", encoding="utf-8")
    one = digest(tmp_path)
    (tmp_path / RULES[0]).write_text("", encoding="utf-8")
    (tmp_path / RULES[1]).write_text("x = 1\n", encoding="utf-8")
    assert digest(tmp_path) != one
