"""Files of a catalog's folder that nobody reads: a park.csv or a topics.tml changes nothing, and its editor waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_READ = ("parks.csv", "topics.toml", "zones-other.csv")
_BULLETINS = "bulletins"
# What stands beside them in the program's own folder, and is read from nowhere else.
_OURS = ("dispatch.toml", "pinyin.txt", "places.txt", "providers.toml", "traditional.txt", "samples")
_DATA = (".csv", ".toml")
_ALIKE = 75  # of 100: so like a name that it is meant
_KEPT = ("~", ".bak", ".orig", ".swp")  # what editors keep beside a file


@dataclass(frozen=True, slots=True)
class Stray:
    """A file that is named as if it was meant for the catalog and is not read, and what to do about it."""

    path: Path
    remedy: str

    @property
    def reason(self) -> str:
        return "it is not read: no file of the catalog has this name"


def strays(folder: Path, *, own: bool = True) -> list[Stray]:
    """The files of a folder of the catalog that look as if they were of it and are not read. `own`: the folder is not
    the program's. What is hidden, and what is neither named alike nor data (a README), may lie there."""
    if not folder.is_dir():
        return []  # told by whoever reads it
    found = [*_within(folder, (*_READ, _BULLETINS, *(("dispatch.toml",) if own else _OURS)), own=own)]
    bulletins = folder / _BULLETINS
    if bulletins.is_dir():
        found += _no_bulletins(bulletins)
    return found


def _within(folder: Path, known: tuple[str, ...], *, own: bool) -> Iterator[Stray]:
    for path in sorted(folder.iterdir()):
        if path.name in known or path.name.startswith("."):
            continue
        if own and path.name in _OURS:
            yield Stray(path, "it is read from the program's own folder only: take it out")
        elif near := _nearest(path.name):
            if path.name.endswith(_KEPT) and (folder / near).exists():
                continue
            yield Stray(path, f"call it {near}, or take it out")
        elif path.suffix.lower() in _DATA and path.is_file():
            yield Stray(path, f"the files are {', '.join(_READ)} and {_BULLETINS}/KEY.toml; name it so, or take it out")


def _no_bulletins(folder: Path) -> Iterator[Stray]:
    for path in sorted(folder.iterdir()):
        if path.suffix != ".toml" and not path.name.startswith((".", "README")):
            name = f"{path.name.partition('.')[0]}.toml"
            yield Stray(path, f"a bulletin is {_BULLETINS}/KEY.toml: call it {name}, or take it out")


def _nearest(name: str) -> str:
    """The file of the catalog that is meant by a name, "" where none is."""
    from rapidfuzz import fuzz  # not at module import: folders have such names seldom

    word = name.lower()
    forms = (word, word.rpartition(".")[0])  # parks.csv.txt is parks.csv
    scored = [(max(fuzz.ratio(form, known) for form in forms), known) for known in (*_READ, _BULLETINS)]
    stem = word.partition(".")[0]
    scored += [(fuzz.ratio(stem, known.partition(".")[0]), known) for known in (*_READ, _BULLETINS)]
    score, known = max(scored)
    return known if score >= _ALIKE else ""
