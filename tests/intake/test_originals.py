"""The files that issues came from: whole or not there, found by their bytes, gone with their issues."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatch.errors import Failure, NoReader
from dispatch.intake import originals
from dispatch.intake.opening import MAX_PACKED
from dispatch.intake.originals import YOUNG_SECONDS, Original, Originals
from subscribers.database import Database

NOW = 1_700_000_000_000


def original(path: Path, data: bytes = b"an issue") -> Original:
    path.write_bytes(data)
    found = Original.of(path, "https://example.com/files/issue.pdf?key=1")
    assert found is not None
    return found


def test_a_file_is_kept_by_its_hash_for_its_owner_alone(tmp_path: Path) -> None:
    found = original(tmp_path / "issue.PDF")
    kept = Originals(tmp_path / "kept")
    kept.keep(found)
    kept.keep(found)
    digest = hashlib.sha256(b"an issue").hexdigest()
    [file] = [path for path in (tmp_path / "kept").rglob("*") if path.is_file()]
    assert file.relative_to(tmp_path / "kept").as_posix() == f"{digest[:2]}/{digest}.pdf"
    assert file.stat().st_mode & 0o777 == 0o600
    assert kept.read({"hash": digest, "suffix": ".pdf", "name": "x"}) == b"an issue"


def test_a_file_that_changes_meanwhile_is_not_kept(tmp_path: Path) -> None:
    found = original(tmp_path / "issue.md")
    found.path.write_bytes(b"another issue")
    with pytest.raises(NoReader, match="changed while it was read"):
        Originals(tmp_path / "kept").keep(found)
    assert [path for path in (tmp_path / "kept").rglob("*") if path.is_file()] == []


def test_where_nothing_can_be_written_the_setting_is_named(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file")
    with pytest.raises(NoReader, match=r"\[intake\] originals"):
        Originals(tmp_path / "kept").keep(original(tmp_path / "issue.md"))


def test_what_can_be_no_issue_is_none(tmp_path: Path) -> None:
    with (tmp_path / "large.md").open("wb") as file:
        file.truncate(MAX_PACKED + 1)
    (tmp_path / "folder.md").mkdir()
    os.mkfifo(tmp_path / "pipe.md")
    for name in ("large.md", "folder.md", "pipe.md", "missing.md", "nul\0.md"):
        assert Original.of(tmp_path / name) is None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("https://example.com/files/issue.pdf?key=1", "issue.pdf"),
        ("/home/editor/第5期.pdf", "第5期.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("..", "abcdefabcdef.pdf"),
        ("a\x1b[31m.pdf", "a-31m.pdf"),
    ],
)
def test_the_name_it_is_written_out_by_leads_nowhere_else(name: str, wanted: str) -> None:
    assert originals.file_name({"name": name, "hash": "abcdef" * 10, "suffix": ".pdf"}) == wanted


def test_a_sweep_takes_what_belongs_to_no_issue(connect: Callable[[], Database], tmp_path: Path) -> None:
    db = connect()
    kept = Originals(tmp_path / "kept")
    old, young = NOW / 1000 - 2 * YOUNG_SECONDS, NOW / 1000
    for name, age in (("gone", old), ("leftover", old), ("young", young)):
        found = original(tmp_path / f"{name}.md", name.encode())
        kept.keep(found)
        place = tmp_path / "kept" / found.hash[:2] / f"{found.hash}.md"
        os.utime(place, (age, age))
        if name == "gone":
            with db.transaction():
                originals.remember(db, found, 7, 1, NOW)
            assert originals.known(db, found) is None
            assert originals.of_revision(db, 7, 1, "") is not None
    assert kept.sweep(db, NOW, dry=True) == 2
    assert kept.sweep(db, NOW) == 2
    assert kept.sweep(db, NOW) == 0
    left = [path.read_bytes() for path in (tmp_path / "kept").rglob("*") if path.is_file()]
    assert left == [b"young"]
    with pytest.raises(Failure, match="is not kept"):
        kept.read({"hash": "0" * 64, "suffix": ".md", "name": "gone.md"})
