"""What the tagger's rules are, as a hash: articles are tagged anew when they change, as when the catalog does.

Tags depend on code too. A version that somebody has to raise is forgotten, so the hash is made of the code itself, by
docs/rules_digest.py, and a test tells when it is not up to date. It is made beforehand and kept in a file: an
installation may have no sources, and each is to have the same.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from dispatch.assets import config_dir

# All of the program that decides a tag; a test holds it to what the tagger imports.
RULES = (
    "catalog/carried.py",
    "catalog/words.py",
    "intake/characters.py",
    "intake/examples.py",
    "intake/named_zones.py",
    "intake/other_zones.py",
    "intake/park_roles.py",
    "intake/park_rules.py",
    "intake/passages.py",
    "intake/plain_catalog.py",
    "intake/shared_names.py",
    "intake/tagger.py",
    "intake/topic_rules.py",
    "intake/vocabulary.py",
)
DIGEST = Path(__file__).with_name("rules.digest")


@cache
def rules_digest() -> str:
    """A hash of the tagger's code and of the tables of characters and places that it reads."""
    found = hashlib.sha256((config_dir() / "traditional.txt").read_bytes())
    found.update((config_dir() / "places.txt").read_bytes())
    found.update(DIGEST.read_bytes().strip())
    return found.hexdigest()
