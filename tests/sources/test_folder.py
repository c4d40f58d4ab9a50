"""Folders that files are dropped into: growing files, links, what cannot be read, a drive that goes away."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from pathlib import Path

import pytest

from dispatch.sources.beside import Beside
from dispatch.sources.folder import Folder
from dispatch.sources.source import Memory, Trouble
from tests.sources.site import FakeClock, look


def folder(path: Path, clock: FakeClock, **more: object) -> Folder:
    found = {"every": 5, "settle": 10, "seconds": 10, **more}
    return Folder("drive", path, clock, **found)  # type: ignore[arg-type]  # one by one


async def test_a_file_is_taken_when_it_has_stood_still_and_moves_away(tmp_path: Path) -> None:
    clock, memory = FakeClock(), Memory()
    source = folder(tmp_path, clock)
    file = tmp_path / "a.md"
    file.write_text("half", encoding="utf-8")
    assert (await look(source, memory, clock)).taken == {}
    clock.ms += 9_000
    file.write_text("half and", encoding="utf-8")  # it has grown: the time begins anew
    assert (await look(source, memory, clock)).taken == {}
    clock.ms += 9_000
    assert (await look(source, memory, clock)).taken == {}
    clock.ms += 1_000
    assert (await look(source, memory, clock)).taken == {str(file): b"half and"}
    assert (tmp_path / "taken" / "a.md").read_text(encoding="utf-8") == "half and"
    assert not file.exists()


async def test_what_is_refused_moves_away_with_its_reason(tmp_path: Path) -> None:
    clock = FakeClock()
    (tmp_path / "a.md").write_text("x", encoding="utf-8")
    await look(folder(tmp_path, clock, settle=0), Memory(), clock, refuse=lambda data: "no issue")
    assert (tmp_path / "refused" / "a.md.reason.txt").read_text(encoding="utf-8") == "no issue\n"


async def test_without_another_look_soon_a_file_is_waited_for(tmp_path: Path) -> None:
    clock = FakeClock()
    (tmp_path / "a.md").write_text("x", encoding="utf-8")
    done = await look(folder(tmp_path, clock), Memory(), clock, patient=True)
    assert (done.names, clock.slept) == (["a.md"], [10])


async def test_the_inbox_is_taken_at_once_where_there_is_no_other_look(tmp_path: Path) -> None:
    clock = FakeClock()
    (tmp_path / "a.md").write_text("x", encoding="utf-8")
    done = await look(folder(tmp_path, clock, at_once=True), Memory(), clock, patient=True)
    assert (done.names, clock.slept) == (["a.md"], [])


async def test_links_folders_pipes_and_unfinished_files_are_left_alone(tmp_path: Path) -> None:
    clock, inside = FakeClock(), tmp_path / "in"
    inside.mkdir()
    (tmp_path / "secret.md").write_text("secret", encoding="utf-8")
    (inside / "link.md").symlink_to(tmp_path / "secret.md")
    (inside / "dangling.md").symlink_to(tmp_path / "nothing")
    (inside / "sub.md").mkdir()
    os.mkfifo(inside / "pipe.md")
    for name in (".hidden.md", "~$a.docx", "b.pdf.part", "c.crdownload"):
        (inside / name).write_text("x", encoding="utf-8")
    done = await look(folder(inside, clock, settle=0), Memory(), clock)
    assert (done.taken, done.refused, done.error) == ({}, {}, None)


async def test_a_file_that_becomes_a_link_before_it_is_read_is_not_followed(tmp_path: Path) -> None:
    clock, inside = FakeClock(), tmp_path / "in"
    inside.mkdir()
    (tmp_path / "secret.md").write_text("secret", encoding="utf-8")
    for name in ("a.md", "b.md"):
        (inside / name).write_text("x", encoding="utf-8")
        os.utime(inside / name, (1, 1 + (name == "b.md")))
    source = folder(inside, clock, settle=0)
    names = []
    async for found in source.look(Memory(), now=0, patient=False):
        names.append(type(found).__name__)
        (inside / "b.md").unlink(missing_ok=True)
        (inside / "b.md").symlink_to(tmp_path / "secret.md")
        getattr(found, "path", tmp_path / "none").unlink(missing_ok=True)
    assert names == ["Document", "Refusal"]


async def test_a_file_that_cannot_be_read_is_told_once_and_taken_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, real = FakeClock(), os.open
    file = tmp_path / "a.md"
    file.write_text("x", encoding="utf-8")

    def forbidden(path: str | Path, flags: int, *more: int) -> int:
        """As a network drive does it, even for root."""
        if path == file:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, flags, *more)

    source = folder(tmp_path, clock, settle=0)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", forbidden)
        assert "cannot be read: Permission denied" in (await look(source, Memory(), clock)).refused[str(file)]
        assert (await look(source, Memory(), clock)).refused == {}
    os.utime(file, (5, 5))
    assert (await look(source, Memory(), clock)).names == ["a.md"]


async def test_a_folder_goes_and_comes_back(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "drive"
    source = folder(path, clock, settle=0)
    done = await look(source, Memory(), clock)
    assert isinstance(done.error, Trouble)
    assert "no such folder" in str(done.error)
    path.mkdir()
    (path / "a.md").write_text("x", encoding="utf-8")
    assert (await look(source, Memory(), clock)).names == ["a.md"]
    shutil.rmtree(path)
    assert (await look(source, Memory(), clock)).error is not None


async def test_what_stays_in_a_folder_is_remembered_over_restarts_until_it_changes(tmp_path: Path) -> None:
    clock, memory = FakeClock(), Memory()
    file = tmp_path / "a.md"
    file.write_text("x", encoding="utf-8")
    assert (await look(folder(tmp_path, clock, settle=0, after="keep"), memory, clock)).names == ["a.md"]
    assert file.exists()
    assert (await look(folder(tmp_path, clock, settle=0, after="keep"), memory, clock)).taken == {}
    shutil.copy(file, tmp_path / "copy.md")  # the same content under another name
    assert (await look(folder(tmp_path, clock, settle=0, after="keep"), memory, clock)).taken == {}
    file.write_text("corrected", encoding="utf-8")
    done = await look(folder(tmp_path, clock, settle=0, after="keep"), memory, clock)
    assert done.taken == {str(file): b"corrected"}


async def test_a_file_that_changes_while_it_is_taken_stays_for_another_look(tmp_path: Path) -> None:
    clock = FakeClock()
    file = tmp_path / "a.md"
    file.write_text("x", encoding="utf-8")

    def change(data: bytes) -> str:
        file.write_text("longer now", encoding="utf-8")
        return ""

    source = folder(tmp_path, clock, settle=0)
    await look(source, Memory(), clock, refuse=change)
    assert (await look(source, Memory(), clock)).taken == {str(file): b"longer now"}


async def test_a_folder_to_move_to_that_is_a_link_is_told_and_the_file_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, inside, victim = FakeClock(), tmp_path / "in", tmp_path / "victim"
    inside.mkdir()
    victim.mkdir()
    (inside / "refused").symlink_to("../victim")
    (inside / "evil.pth").write_text("import os", encoding="utf-8")
    source = folder(inside, clock, settle=0)
    await look(source, Memory(), clock, refuse=lambda data: "no issue")
    assert list(victim.iterdir()) == []
    assert (inside / "evil.pth").exists()
    assert f"{inside / 'refused'} is a link" in caplog.text
    assert (await look(source, Memory(), clock)).taken == {}  # not again and again


async def test_work_that_hangs_is_left_behind_and_not_begun_twice() -> None:
    hangs = threading.Event()
    beside = Beside("/mnt/drive", 0.05)
    with pytest.raises(Trouble, match=r"no answer within 0\.05 seconds"):
        await beside.call(lambda: hangs.wait(30))
    with pytest.raises(Trouble, match="still not answered"):
        await beside.call(lambda: hangs.wait(30))
    hangs.set()
    for thread in threading.enumerate():
        if thread.name == "source /mnt/drive":
            thread.join(10)
    assert await beside.call(lambda: 5) == 5
