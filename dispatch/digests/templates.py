"""How templates are read, those of digests, pages and reports alike: an installation's folder first, then ours.

Sandboxing would gain nothing: whoever writes templates also writes the settings.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError


def environment(
    folders: Sequence[Path],
    *,
    escapes: bool | Callable[[str | None], bool] = True,
    watched: bool = True,
    loader: type[FileSystemLoader] = FileSystemLoader,
) -> Environment:
    """An environment in which an unknown name is an error. `escapes` is whether values become text in HTML, by name of
    template if need be. A change of a file counts at once, unless it is not `watched`."""
    return Environment(
        loader=loader([str(folder) for folder in folders]),
        autoescape=escapes,  # noqa: S701 - on, unless the caller tells HTML and plain text apart
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=watched,
    )


def template_faults(ours: Path, own: Path) -> Iterator[str]:
    """What of an installation's own folder cannot be read: templates that do not parse, words that are no TOML."""
    made = environment((own, ours))
    for file in sorted(path for path in own.rglob("*") if path.is_file()):
        fault = ""
        try:
            if file.suffix == ".j2":
                made.get_template(file.relative_to(own).as_posix())
            elif file.suffix == ".toml":
                tomllib.loads(file.read_text(encoding="utf-8-sig"))
        except TemplateSyntaxError as error:
            fault = f", line {error.lineno}: {error}"
        except (TemplateError, ValueError, OSError) as error:
            fault = f": {error}"
        if fault:
            yield f"{file}{fault}"
