"""Reads the catalog's folders. Every wrong line is a CatalogError: file, line, reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from dispatch.catalog.bulletins_file import read_bulletin
from dispatch.catalog.lookup import Catalog
from dispatch.catalog.parks_file import park_words, read_parks
from dispatch.catalog.source import Place, Told, check_shared_words, read_document, refuse
from dispatch.catalog.topics_file import read_groups, read_topics, topic_words
from dispatch.catalog.values import Bulletin, OtherZone, Park, Topic, TopicGroup
from dispatch.catalog.zones_file import read_zones
from dispatch.errors import CatalogError

Entry = TypeVar("Entry")
Placed = dict[str, tuple[Entry, Place]]


@dataclass
class Entries:
    """All that stands in the folders, each with its place. `replaced` are those of an earlier folder whose place one
    of a later folder has taken: which, where it stood, where the other stands."""

    parks: Placed[Park] = field(default_factory=dict)
    topics: Placed[Topic] = field(default_factory=dict)
    groups: Placed[TopicGroup] = field(default_factory=dict)
    bulletins: Placed[Bulletin] = field(default_factory=dict)
    zones: Placed[OtherZone] = field(default_factory=dict)
    replaced: list[tuple[str, Place, Place]] = field(default_factory=list)

    def catalog(self) -> Catalog:
        return Catalog(
            tuple(park for park, _ in self.parks.values()),
            tuple(topic for topic, _ in self.topics.values()),
            tuple(bulletin for bulletin, _ in self.bulletins.values()),
            tuple(group for group, _ in self.groups.values()),
            tuple(zone for zone, _ in self.zones.values()),
        )

    def read(self, path: Path, told: Told) -> None:
        """Take in what stands in a file."""
        if path.name == "parks.csv":
            self._put("park", self.parks, read_parks(path, told))
        elif path.name == "zones-other.csv":
            self.zones |= read_zones(path, told)
        elif path.name == "topics.toml":
            document = read_document(path, told)
            self._put("group", self.groups, read_groups(document))
            self._put("topic", self.topics, read_topics(document, self.groups))
        else:
            self._put("bulletin", self.bulletins, {path.stem: (read_bulletin(path, told), Place(path))})

    def _put(self, what: str, known: Placed[Entry], added: Placed[Entry]) -> None:
        self.replaced += [(f"{what} {key}", known[key][1], place) for key, (_, place) in added.items() if key in known]
        known |= added


def read_folder(folders: Iterable[Path], told: Told = refuse) -> Catalog:
    """One catalog of the folders' files; what a later folder names again it replaces."""
    return read_entries(folders, told).catalog()


def read_entries(folders: Iterable[Path], told: Told = refuse) -> Entries:
    """All that stands in the folders. What is wrong is `told`; where that raises nothing, it is left out."""
    found = Entries()
    for number, folder in enumerate(folders):
        with _telling(told):
            paths = _files(folder, number == 0)
            for path in paths:
                with _telling(told):
                    found.read(path, told)
    check_shared_words(((park_words(park), place) for park, place in found.parks.values()), told)
    check_shared_words(((topic_words(topic), place) for topic, place in found.topics.values()), told)
    return found


@contextmanager
def _telling(told: Told) -> Iterator[None]:
    """A file or folder that cannot be read at all is told like a line of it."""
    try:
        yield
    except CatalogError as error:
        told(error)


def _files(folder: Path, complete: bool) -> list[Path]:
    if not folder.is_dir():
        raise CatalogError(str(folder), "there is no such folder", remedy="make it, or correct [catalog] folder")
    main = [folder / "parks.csv", folder / "topics.toml"]
    zones = folder / "zones-other.csv"
    if complete and (missing := [path for path in main if not path.is_file()]):
        raise Place(missing[0]).error("the file is missing", "take it from the program's own config folder")
    return [path for path in (*main, zones) if path.is_file()] + sorted((folder / "bulletins").glob("*.toml"))
