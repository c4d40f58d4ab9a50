"""Where `templates/`, `config/` and the schemas are: inside the wheel, or beside the packages in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def assets_dir() -> Path:
    """The folder that holds `templates` and `config`."""
    inside = _PACKAGE / "_assets"
    return inside if inside.is_dir() else _PACKAGE.parent


def templates_dir() -> Path:
    return assets_dir() / "templates"


def config_dir() -> Path:
    return assets_dir() / "config"


def schemas_dir() -> Path:
    """The folder of the published JSON Schemas."""
    inside = _PACKAGE / "_assets"
    return inside / "schemas" if inside.is_dir() else _PACKAGE.parent / "docs" / "schemas"
