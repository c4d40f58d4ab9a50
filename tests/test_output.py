"""What is printed and logged: text of strangers steers no terminal and poses as no other line."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dispatch.catalog.source import read_document
from dispatch.errors import CatalogError
from dispatch.output import LineFormatter, emit_json, fail, say, warn

HOSTILE = "a\x1b[2Jb\x9b31mc\u2028d\u200ee\u200ff\u061cg\u202eh\u2066i\rj\ud800k\x7f"
HARMLESS = "a�[2Jb�31mc�d�e�f�g�h�i�j�k�"


@pytest.mark.parametrize(("speak", "start"), [(say, ""), (warn, "warning: "), (fail, "error: ")])
def test_nothing_printed_steers_the_terminal(capsys: pytest.CaptureFixture[str], speak: object, start: str) -> None:
    assert callable(speak)
    speak(HOSTILE)
    captured = capsys.readouterr()
    assert captured.out + captured.err == f"{start}{HARMLESS}\n"


def test_json_keeps_what_it_is_given_and_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    emit_json({"title": HOSTILE + "火炬\n"})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"title": HOSTILE + "火炬\n"}
    assert "火炬" in printed
    assert all(c.isprintable() or c == "\n" for c in printed)


def test_a_record_is_one_line_whatever_is_in_it() -> None:
    try:
        raise ValueError(HOSTILE + "\n2026-01-01 00:00:00 INFO all is well")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "of %s", (f"{HOSTILE}\nnext",), sys.exc_info())
    line = LineFormatter("%(levelname)s %(message)s").format(record)
    assert line.startswith(f"ERROR of {HARMLESS} ⏎ next ⏎ Traceback")
    assert line.isprintable()


def call(folder: Path, *words: bytes, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable.encode(), b"-m", b"dispatch", *words],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize("words", [(b"ingest", b"a\xff.md"), (b"a\xff",), (b"--config", b"\xff", b"doctor")])
def test_bytes_that_are_no_text_are_a_usage_error(tmp_path: Path, words: tuple[bytes, ...]) -> None:
    done = call(tmp_path, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: word ")
    assert "UTF-8" in done.stderr


def test_errors_of_commands_are_harmless_too(tmp_path: Path) -> None:
    done = call(tmp_path, b"ingest", "a\x1b[2J\u202e.md".encode(), DISPATCH_DATABASE__URL="sqlite:///x.db")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert not {"\x1b", "\u202e"} & set(done.stderr)


@pytest.mark.parametrize("text", ["x = " + "[" * 20_000, "x = " + "9" * 20_000])
def test_a_catalog_file_that_is_nested_without_end_is_told_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "topics.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError, match=r"topics\.toml.*not TOML"):
        read_document(file)
