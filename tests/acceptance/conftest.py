"""The program as its users meet it: the command in a process of its own, and receivers that are not the demo's.

The mail server is aiosmtpd as it comes; the Bot API and the webhook receiver are plain servers of the standard
library.
"""

from __future__ import annotations

import email
import email.policy
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiosmtpd.controller import Controller

from dispatch import archive
from subscribers.database import SCHEMA, Database

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "config" / "samples" / "huoju-2022-05.md"
TOKEN = "77:stand-in-token"


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Mailbox:
    """A handler for aiosmtpd. `reply` may refuse by recipient."""

    mails: list[EmailMessage] = field(default_factory=list)
    reply: Callable[[str], str] = lambda address: "250 OK"

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        answer = self.reply(address)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 accepted"

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if address in str(mail["To"])]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """(recipient, column) of each mail, by its subject."""
        return sorted((str(mail["To"]), _column(str(mail["Subject"]))) for mail in self.mails)


def _column(subject: str) -> str:
    """The whole subject where it names no column: aiosmtpd asks for every property of its handler."""
    found = re.search(r"·(.+?)：", subject)
    return found[1] if found else subject


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        """The fields, as aiogram sends them."""
        return dict(parse_qsl(self.body.decode()))


class Recorder(ThreadingHTTPServer):
    """A plain HTTP server that keeps what is posted and answers by `answer(path, body) -> (status, body)`."""

    daemon_threads = True

    def __init__(self, answer: Callable[[str, bytes], tuple[int, bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.requests: list[Request] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append(Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        status, answer = self.server.answer(self.path, body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """Say nothing."""


def free_port() -> int:
    """A port that is free now: aiosmtpd's controller connects to the number it is given, so 0 does not do."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def smtp(mailbox: Mailbox) -> Iterator[Controller]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller
    controller.stop()


def _serving(server: Recorder) -> Iterator[Recorder]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def hooks() -> Iterator[Recorder]:
    yield from _serving(Recorder(lambda path, body: (200, b"")))


@pytest.fixture
def bot() -> Iterator[Recorder]:
    results: dict[str, dict[str, Any]] = {
        "sendMessage": {"message_id": 1, "date": 1700000000, "chat": {"id": 1, "type": "private"}, "text": "x"},
        "getMe": {"id": 77, "is_bot": True, "first_name": "动态", "username": "bulletin_bot"},
        "getWebhookInfo": {"url": "", "has_custom_certificate": False, "pending_update_count": 0},
        "getChat": {"id": -1001, "type": "group", "title": "x", "accent_color_id": 0, "max_reaction_count": 11},
    }

    def answer(path: str, body: bytes) -> tuple[int, bytes]:
        method = path.removeprefix(f"/bot{TOKEN}/")
        if method not in results:
            return 404, b'{"ok": false, "error_code": 404, "description": "Not Found"}'
        return 200, json.dumps({"ok": True, "result": results[method]}).encode()

    yield from _serving(Recorder(answer))


class Command:
    """Runs `dispatch` in a folder, with settings from the environment alone."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DISPATCH_")}
        self.environment = {**inherited, **environment}

    def __call__(self, *words: str, expect: int = 0, **environment: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "dispatch", *words],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def dialect() -> str:
    """The kind of the database; tests that need both are marked with `both_databases`."""
    return "sqlite"


@pytest.fixture
def database_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if dialect == "sqlite":
        return f"sqlite:///{tmp_path / 'work.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def bare(tmp_path: Path, database_url: str) -> Command:
    """The command with a database and no channel set up."""
    Database.open(database_url, (SCHEMA, archive.SCHEMA)).close()
    return Command(tmp_path, {"DISPATCH_DATABASE__URL": database_url})


@pytest.fixture
def dispatch(tmp_path: Path, database_url: str, smtp: Controller, hooks: Recorder, bot: Recorder) -> Command:
    """The command set up for the three receivers, with a database."""
    Database.open(database_url, (SCHEMA, archive.SCHEMA)).close()
    return Command(
        tmp_path,
        {
            "DISPATCH_DATABASE__URL": database_url,
            "DISPATCH_INTAKE__FOLDER": str(tmp_path / "inbox"),
            "DISPATCH_EMAIL__HOST": "127.0.0.1",
            "DISPATCH_EMAIL__PORT": str(smtp.port),
            "DISPATCH_EMAIL__SECURITY": "none",
            "DISPATCH_EMAIL__FROM_ADDRESS": "news@bulletin.test",
            "DISPATCH_TELEGRAM__TOKEN": TOKEN,
            "DISPATCH_TELEGRAM__API_BASE": bot.url,
            "DISPATCH_WEBHOOK__ALLOW_NETWORKS": "127.0.0.0/8,::1/128",
        },
    )
