"""What receivers and libraries say, as every database takes it."""

from __future__ import annotations


def storable(words: str, most: int) -> str:
    """At most so many characters, without halves of characters and NULs."""
    if words.isascii():
        return words[:most].replace("\0", "�")
    return words.encode("utf-8", "replace").decode().replace("\0", "�")[:most]
