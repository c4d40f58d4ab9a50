"""What the tagger's rules are, as a hash: articles are tagged anew when they change, as when the catalog does.

Tags depend on code too. A version that somebody has to raise is forgotten, so the code itself is hashed, without
comments, docstrings and layout, which decide nothing.
"""

from __future__ import annotations

import hashlib
import io
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from dispatch.assets import config_dir

# All of the program that decides a tag; a test holds it to what the tagger imports.
RULES = (
    "catalog/words.py",
    "intake/characters.py",
    "intake/named_zones.py",
    "intake/other_zones.py",
    "intake/park_roles.py",
    "intake/park_rules.py",
    "intake/passages.py",
    "intake/shared_names.py",
    "intake/tagger.py",
    "intake/topic_rules.py",
    "intake/vocabulary.py",
)
_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}
_STATEMENT = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}  # after which a new one begins


@cache
def rules_digest() -> str:
    """A hash of the tagger's code and of the tables of characters and places that it reads; of the tables alone where
    the program is installed without its source."""
    package = Path(__file__).parents[1]
    found = hashlib.sha256((config_dir() / "traditional.txt").read_bytes())
    found.update((config_dir() / "places.txt").read_bytes())
    for name in RULES:
        if (package / name).is_file():
            found.update("\0".join(code_of((package / name).read_text(encoding="utf-8"))).encode())
    return found.hexdigest()


def code_of(source: str) -> Iterator[str]:
    """The words of a module's code. A text that stands by itself, such as a docstring, is none of it."""
    begins = True
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in _LAYOUT:
            begins = begins or token.type in _STATEMENT
        elif not (begins and token.type == tokenize.STRING):
            yield token.string
            begins = False
