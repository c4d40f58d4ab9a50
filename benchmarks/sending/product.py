"""The product in a folder of its own: `dispatch run` sends an approved issue, and ledger and sink are compared."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.sending import processes
from benchmarks.sending.processes import Ended
from benchmarks.sending.sink import Sink, fingerprint

ROOT = Path(__file__).parents[2]
_PREPARE = Path(__file__).with_name("prepare.py")
_SETTINGS = """\
[database]
url = "sqlite:///dispatch.db"
synchronous = "full"
[web]
base_url = "https://bulletin.example.org"
{web}
[engine]
{engine}
[email]
host = "127.0.0.1"
port = {port}
from_address = "news@example.test"
postal_address = "1 Example Road, Beijing 100000"
{email}
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A run. `seconds` go by the ledger: from the beginning of the plan to the last outcome on the disk. `cpu` and
    `process_seconds` are the whole process's, with the start of the interpreter."""

    messages: int
    seconds: float
    process_seconds: float
    cpu: float
    peak_mb: float
    message_bytes: float
    sink_cpu: float
    connections: int
    most_open: int
    delay: float  # seconds that the sink's replies really waited
    sample: str = field(repr=False)
    whole: bool = True  # unless it was stopped in the middle

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds


@dataclass(frozen=True, slots=True)
class Setting:
    """What differs between runs: [email] connections, whether messages are signed, whether the relay has STARTTLS,
    and how many processes send."""

    connections: int
    signed: bool = False
    tls: bool = False
    processes: int = 1

    def toml(self, port: int) -> str:
        # The other senders keep their connections for the whole run.
        email = [f"connections = {self.connections}", f'security = "{"starttls" if self.tls else "none"}"']
        email.append("messages_per_connection = 10_000")
        if self.signed:
            workers = max(1, (os.cpu_count() or 1) // self.processes)
            email += ['dkim_selector = "s1"', 'dkim_key = "dkim.pem"', f"dkim_workers = {workers}"]
        service = self.processes > 1
        return _SETTINGS.format(
            port=port,
            email="\n".join(email),
            engine=f"processes = {self.processes}\npoll = 0.1" if service else "",
            web=f'listen = "127.0.0.1:{_free_port()}"' if service else "",
        )


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Office:
    """Installations with so many readers, each made once and copied for each run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs = 0

    def run(self, readers: int, setting: Setting, sink: Sink, most: float = 120.0) -> Sent:
        """Send the issue to that many readers. Ends the program where a message is lost, sent twice or not settled;
        a run that takes more than `most` seconds is stopped, and what it did until then is checked."""
        folder = self._copy(readers)
        (folder / "dispatch.toml").write_text(setting.toml(sink.port), encoding="utf-8")
        before = sink.report()
        assert not before["samples"], "somebody else sends to the sink"
        ended = _serve(folder, setting, most) if setting.processes > 1 else _once(folder, most)
        took = sink.report()
        sent = checked(folder / "dispatch.db", readers, ended, took)
        shutil.rmtree(folder)
        return sent

    def _copy(self, readers: int) -> Path:
        made = self._folder / f"readers-{readers}"
        if not made.is_dir():
            made.mkdir()
            subprocess.run([sys.executable, str(_PREPARE), str(made), str(readers)], check=True)
            _make_key(made / "dkim.pem")
        self._runs += 1
        copy = self._folder / f"run-{self._runs}"
        shutil.copytree(made, copy)
        return copy


def _make_key(file: Path) -> None:
    """An RSA-2048 key in PKCS#8."""
    code = (
        "import sys; from cryptography.hazmat.primitives import serialization as s;"
        "from cryptography.hazmat.primitives.asymmetric import rsa;"
        "sys.stdout.buffer.write(rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes("
        "s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))"
    )
    key = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    file.touch(mode=0o600)
    file.write_bytes(key)


def knows_dkim() -> bool:
    """Whether this version has [email] dkim_key."""
    code = "from dispatch.settings import EmailSettings; print('dkim_key' in EmailSettings.model_fields)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    return done.stdout.strip() == "True"


def environment(folder: Path) -> Mapping[str, str]:
    """That of a run: nothing set for another installation, and the certificate of the tests trusted."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DISPATCH_")}
    trusted = folder / "trusted.pem"
    return {**kept, "PYTHONPATH": str(ROOT), "SSL_CERT_FILE": str(trusted)}


def _trust(folder: Path) -> None:
    code = "import sys; from dispatch.testing.certificate import CERTIFICATE; sys.stdout.write(CERTIFICATE)"
    with (folder / "trusted.pem").open("w") as out:
        subprocess.run([sys.executable, "-c", code], check=True, stdout=out, env=environment(folder))


def _once(folder: Path, most: float) -> Ended:
    _trust(folder)
    command = [sys.executable, "-m", "dispatch", "run", "--once"]
    return processes.run(command, folder=folder, env=environment(folder), most=most)


def _serve(folder: Path, setting: Setting, most: float) -> Ended:
    """Several processes are a matter of the program that runs for ever: it is stopped when the issue is sent. The issue
    is held until all of them are there."""
    _trust(folder)
    db = sqlite3.connect(folder / "dispatch.db", isolation_level=None, check_same_thread=False, timeout=30)
    db.execute("UPDATE issues SET state = 'held'")
    held = True

    def sent() -> bool:
        nonlocal held
        if held:
            (there,) = db.execute("SELECT COUNT(*) FROM leases WHERE name LIKE 'process/%'").fetchone()
            if there >= setting.processes:
                held = False
                db.execute("UPDATE issues SET state = 'approved'")
        return bool(db.execute("SELECT 1 FROM issues WHERE state = 'sent'").fetchone())

    try:
        command = [sys.executable, "-m", "dispatch", "run"]
        return processes.run(command, folder=folder, env=environment(folder), most=most, until=sent)
    finally:
        db.close()


def checked(file: Path, readers: int, ended: Ended, took: Mapping[str, Any]) -> Sent:
    """What the run did, by the ledger, which has to agree with what the sink has."""
    db = sqlite3.connect(file)
    whole = db.execute("SELECT state FROM issues").fetchone()[0] == "sent"
    tables = {
        name: dict(db.execute(f"SELECT {what}, COUNT(*) FROM {name} GROUP BY 1"))
        for name, what in (("deliveries", "state"), ("messages", "state"), ("attempts", "outcome"))
    }
    began, last, ended_at = db.execute(
        "SELECT MIN(m.created_at), MAX(m.ended_at), (SELECT ended_at FROM issues) FROM messages m"
    ).fetchone()
    sent = recipients = 0
    for (address,) in db.execute(_ACCEPTED):  # one by one: what is kept here counts as memory of the next process
        sent += 1
        recipients += fingerprint(address)
    db.close()
    expected = {name: {"sent": readers} for name in tables}
    if whole and tables != expected:
        sys.exit(f"the ledger has {tables}, not {expected}: {ended.err}")
    if (took["accepted"], took["recipients"]) != (sent, recipients):
        sys.exit(f"the sink took {took['accepted']} messages, the ledger has {sent} sent: {ended.err}")
    if not sent or (whole and ended.code) or not (whole or ended.stopped):
        sys.exit(f"the run ended with {ended.code}: {ended.out}{ended.err}")
    return Sent(
        messages=sent,
        seconds=(max(last, ended_at or 0) - began) / 1000,
        process_seconds=ended.seconds,
        cpu=ended.cpu,
        peak_mb=ended.peak_mb,
        message_bytes=took["bytes"] / took["accepted"],
        sink_cpu=took["cpu"],
        connections=took["connections"],
        most_open=took["most_open"],
        delay=took["delay"],
        sample=took["samples"][0],
        whole=whole,
    )


_ACCEPTED = """
SELECT e.address FROM attempts a JOIN messages m ON m.id = a.message_id JOIN endpoints e ON e.id = m.endpoint_id
WHERE a.outcome = 'sent'
"""
