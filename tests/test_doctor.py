"""What doctor finds of a set-up before it fails at work."""

from __future__ import annotations

import os
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from dispatch import doctor
from dispatch.app import App
from dispatch.delivery.clock import SystemClock
from dispatch.delivery.leases import new_owner
from dispatch.doctor import Finding
from dispatch.settings import load_settings
from subscribers.database import Database

Examined = Callable[..., list[Finding]]


@pytest.fixture
def examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Examined:
    """The findings of an installation whose settings are `text`, about `what`."""

    def made(text: str, what: str) -> list[Finding]:
        file = tmp_path / "dispatch.toml"
        file.write_text(text, encoding="utf-8")
        return [found for found in doctor.examine(App(load_settings(file)), file) if found.what == what]

    return made


@contextmanager
def listening() -> Iterator[str]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def free() -> str:
    with listening() as address:
        return address


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("digest.html.j2", "{% if %}", "digest.html.j2, line 1: "),
        ("web/leave.html.j2", "x\n{{ (", "leave.html.j2, line 2: "),
        ("frame.zh.toml", "x = ", "frame.zh.toml: "),
    ],
)
def test_templates_that_cannot_be_read_are_found(
    examined: Examined, tmp_path: Path, name: str, text: str, words: str
) -> None:
    file = tmp_path / "own" / name
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    [found] = examined('[templates]\nfolder = "own"', "templates")
    assert found.state == "bad"
    assert words in found.detail


def test_templates_that_are_well_or_not_there_are_told(examined: Examined, tmp_path: Path) -> None:
    [found] = examined('[templates]\nfolder = "own"', "templates")
    assert (found.state, "there is no folder" in found.detail) == ("bad", True)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "digest.html.j2").write_text("{{ content }}", encoding="utf-8")
    [found] = examined('[templates]\nfolder = "own"', "templates")
    assert found.state == "ok"
    assert examined("", "templates") == []


@pytest.mark.parametrize(
    ("text", "what", "words"),
    [
        ('[email]\nhost = "h"', "email", "from_address"),
        ('[email]\nfrom_address = "a@x.test"', "email", "host"),
        ('[[email.relays]]\nhost = "h"', "email", "from_address"),
        ('[email]\nfrom_address = "a@x.test"\n[[email.relays]]\nname = "b"', "email relay b", "no host"),
        ('[email]\nhost = "127.0.0.1"\nport = 1\nfrom_address = "a@x.test"', "email relay default", "starttls"),
        ('[telegram]\napi_base = "http://127.0.0.1:1"', "telegram", "token"),
        ('[[telegram.bots]]\nname = "b"', "telegram bot b", "no token"),
    ],
)
def test_a_channel_that_is_half_set_up_is_bad(examined: Examined, text: str, what: str, words: str) -> None:
    [found] = examined(text, what)
    assert found.state == "bad"
    assert words in found.detail


@pytest.mark.parametrize("what", ["email", "telegram"])
def test_a_channel_of_which_nothing_is_set_is_off(examined: Examined, what: str) -> None:
    assert [found.state for found in examined("", what)] == ["off"]


SECTIONS = [("pages", '[web]\nbase_url = "http://x.test"\nlisten = "{}"'), ("metrics", '[metrics]\nlisten = "{}"')]


@pytest.mark.parametrize(("what", "text"), SECTIONS)
def test_an_address_that_cannot_be_listened_at_is_found(examined: Examined, what: str, text: str) -> None:
    assert [found.state for found in examined(text.format(free()), what)] == ["ok"]
    [found] = examined(text.format("192.0.2.1:8080"), what)  # of no machine (RFC 5737)
    assert (found.state, "this machine cannot" in found.detail) == ("bad", True)


def test_pages_that_another_program_is_in_the_way_of_are_told_from_our_own(examined: Examined, tmp_path: Path) -> None:
    what, text = SECTIONS[0]
    with listening() as address:
        [found] = examined(text.format(address), what)
        assert (found.state, "another program" in found.detail) == ("bad", True)
        app = App(load_settings(tmp_path / "dispatch.toml"))
        with app.database() as db, db.transaction():
            _serving(db)
        assert [found.state for found in examined(text.format(address), what)] == ["ok"]


def _serving(db: Database, role: str = "web") -> None:
    owner, now = new_owner(), SystemClock().now()
    for name in (f"process/{owner}", role):
        db.run(
            "INSERT INTO leases (name, owner, since, until) VALUES (:name, :owner, :now, :until)",
            {"name": name, "owner": owner, "now": now, "until": now + 60_000},
        )


async def test_metrics_of_our_own_are_no_fault(examined: Examined, tmp_path: Path) -> None:
    import asyncio

    what, text = SECTIONS[1]
    file = tmp_path / "served.toml"
    file.write_text(text.format(address := free()), encoding="utf-8")
    async with App(load_settings(file)).metrics():
        found = await asyncio.to_thread(examined, text.format(address), what)
    assert [item.state for item in found] == ["ok"]


def test_programs_of_postgresql_that_are_missing_are_noted(
    examined: Examined, postgres_url: str, tmp_path: Path
) -> None:
    text = f'[database]\nurl = "{postgres_url}"\n[backup]\npostgresql_bin = "bin"'
    [found] = examined(text, "backup")
    assert (found.state, "there is no pg_dump in" in found.detail) == ("note", True)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "pg_dump"
    program.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6'\n", encoding="utf-8")
    program.chmod(0o700)
    [found] = examined(text, "backup")
    assert "is of version 9" in found.detail


EMAIL = '[email]\nhost = "127.0.0.1"\nport = 1\nsecurity = "none"\nfrom_address = "news@x.test"\n'
WITH_BOUNCES = f'{EMAIL}bounce_address = "bounces@x.test"\n[bounces]\n'


@pytest.mark.parametrize(
    ("text", "state", "words"),
    [
        (EMAIL, "off", "set [email] bounce_address and [bounces]"),
        (WITH_BOUNCES, "note", "set maildir, imap_host or listen in [bounces]"),
        (f'{EMAIL}[bounces]\nlisten = "127.0.0.1:0"', "bad", "set [email] bounce_address too"),
        (f'{WITH_BOUNCES}listen = "127.0.0.1:0"', "ok", "reports to bounces@x.test come by listener"),
        (
            f'{WITH_BOUNCES}imap_host = "localhost"',
            "bad",
            "set [bounces] imap_username and [bounces] imap_password too",
        ),
        (f'{WITH_BOUNCES}imap_username = "me"\nimap_password = "x"', "bad", "set [bounces] imap_host too"),
    ],
)
def test_what_reads_the_mail_that_comes_back(examined: Examined, text: str, state: str, words: str) -> None:
    [found] = examined(text, "bounces")
    assert (found.state, words in found.detail) == (state, True), found.detail


def test_relays_in_tables_of_their_own_have_bounces_too(examined: Examined) -> None:
    text = '[email]\nfrom_address = "a@x.test"\n[[email.relays]]\nhost = "127.0.0.1"\nport = 1'
    assert [found.state for found in examined(text, "bounces")] == ["off"]
    assert examined("", "bounces") == []


def test_the_maildir_is_looked_at(examined: Examined, tmp_path: Path) -> None:
    text, folder = f'{WITH_BOUNCES}maildir = "mail"', tmp_path / "mail"
    [found] = examined(text, "bounces maildir")
    assert (found.state, "is not there" in found.detail) == ("bad", True)
    folder.mkdir()
    [found] = examined(text, "bounces maildir")
    assert (found.state, "is no Maildir" in found.detail) == ("bad", True)
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir()
    assert [found.state for found in examined(text, "bounces maildir")] == ["ok"]
    (folder / "new").chmod(0o500)
    [found] = examined(text, "bounces maildir")
    allowed = os.access(folder / "new", os.W_OK)  # to root everything is
    assert (found.state, "read and written" in found.detail) == (("ok", False) if allowed else ("bad", True))


def test_the_address_for_reports_is_free_or_our_own(examined: Examined, tmp_path: Path) -> None:
    what, text = "bounces listener", WITH_BOUNCES + 'listen = "{}"'
    assert [found.state for found in examined(text.format(free()), what)] == ["ok"]
    with listening() as address:
        [found] = examined(text.format(address), what)
        assert (found.state, "[bounces] listen" in found.detail) == ("bad", True)
        app = App(load_settings(tmp_path / "dispatch.toml"))
        with app.database() as db, db.transaction():
            _serving(db, "bounces")
        assert [found.state for found in examined(text.format(address), what)] == ["ok"]


class _Imap(socketserver.StreamRequestHandler):
    """As much of IMAP (RFC 3501) as a log-in and a first look take."""

    def handle(self) -> None:
        self.wfile.write(b"* OK ready\r\n")
        for line in self.rfile:
            tag, command, *words = line.decode().split()
            self.wfile.write(self._answer(command, words).replace("TAG", tag).encode())

    def _answer(self, command: str, words: list[str]) -> str:
        match command:
            case "CAPABILITY":
                return "* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n"
            case "LOGIN" if words[1] != '"right"':
                return f"TAG NO no such password: {words[1]}\r\n"
            case "SELECT":
                return "* 0 EXISTS\r\n* OK [UIDVALIDITY 1] valid\r\nTAG OK [READ-WRITE]\r\n"
            case "UID":
                return "* SEARCH\r\nTAG OK done\r\n"
        return "TAG OK done\r\n"


@pytest.mark.parametrize(("password", "state"), [("right", "ok"), ("hunter2", "bad")])
def test_the_mailbox_is_logged_in_to(examined: Examined, password: str, state: str) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Imap) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            where = f'imap_host = "127.0.0.1"\nimap_port = {server.server_address[1]}\nimap_security = "none"\n'
            text = f'{WITH_BOUNCES}{where}imap_username = "me"\nimap_password = "{password}"'
            [found] = examined(text, "bounces imap")
        finally:
            server.shutdown()
            thread.join()
    assert found.state == state, found.detail
    assert "hunter2" not in found.detail


def test_mail_that_asks_to_unsubscribe_and_is_not_read_is_noted_once(examined: Examined) -> None:
    [found] = examined(EMAIL + 'unsubscribe_address = "leave@x.test"', "unsubscribing mails")
    assert (found.state, "mail to leave@x.test" in found.detail) == ("note", True)
    assert examined(f'{WITH_BOUNCES}listen = "127.0.0.1:0"', "unsubscribing mails") == []


RELAY = '[[email.relays]]\nname = "{}"\nhost = "127.0.0.1"\nport = 1\nsecurity = "none"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (EMAIL, ""),
        (f"{EMAIL}weight = 2", "mean nothing"),
        (f"{EMAIL}standby = true", "mean nothing"),
        (f"{EMAIL}standby = true\n{RELAY.format('b')}standby = true", "each of them is a standby"),
        (f"{EMAIL}standby = true\n{RELAY.format('b')}weight = 2", ""),
    ],
)
def test_weights_and_standbys_without_effect_are_noted(examined: Examined, text: str, words: str) -> None:
    found = examined(text, "email relays")
    assert [(item.state, words in item.detail) for item in found] == ([("note", True)] if words else [])


def test_the_line_of_a_relay_tells_its_share(examined: Examined) -> None:
    text = f"{EMAIL}weight = 2.5\n{RELAY.format('b')}standby = true"
    assert "(none, weight 2.5)" in examined(text, "email relay default")[0].detail
    assert "(none, standby)" in examined(text, "email relay b")[0].detail
