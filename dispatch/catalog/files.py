"""Reads the catalog's folders. Every wrong line is a CatalogError: file, line, reason."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dispatch.catalog.bulletins_file import read_bulletin
from dispatch.catalog.lookup import Catalog
from dispatch.catalog.parks_file import park_words, read_parks
from dispatch.catalog.source import Place, check_shared_words, read_document
from dispatch.catalog.topics_file import read_groups, read_topics, topic_words
from dispatch.catalog.values import Bulletin, Park, Topic, TopicGroup
from dispatch.errors import CatalogError


def read_folder(folders: Iterable[Path]) -> Catalog:
    """One catalog of the folders' files; what a later folder names again it replaces."""
    parks: dict[str, tuple[Park, Place]] = {}
    topics: dict[str, tuple[Topic, Place]] = {}
    groups: dict[str, TopicGroup] = {}
    bulletins: dict[str, Bulletin] = {}
    for number, folder in enumerate(folders):
        if not folder.is_dir():
            raise CatalogError(f"{folder}: there is no such folder")
        for path in _files(folder, number == 0):
            if path.name == "parks.csv":
                parks |= read_parks(path)
            elif path.name == "topics.toml":
                document = read_document(path)
                groups |= read_groups(document)
                topics |= read_topics(document, groups)
            else:
                bulletins[path.stem] = read_bulletin(path)
    check_shared_words((park_words(park), place) for park, place in parks.values())
    check_shared_words((topic_words(topic), place) for topic, place in topics.values())
    return Catalog(
        tuple(park for park, _ in parks.values()),
        tuple(topic for topic, _ in topics.values()),
        tuple(bulletins.values()),
        tuple(groups.values()),
    )


def _files(folder: Path, complete: bool) -> list[Path]:
    main = [folder / "parks.csv", folder / "topics.toml"]
    if complete and (missing := [path for path in main if not path.is_file()]):
        raise Place(missing[0]).error("the file is missing")
    return [path for path in main if path.is_file()] + sorted((folder / "bulletins").glob("*.toml"))
