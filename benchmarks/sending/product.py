"""The product in a folder of its own: an approved issue, readers, and `dispatch run` that sends it.

    benchmarks/sending/product.py FOLDER READERS    makes the folder; `Office` does the rest from outside

Each reader follows one, two or three of a park and five topics, and gets one message: two of the four articles in
full and the others as titles, so there are six variants. The articles are as long as it takes for a message of
WIRE_BYTES.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[0] = str(ROOT)  # not this folder

from benchmarks.sending import processes
from benchmarks.sending.processes import Ended
from benchmarks.sending.sink import Sink, fingerprint

WIRE_BYTES = 23_000
_ADDRESS = "reader{}@example.org"
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
from_address = "news@example.org"
postal_address = "1 Example Road, Beijing 100000"
{email}
"""

_PEOPLE = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
INSERT INTO subscribers (name, created_at) SELECT '读者' || i, 1 FROM n
"""
_RHYTHM = """
INSERT INTO rhythms (cadence, weekday, minute, timezone, quiet_from, quiet_until)
VALUES ('now', -1, -1, 'Asia/Shanghai', -1, -1)
"""
_ENDPOINTS = """
INSERT INTO endpoints (subscriber_id, channel, address, queue, state, language, format, bundled, rhythm_id, created_at,
                       changed_at)
SELECT id, 'email', 'reader' || id || '@example.org', 'email', 'active', 'zh', 'full', 0, 1, 1, 1
FROM subscribers ORDER BY id
"""
_FOLLOWS = """
INSERT INTO follows (tag, endpoint_id, created_at)
SELECT :tag, id, 1 FROM endpoints WHERE id % 7 IN (SELECT value FROM json_each(:readers)) ORDER BY id
"""
_CARRIED = {  # by which articles, and followed by which readers (their number modulo 7)
    "park:南昌高新区": ((0, 1), (0, 6)),
    "topic:optoelectronics": ((2, 3), (1,)),
    "topic:blockchain": ((0,), (2, 3, 6)),
    "topic:biomedicine": ((1,), (4, 5, 6)),
    "topic:new-materials": ((2,), (2, 4)),
    "topic:new-energy": ((3,), (3, 5)),
}
_VARIANTS = (0b0011, 0b1100, 0b0101, 0b1001, 0b0110, 0b1010)
_PARAGRAPH = (
    "南昌高新区聚焦光电产业，上半年新增企业120家，完善服务体系，搭建公共平台，"
    "推动创新链、产业链、资金链、人才链深度融合，"
)


def prepare(folder: Path, readers: int) -> None:
    """A database with the approved issue and the readers, in one file."""
    from dispatch import archive
    from subscribers.database import SCHEMA, Database

    db = Database.open(f"sqlite:///{folder / 'dispatch.db'}", (SCHEMA, archive.SCHEMA))
    with db.transaction():
        _add_issue(db, _fitting())
        db.run(_PEOPLE, {"count": readers})
        db.run(_RHYTHM)
        db.run(_ENDPOINTS)
        for tag, (_, readers_of) in sorted(_CARRIED.items()):
            db.run(_FOLLOWS, {"tag": tag, "readers": json.dumps(readers_of)})
    db.run("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def _add_issue(db: Any, characters: int) -> None:
    from dispatch import archive
    from dispatch.archive import ColumnName
    from dispatch.model import Article, Block, BlockKind, Column, Issue

    blocks = tuple(Block(BlockKind.PARAGRAPH, text) for text in _paragraphs(characters))
    articles = tuple(Article(f"高新区光电产业再上台阶之{n}", "南昌高新区", blocks) for n in range(4))
    column = Column("高质量发展看高新区", "", articles)
    issue = Issue("huoju", "火炬动态", "科技部火炬中心", 2022, 5, 534, None, (column,))
    tags = {
        article.title: [tag for tag, (carriers, _) in _CARRIED.items() if n in carriers]
        for n, article in enumerate(articles)
    }
    added = archive.add(
        db,
        issue,
        source="benchmark",
        warnings=(),
        column_name=lambda bulletin, column: ColumnName(column.name, ""),
        tags_of=lambda article, column: tags[article.title],
        now=1,
    )
    archive.approve(db, archive.load(db, added.id), "benchmark", 1)


def _paragraphs(characters: int) -> list[str]:
    text = _PARAGRAPH * (characters // len(_PARAGRAPH) + 1)
    return [text[at : min(at + 200, characters)] for at in range(0, characters, 200)]


def _fitting() -> int:
    """The characters of an article with which a message has WIRE_BYTES: size is a straight line of length."""
    short, long = 200, 2000
    small, large = _mean_size(short), _mean_size(long)
    return max(round(short + (WIRE_BYTES - small) * (long - short) / (large - small)), 1)


def _mean_size(characters: int) -> float:
    """Bytes of a message on the wire, as the channel builds it, over the variants."""
    from dispatch import archive
    from dispatch.app import App
    from dispatch.digests.compose import section
    from dispatch.model import Content
    from dispatch.settings import EmailSettings, Settings, WebSettings
    from dispatch.testing.samples import sample_envelope
    from subscribers.database import SCHEMA, Database

    email = EmailSettings(host="127.0.0.1", from_address="news@example.org", postal_address="1 Example Road, Beijing")
    app = App(Settings.model_construct(email=email, web=WebSettings(base_url="https://bulletin.example.org")))
    channel = app.channels()["email"]
    with tempfile.TemporaryDirectory() as folder:
        db = Database.open(f"sqlite:///{folder}/dispatch.db", (SCHEMA, archive.SCHEMA))
        with db.transaction():
            _add_issue(db, characters)
        digest = archive.digest(db, archive.digest_ids(db, 1)[0])
        db.close()
    envelope = sample_envelope("reader1@example.org", channel="email", name="x" * 90)  # as long as a signed link
    sizes = [
        len(channel.preview(Content("digest", "zh", "full", (section(digest, variant),)), envelope)[".eml"].encode())
        for variant in _VARIANTS
    ]
    return sum(sizes) / len(sizes)


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
        email = [f"connections = {self.connections}", f'security = "{"starttls" if self.tls else "none"}"']
        if self.signed:
            email += ['dkim_selector = "s1"', 'dkim_key = "dkim.pem"']
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
        sent = _checked(folder / "dispatch.db", readers, ended, took)
        shutil.rmtree(folder)
        return sent

    def _copy(self, readers: int) -> Path:
        made = self._folder / f"readers-{readers}"
        if not made.is_dir():
            made.mkdir()
            subprocess.run([sys.executable, __file__, str(made), str(readers)], check=True)
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


def _checked(file: Path, readers: int, ended: Ended, took: Mapping[str, Any]) -> Sent:
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
    sent = [address for (address,) in db.execute(_ACCEPTED)]
    db.close()
    expected = {name: {"sent": readers} for name in tables}
    if whole and tables != expected:
        sys.exit(f"the ledger has {tables}, not {expected}: {ended.err}")
    if took["accepted"] != len(sent) or took["recipients"] != sum(map(fingerprint, sent)):
        sys.exit(f"the sink took {took['accepted']} messages, the ledger has {len(sent)} sent: {ended.err}")
    if not sent or (whole and ended.code) or not (whole or ended.stopped):
        sys.exit(f"the run ended with {ended.code}: {ended.out}{ended.err}")
    return Sent(
        messages=len(sent),
        seconds=(max(last, ended_at or 0) - began) / 1000,
        process_seconds=ended.seconds,
        cpu=ended.cpu,
        peak_mb=ended.peak_mb,
        message_bytes=took["bytes"] / took["accepted"],
        sink_cpu=took["cpu"],
        connections=took["connections"],
        most_open=took["most_open"],
        sample=took["samples"][0],
        whole=whole,
    )


_ACCEPTED = """
SELECT e.address FROM attempts a JOIN messages m ON m.id = a.message_id JOIN endpoints e ON e.id = m.endpoint_id
WHERE a.outcome = 'sent'
"""


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), int(sys.argv[2]))
