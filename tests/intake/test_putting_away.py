"""Files leave the inbox whole, whatever they are called and wherever the folders lie."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from dispatch.intake.pickup import REFUSED, TAKEN, Inbox


def _drop(folder: Path, name: str, text: str = "x") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_refused_file_has_the_reason_beside_it(tmp_path: Path) -> None:
    Inbox(tmp_path).refused(_drop(tmp_path, "5.md", "text"), "5.md: why; what to do")
    assert _names(tmp_path) == [REFUSED]
    assert (tmp_path / REFUSED / "5.md").read_text() == "text"
    assert (tmp_path / REFUSED / "5.md.reason.txt").read_text() == "5.md: why; what to do\n"


def test_no_file_and_no_reason_takes_the_place_of_another(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    for text in ("one", "two", "three"):
        inbox.refused(_drop(tmp_path, "5.md", text), text)
    inbox.refused(_drop(tmp_path, "5.md.reason.txt", "a file of this name"), "four")
    folder = tmp_path / REFUSED
    assert [(folder / f"5{count}.md").read_text() for count in ("", "-2", "-3")] == ["one", "two", "three"]
    assert (folder / "5.md.reason.txt").read_text() == "one\n"
    assert (folder / "5.md.reason-2.txt").read_text() == "a file of this name"


@pytest.mark.parametrize("name", ["x" * 252 + ".md", "期" * 84 + ".md", "期" * 85, "a." + "x" * 253])
def test_a_name_that_is_as_long_as_one_may_be(tmp_path: Path, name: str) -> None:
    inbox = Inbox(tmp_path)
    for _ in range(3):
        inbox.refused(_drop(tmp_path, name), "why")
    found = _names(tmp_path / REFUSED)
    assert name in found
    assert len(found) == 6
    assert sum(each.endswith(".reason.txt") for each in found) == 3
    inbox.taken(_drop(tmp_path, name))
    assert _names(tmp_path / TAKEN) == [name]


def test_a_folder_on_another_drive(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.fail("there is no second file system at /dev/shm; the test needs one")
    dropped = _drop(tmp_path, "5.md", "text")
    os.utime(dropped, (5, 5))
    with tempfile.TemporaryDirectory(dir=other) as folder:
        Inbox(Path(folder)).refused(dropped, "why")
        assert _names(Path(folder) / REFUSED) == ["5.md", "5.md.reason.txt"]
        moved = Path(folder) / REFUSED / "5.md"
        assert (moved.read_text(), moved.stat().st_mtime) == ("text", 5)
    assert _names(tmp_path) == []


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("name", [TAKEN, REFUSED])
def test_a_link_in_place_of_a_folder_is_not_followed(tmp_path: Path, name: str, there: bool) -> None:
    inbox, elsewhere = tmp_path / "inbox", tmp_path / "elsewhere"
    inbox.mkdir()
    if there:
        elsewhere.mkdir()
    (inbox / name).symlink_to("../elsewhere")
    path = _drop(inbox, "evil.pth", "import os")
    with pytest.raises(OSError, match=f"{name} is a link"):
        Inbox(inbox).taken(path) if name == TAKEN else Inbox(inbox).refused(path, "why")
    assert path.read_text() == "import os"
    assert elsewhere.exists() is there
    assert not there or _names(elsewhere) == []


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    path = _drop(tmp_path, "5.md")
    _drop(tmp_path, REFUSED)
    with pytest.raises(NotADirectoryError):
        Inbox(tmp_path).refused(path, "why")
    assert _names(tmp_path) == ["5.md", REFUSED]


def test_a_name_that_a_link_has_is_taken(tmp_path: Path) -> None:
    (tmp_path / TAKEN).mkdir()
    (tmp_path / TAKEN / "5.md").symlink_to(tmp_path / "nothing")
    Inbox(tmp_path).taken(_drop(tmp_path, "5.md"))
    assert _names(tmp_path / TAKEN) == ["5-2.md", "5.md"]


def test_a_file_that_is_gone_leaves_no_reason(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Inbox(tmp_path).refused(tmp_path / "gone.md", "why")
    assert _names(tmp_path / REFUSED) == []


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.md"))
    path.write_text("x")
    Inbox(tmp_path).refused(path, f"{path.name}: why")
    assert len(_names(tmp_path / REFUSED)) == 2
    shutil.rmtree(tmp_path / REFUSED)
