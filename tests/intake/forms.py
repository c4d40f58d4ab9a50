"""The sample in other forms: where its files are, and what each must read as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dispatch.catalog import load_catalog
from dispatch.intake.readers import document
from dispatch.intake.splitter import Split, split
from tests.intake.perturb import EXPECTED, ROOT, reading

FORMS = ROOT / "tests/data/forms"


def files(form: str) -> list[str]:
    """The files of a form, as paths below FORMS."""
    return sorted(str(path.relative_to(FORMS)) for path in (FORMS / form).iterdir())


def split_file(path: Path) -> Split:
    return split(document(path).lines, load_catalog().bulletins, path.name)


def read_form(name: str) -> dict[str, Any]:
    """One of the files as it reads, in the form of the expected file."""
    return reading(split_file(FORMS / name).issue)


__all__ = ["EXPECTED", "FORMS", "files", "read_form", "split_file"]
