"""How templates are read, those of digests, pages and reports alike: an installation's folder first, then ours.

Sandboxing would gain nothing: whoever writes templates also writes the settings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def environment(
    folders: Sequence[Path], *, escapes: bool | Callable[[str | None], bool] = True, watched: bool = True
) -> Environment:
    """An environment in which an unknown name is an error. `escapes` is whether values become text in HTML, by name of
    template if need be. A change of a file counts at once, unless it is not `watched`."""
    return Environment(
        loader=FileSystemLoader([str(folder) for folder in folders]),
        autoescape=escapes,  # noqa: S701 - on, unless the caller tells HTML and plain text apart
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=watched,
    )
