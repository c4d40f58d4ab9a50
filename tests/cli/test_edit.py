"""`dispatch issues edit`: by an editor on a terminal, and by a file."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import Office


def _text(office: Office) -> str:
    return office("issues", "edit", "534", "--print").stdout


def _titles(office: Office) -> list[str]:
    return [a["title"] for c in office.json("issues", "show", "534")["issue"]["columns"] for a in c["articles"]]


def test_a_changed_file_changes_the_held_issue(sampled: Office, tmp_path: Path) -> None:
    file = tmp_path / "changed.txt"
    file.write_text(_text(sampled).replace("邵新宇在", "某某在"), encoding="utf-8")
    assert "is changed" in sampled("issues", "edit", "534", "--from", str(file)).stdout
    assert _titles(sampled)[0].startswith("某某在")
    assert sampled.json("search", "某某在")["total"] == 1
    assert "nothing was changed" in sampled("issues", "edit", "534", "--from", str(file)).stdout


def test_what_is_routed_follows_the_tags_that_a_person_gave(sampled: Office, tmp_path: Path) -> None:
    sampled("subscribers", "add", "--email", "a@example.com", "--follow", "park:贵阳高新区", "--confirmed")
    before = sampled.json("issues", "send", "534", "--dry-run")["deliveries"]
    file = tmp_path / "changed.txt"
    head, _, body = _text(sampled).partition("\n\n")
    file.write_text(f"{head}\n\n{body.replace('   about:', '   about: 贵阳高新区,', 1)}", encoding="utf-8")
    sampled("issues", "edit", "534", "--from", str(file))
    assert sampled.json("issues", "send", "534", "--dry-run")["deliveries"] == before + 1


def test_a_wrong_file_changes_nothing(sampled: Office, tmp_path: Path) -> None:
    file = tmp_path / "changed.txt"
    before = _titles(sampled)
    for data in (b"", b"\xff", b"1. x", b"== A\n1. x\n"):
        file.write_bytes(data)
        sampled("issues", "edit", "534", "--from", str(file), expect=2)
    sampled("issues", "edit", "534", "--from", str(tmp_path / "none.txt"), expect=2)
    assert _titles(sampled) == before


def test_an_issue_that_is_approved_is_not_edited(sampled: Office, tmp_path: Path) -> None:
    file = tmp_path / "changed.txt"
    file.write_text(_text(sampled).replace("邵新宇在", "某某在"), encoding="utf-8")
    sampled("issues", "approve", "534")
    sampled("issues", "edit", "534", "--from", str(file), expect=1)
    sampled("issues", "hold", "534")
    sampled("issues", "edit", "534", "--from", str(file))


def test_without_a_terminal_the_other_way_is_named(sampled: Office) -> None:
    sampled("issues", "edit", "534", expect=2)


def test_an_editor_that_is_not_there_is_told(sampled: Office, tmp_path: Path) -> None:
    terminal, own = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "dispatch", "issues", "edit", "534"],
        stdin=own, capture_output=True, text=True, env={**os.environ, "VISUAL": "no-such-editor"}, cwd=tmp_path,
        timeout=60,
    )  # fmt: skip
    os.close(own)
    os.close(terminal)
    assert done.returncode == 1
    assert "no-such-editor" in done.stderr
    assert "Traceback" not in done.stderr


_EDITOR = """
import sys
from pathlib import Path
file, log = Path(sys.argv[-1]), Path(sys.argv[1])
times = int(log.read_text()) if log.exists() else 0
log.write_text(str(times + 1))
text = file.read_text(encoding="utf-8")
text = "wrong\\n" + text if times == 0 else text.removeprefix("wrong\\n").replace("邵新宇在", "某某在")
file.write_text(text, encoding="utf-8")
"""


def test_an_editor_on_a_terminal_is_asked_again_where_a_line_is_wrong(sampled: Office, tmp_path: Path) -> None:
    script = tmp_path / "editor.py"
    script.write_text(_EDITOR, encoding="utf-8")
    terminal, own = pty.openpty()
    env = {**os.environ, "VISUAL": f"{sys.executable} {script} {tmp_path / 'times'}"}
    done = subprocess.Popen(
        [sys.executable, "-m", "dispatch", "issues", "edit", "534"],
        stdin=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, cwd=tmp_path,
    )  # fmt: skip
    os.close(own)
    os.write(terminal, b"y\n")  # change it again
    out, err = done.communicate(timeout=60)
    os.close(terminal)
    assert done.returncode == 0, err.decode()
    assert "before the first column" in err.decode()
    assert "is changed" in out.decode()
    assert (tmp_path / "times").read_text() == "2"
    assert _titles(sampled)[0].startswith("某某在")
