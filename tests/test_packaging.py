"""The wheel and the start-up."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = (
    "aiogram",
    "aiohttp",
    "aiosmtplib",
    "httpx",
    "httpcore",
    "jinja2",
    "sqlite3",
    "markdown_it",
    "rapidfuzz",
    "psycopg",
)


def run(*words: str, cwd: Path, **environment: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DISPATCH_", "PYTHON"))}
    done = subprocess.run(words, cwd=cwd, env={**inherited, **environment}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT), cwd=out)
    [found] = out.glob("*.whl")
    return found


def test_the_wheel_holds_the_two_packages_and_nothing_else_at_top_level(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"dispatch", "subscribers"}
    assert {"dispatch/py.typed", "subscribers/py.typed", "dispatch/delivery/ledger.sql"} <= set(names)
    for folder in ("templates", "config"):
        here = {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*") if path.is_file()}
        assert {f"dispatch/_assets/{name}" for name in here} <= set(names)
    assert "dispatch/_assets/schemas/webhook-1.json" in names


def test_the_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    binaries = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("\n".join(re.findall(r"^[^\s#][^\\\n]*", lock, re.MULTILINE)), encoding="utf-8")
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", str(constraints))
    run(str(binaries / "python"), *install, f"{wheel}[testing]", cwd=tmp_path)
    command = str(binaries / "dispatch")
    assert run(command, "--version", cwd=tmp_path).startswith("huoju-dispatch ")
    run(command, "init", "here", cwd=tmp_path)
    assert (tmp_path / "here" / "dispatch.toml").read_bytes() == (ROOT / "config" / "dispatch.toml").read_bytes()
    sample = ROOT / "config" / "samples" / "huoju-2022-05.md"
    assert "11 articles" in run(command, "ingest", str(sample), cwd=tmp_path / "here")
    assert "1-火炬在行动.email.html" in run(command, "issues", "preview", "534", cwd=tmp_path / "here")
    assert "FAILED" not in run(command, "demo", cwd=tmp_path)


def loaded(code: str) -> set[str]:
    """The top-level modules in memory after some code, in a process of its own."""
    shown = run(sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)", cwd=ROOT)
    return {name.split(".")[0] for name in shown.splitlines()[-1].split()} | set(shown.splitlines()[-1].split())


def test_help_imports_no_channel_no_database_and_no_reader() -> None:
    code = "import sys; sys.argv = ['dispatch', '--help']\nfrom dispatch.cli.main import main\n"
    code += "try:\n    main()\nexcept SystemExit: pass"
    modules = loaded(code)
    assert not modules & set(HEAVY)
    assert not {name for name in modules if name.startswith(("dispatch.channels", "dispatch.intake"))}


def test_a_process_that_sends_email_only_imports_nothing_of_telegram_or_webhooks(tmp_path: Path) -> None:
    code = f"""
import asyncio, os
os.environ |= {{"DISPATCH_EMAIL__HOST": "127.0.0.1", "DISPATCH_EMAIL__FROM_ADDRESS": "a@x.test",
    "DISPATCH_TELEGRAM__TOKEN": "1:a", "DISPATCH_EMAIL__SECURITY": "none",
    "DISPATCH_DATABASE__URL": "sqlite:///{tmp_path}/x.db", "DISPATCH_INTAKE__FOLDER": "{tmp_path}/inbox",
    "DISPATCH_INTAKE__ORIGINALS": "{tmp_path}/originals"}}
from dispatch.app import App
from dispatch.settings import load_settings
from dispatch.testing.smtp import SmtpSink
from dispatch.service import run_once
from pathlib import Path
from subscribers import directory
from subscribers.audit import Act, Way
from subscribers.model import Preferences
import dispatch.archive as archive
async def main():
    async with SmtpSink() as sink:
        os.environ["DISPATCH_EMAIL__PORT"] = str(sink.port)
        app = App(load_settings())
        with app.database() as db, db.transaction():
            directory.add(db, name="", addresses=[app.address("email", "b@x.test")], follows=["all"],
                          preferences=Preferences(), consent="test", act=Act(1, "x", Way.COMMAND))
        reading = app.pickup.read(Path("config/samples/huoju-2022-05.md"))
        with app.database() as db:
            added = app.pickup.take_in(db, reading, Act(1, "x", Way.COMMAND))
            with db.transaction():
                archive.approve(db, archive.load(db, added.id), "test", 1)
        await run_once(app)
        assert len(sink.messages) == 5
asyncio.run(main())
"""
    modules = loaded(code)
    assert "aiosmtplib" in modules
    # The loopback servers of the test itself are built on aiohttp; the clients of the other channels are not there.
    assert not modules & {"aiogram", "httpx", "httpcore", "psycopg"}
