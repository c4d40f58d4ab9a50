"""Words by which a reader chooses among the articles that they follow: only with one of these, never with one of those.

The functions that write are called inside a transaction of the caller's, and put on record what they change.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from subscribers import audit
from subscribers.audit import Act
from subscribers.database import Database, queries
from subscribers.errors import InvalidValue
from subscribers.model import Word

SQL = queries(Path(__file__).with_name("sql") / "words.sql")
MOST = 20
"""Words of one endpoint."""

SHORTEST, LONGEST = 2, 40
"""Characters of a word."""

NEVER = "-"
"""What stands before a word in a table that no article is to hold."""

_SEPARATORS = ";；"  # between the words of a table's cell


def checked(text: str, folded: str, *, excluded: bool) -> Word:
    """A word as somebody wrote it, and as it is looked for. Raises InvalidValue where it is too short or too long, or
    could not be written into a table."""
    shown = " ".join(text.split())
    if not shown.isprintable() or any(0xD800 <= ord(character) <= 0xDFFF for character in shown):
        raise InvalidValue("a word has visible characters only")
    if any(mark in shown for mark in _SEPARATORS) or shown[:1] in ("+", NEVER):
        raise InvalidValue(f"the word {shown!r}: it begins with neither + nor -, and holds no semicolon")
    if not SHORTEST <= len(shown) <= LONGEST or not SHORTEST <= len(folded) <= LONGEST:
        raise InvalidValue(f"the word {shown[:LONGEST]!r}: a word has {SHORTEST} to {LONGEST} characters")
    if not any(character.isalnum() for character in folded):
        raise InvalidValue(f"the word {shown!r} has no letter, digit or Chinese character")
    return Word(shown, folded, excluded)


def of_endpoint(db: Database, endpoint_id: int) -> tuple[Word, ...]:
    """The words of an endpoint, in the order in which they were added."""
    rows = db.rows(SQL["of_endpoint"], {"endpoint_id": endpoint_id})
    return tuple(Word(word, folded, bool(excluded)) for word, folded, excluded in rows)


def add(db: Database, endpoint_id: int, words: Iterable[Word], act: Act) -> list[Word]:
    """Add words; those that were new, or of the other kind before. Raises InvalidValue where they are too many."""
    known = {word.folded: word for word in of_endpoint(db, endpoint_id)}
    wanted = {word.folded: word for word in words}
    new = [word for folded, word in wanted.items() if folded not in known or known[folded].excluded != word.excluded]
    if len(known.keys() | wanted.keys()) > MOST:
        raise InvalidValue(f"an endpoint has at most {MOST} words; remove one first")
    for word in new:
        values = {"folded": word.folded, "word": word.text, "excluded": int(word.excluded)}
        db.run(SQL["add"], {"endpoint_id": endpoint_id, **values, "now": act.at})
    if new:
        audit.record(db, act, "words", audit.ENDPOINT, endpoint_id, {"added": list(map(written, new))})
    return new


def remove(db: Database, endpoint_id: int, folded: Iterable[str], act: Act) -> list[Word]:
    """Remove words by what is looked for; those that there were."""
    known = {word.folded: word for word in of_endpoint(db, endpoint_id)}
    gone = [known[word] for word in dict.fromkeys(folded) if word in known]
    for word in gone:
        db.run(SQL["remove"], {"endpoint_id": endpoint_id, "folded": word.folded})
    if gone:
        audit.record(db, act, "words", audit.ENDPOINT, endpoint_id, {"removed": list(map(written, gone))})
    return gone


def written(word: Word) -> str:
    """A word as tables and the record have it: `区块链`, or `-广告` for one that no article is to hold."""
    return f"{NEVER}{word.text}" if word.excluded else word.text
