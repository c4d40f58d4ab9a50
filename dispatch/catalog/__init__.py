"""Parks, topics and bulletins, from `config/` and an override folder of the installation.

catalog = load_catalog(override=Path("/etc/dispatch/catalog"))
catalog.resolve("park:南昌")        # UsageError: did you mean park:南昌高新区?
catalog.resolve("topic:blockchain")  # "topic:blockchain"
"""

from __future__ import annotations

from pathlib import Path

from dispatch.assets import config_dir
from dispatch.catalog.files import read_folder
from dispatch.catalog.lookup import Catalog
from dispatch.catalog.values import Bulletin, ColumnSpec, OtherZone, Park, Topic, TopicGroup

__all__ = ["Bulletin", "Catalog", "ColumnSpec", "OtherZone", "Park", "Topic", "TopicGroup", "load_catalog"]


def load_catalog(folder: Path | None = None, override: Path | None = None) -> Catalog:
    """The catalog in `folder` (that of the installation by default), changed by the files in `override`.

    A park, topic or bulletin in `override` replaces the one of the same name or key, others are added.
    Raises CatalogError, which names the file, the line and the reason.
    """
    folders = [folder or config_dir()]
    if override is not None:
        folders.append(override)
    return read_folder(folders)
