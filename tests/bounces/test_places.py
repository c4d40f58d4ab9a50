"""Where mails come from: a Maildir, a mailbox on a real IMAP server, our own LMTP and SMTP server, files and a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import os
import pwd
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from dispatch.bounces.desk import Done
from dispatch.bounces.imap import Imap
from dispatch.bounces.listener import Taker, listening
from dispatch.bounces.maildir import Maildir, deliver
from dispatch.bounces.source import MOST_OF_A_LOOK, Source, look
from dispatch.delivery.clock import SystemClock
from dispatch.delivery.store import Store
from dispatch.settings import BounceSettings
from dispatch.testing import certificate
from subscribers import directory
from subscribers.model import EndpointState
from tests.bounces.conftest import Office
from tests.bounces.mails import FORMS
from tests.marks import sqlite_only

pytestmark = sqlite_only
DEAD = next(form.text for form in FORMS if form.name == "postfix, no such user")
HUMAN = next(form.text for form in FORMS if form.name == "somebody writes")


@pytest.fixture
async def store(office: Office) -> AsyncIterator[Store]:
    async with Store(office.desk.connect) as store:
        yield store


async def looked(source: Source, office: Office, store: Store) -> str:
    return str(await look(source, office.reports, store, office.desk.clock, asyncio.Event()))


def put(folder: Path, *mails: bytes) -> None:
    for number, mail in enumerate(mails):
        deliver(folder, mail, 1_700_000_000 + number, number)


def names(folder: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in folder.glob("*/*") if path.parent.name in ("new", "cur"))


@pytest.mark.parametrize("after", ["delete", "seen", "move"])
async def test_a_maildir_is_read_and_what_nobody_understands_is_left(
    office: Office, store: Store, tmp_path: Path, after: str
) -> None:
    report, human = office.written(DEAD, office.issue()), b"From: a@b.test\r\nSubject: hi\r\n\r\nhi\r\n"
    put(tmp_path / "mail", report, human)
    settings = BounceSettings.model_validate({"maildir": tmp_path / "mail", "after": after})
    assert settings.maildir
    source = Maildir(settings.maildir, settings.after, settings.move_to)
    assert await looked(source, office, store) == f"1 {Done.SUPPRESSED}, 1 {Done.UNKNOWN}"
    assert office.state == EndpointState.SUPPRESSED
    left = [path.read_bytes() for path in (tmp_path / "mail" / "new").iterdir()]
    assert left == [human]
    kept = {"delete": tmp_path / "none", "seen": tmp_path / "mail", "move": tmp_path / "mail" / ".Processed"}[after]
    assert [path.name[-4:] for path in kept.glob("cur/*")] == ([] if after == "delete" else [":2,S"])
    assert await looked(source, office, store) == ""
    again = Maildir(settings.maildir, settings.after, settings.move_to)  # as after a new start
    assert await looked(again, office, store) == f"1 {Done.UNKNOWN}"


async def test_what_nobody_understands_keeps_no_report_waiting(office: Office, store: Store, tmp_path: Path) -> None:
    """However much of it there is, in the one look of a program that runs once."""
    human = b"From: a@b.test\r\nSubject: hi\r\n\r\nhi\r\n"
    put(tmp_path / "mail", *[human] * (MOST_OF_A_LOOK + 1), office.written(DEAD, office.issue()))
    assert Done.SUPPRESSED in await looked(Maildir(tmp_path / "mail", "seen", "x"), office, store)


async def test_no_maildir_is_told_and_stops_nothing(
    office: Office, store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert await looked(Maildir(tmp_path / "none", "seen", "x"), office, store) == ""
    assert "[bounces] maildir" in caplog.text


async def test_a_store_that_is_locked_keeps_the_mail_for_the_next_look(
    office: Office, store: Store, tmp_path: Path
) -> None:
    put(tmp_path, office.written(DEAD, office.issue()))
    source = Maildir(tmp_path, "delete", "x")
    await store.call(lambda db: db.wait_for_locks(0.01))
    with office.desk.db.transaction():
        assert await looked(source, office, store) == ""
    assert len(names(tmp_path)) == 1
    assert await looked(source, office, store) == f"1 {Done.SUPPRESSED}"
    assert names(tmp_path) == []


@contextlib.asynccontextmanager
async def server(office: Office, store: Store, folder: Path, **settings: object) -> AsyncIterator[int]:
    found = BounceSettings.model_validate({"listen": "127.0.0.1:0", "unread": folder / "unread", **settings})
    addresses = ("bounces@bulletin.test", "leave@bulletin.test")
    taker = Taker(found, addresses, office.reports, store, office.desk.clock)
    async with listening(found, taker) as port:
        yield port


def talk(port: int, data: bytes, *recipients: str) -> tuple[list[int], list[int]]:
    """What a mail server is answered by LMTP: to each recipient, and for each of those taken after the mail."""
    with smtplib.LMTP("127.0.0.1", port, timeout=30) as client:
        client.ehlo_or_helo_if_needed()
        client.mail("")
        asked = [client.rcpt(recipient)[0] for recipient in recipients]
        if 250 not in asked:
            return asked, []
        assert client.docmd("DATA")[0] == 354
        stuffed = data.replace(b"\r\n.", b"\r\n..")
        client.send(stuffed + (b"" if data.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        return asked, [client.getreply()[0] for code in asked if code == 250]


async def test_the_listener_answers_when_it_is_done_and_takes_its_own_addresses_alone(
    office: Office, store: Store, tmp_path: Path
) -> None:
    message = office.issue()
    path = office.paths.make(message, office.endpoint)
    forged = f"{path[:-20]}{'0' * 5}@bulletin.test"
    others = ("somebody@bulletin.test", forged, path.replace("bulletin", "other"))
    async with server(office, store, tmp_path) as port:
        report = office.written(DEAD, message)
        assert await asyncio.to_thread(talk, port, report, *others) == ([550, 550, 550], [])
        assert await asyncio.to_thread(talk, port, report, *others, path.upper()) == ([550, 550, 550, 250], [250])
        assert office.state == "suppressed"
        assert await asyncio.to_thread(talk, port, report, path, path) == ([250, 250], [250, 250])
    assert office.count("bounces") == 1


async def test_the_listener_carries_a_wish_out_and_keeps_what_a_signature_vouches_for(
    office: Office, store: Store, tmp_path: Path
) -> None:
    path = office.paths.make(office.issue(), office.endpoint)
    human = office.written(HUMAN, 1)
    async with server(office, store, tmp_path) as port:
        assert await asyncio.to_thread(talk, port, human, "leave@bulletin.test") == ([250], [550])
        assert not (tmp_path / "unread").exists()
        assert await asyncio.to_thread(talk, port, human, path) == ([250], [250])
        wish = f"From: li@example.com\r\nSubject: unsubscribe {office.signer.leave(office.endpoint)}\r\n\r\n".encode()
        assert await asyncio.to_thread(talk, port, wish, "Leave@bulletin.test") == ([250], [250])
    assert len(names(tmp_path / "unread")) == 1
    assert office.li.opted_out


async def test_the_listener_says_later_while_the_store_is_locked(office: Office, store: Store, tmp_path: Path) -> None:
    message = office.issue()
    path = office.paths.make(message, office.endpoint)
    await store.call(lambda db: db.wait_for_locks(0.01))
    async with server(office, store, tmp_path) as port:
        with office.desk.db.transaction():
            assert await asyncio.to_thread(talk, port, office.written(DEAD, message), path) == ([250], [451])
        assert await asyncio.to_thread(talk, port, office.written(DEAD, message), path) == ([250], [250])
    assert office.state == "suppressed"


async def test_the_listener_speaks_smtp_too_and_takes_no_more_than_its_connections(
    office: Office, store: Store, tmp_path: Path
) -> None:
    message = office.issue()
    path = office.paths.make(message, office.endpoint)

    def by_smtp(port: int) -> int:
        with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
            client.sendmail("", [path], office.written(DEAD, message))
            with pytest.raises(smtplib.SMTPConnectError) as refused:
                smtplib.SMTP("127.0.0.1", port, timeout=30)
            return refused.value.smtp_code

    async with server(office, store, tmp_path, protocol="smtp", connections=1) as port:
        assert await asyncio.to_thread(by_smtp, port) == 421
    assert office.state == "suppressed"


# A real IMAP server (Debian's dovecot-imapd), with TLS, as an instance of its own.

DOVECOT = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
CONFIGURATION = """\
base_dir = {folder}/run
log_path = {folder}/log
instance_name = {folder.name}
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/key.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
default_login_user = {login}
default_internal_user = {login}
default_internal_group = {group}
first_valid_uid = 1
mail_location = maildir:{folder}/mail
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
passdb {{
  driver = static
  args = password=hunter2
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home
}}
"""


@dataclass
class ImapServer:
    folder: Path
    plain: int
    tls: int

    def settings(self, **more: object) -> BounceSettings:
        found = {"imap_host": "localhost", "imap_port": self.tls, "imap_username": "li", "imap_password": "hunter2"}
        return BounceSettings.model_validate({**found, **more})

    def client(self) -> imaplib.IMAP4:
        client = imaplib.IMAP4("127.0.0.1", self.plain, timeout=30)
        client.login("li", "hunter2")
        client.select("INBOX")
        return client

    def append(self, *mails: bytes) -> None:
        client = self.client()
        for mail in mails:
            client.append("INBOX", "", "", mail)
        client.logout()

    def flags(self, folder: str = "INBOX") -> list[str]:
        """The flags of each mail in a folder, in order."""
        client = self.client()
        if client.select(folder, readonly=True)[0] != "OK":
            client.logout()
            return ["no such folder"]
        _, answer = client.fetch("1:*", "(FLAGS)")
        client.logout()
        return [b" ".join(imaplib.ParseFlags(item)).decode() for item in answer if isinstance(item, bytes)]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def imap_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ImapServer]:
    if DOVECOT is None:
        pytest.skip("no Dovecot here: apt-get install dovecot-imapd")
    folder = Path(tempfile.mkdtemp(prefix="imap"))  # the path of a socket is at most about 100 characters long
    own = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    plain, tls = free_port(), free_port()
    (folder / "key.pem").write_text(certificate._KEY + certificate.CERTIFICATE, encoding="ascii")
    (folder / "trusted.pem").write_text(certificate.CERTIFICATE, encoding="ascii")
    for name in ("mail", "home"):
        (folder / name).mkdir()
        os.chown(folder / name, own.pw_uid, own.pw_gid)
    folder.chmod(0o755)
    login = "nobody" if os.getuid() == 0 else own.pw_name
    import grp

    text = CONFIGURATION.format(
        folder=folder, login=login, group=grp.getgrgid(own.pw_gid).gr_name, plain=plain, tls=tls, uid=own.pw_uid,
        gid=own.pw_gid,
    )  # fmt: skip
    (folder / "dovecot.conf").write_text(text, encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "trusted.pem"))
    with subprocess.Popen([DOVECOT, "-F", "-c", str(folder / "dovecot.conf")], stderr=subprocess.PIPE) as process:
        try:
            _answers(process, plain, folder)
            yield ImapServer(folder, plain, tls)
        finally:
            process.terminate()
            process.communicate()
            shutil.rmtree(folder, ignore_errors=True)


def _answers(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    """Wait until the server greets."""
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as found:
            if found.recv(4) == b"* OK":
                return
    log = (folder / "log").read_text(encoding="utf-8") if (folder / "log").exists() else ""
    pytest.fail(f"Dovecot did not start: {process.stderr.read().decode() if process.stderr else ''} {log}")


@pytest.mark.parametrize(
    ("after", "inbox", "processed"),
    [
        ("seen", ["\\Seen", ""], ["no such folder"]),
        ("delete", [""], ["no such folder"]),
        ("move", [""], [""]),
    ],
)
async def test_a_mailbox_is_read_over_tls_and_what_nobody_understands_is_left(
    office: Office, store: Store, imap_server: ImapServer, after: str, inbox: list[str], processed: list[str]
) -> None:
    report, human = office.written(DEAD, office.issue()), office.written(HUMAN, 1, to="bounces@bulletin.test")
    imap_server.append(report, human)
    source = Imap(imap_server.settings(after=after))
    assert await looked(source, office, store) == f"1 {Done.SUPPRESSED}, 1 {Done.UNKNOWN}"
    assert office.state == "suppressed"
    flags = [" ".join(word for word in of.split() if word != "\\Recent") for of in imap_server.flags()]
    assert flags == inbox
    moved = [" ".join(w for w in of.split() if w != "\\Recent") for of in imap_server.flags("Processed")]
    assert moved == processed
    assert await looked(source, office, store) == ""
    imap_server.append(report)
    later = Imap(imap_server.settings(after=after), source.state)  # as after a new start
    assert await looked(later, office, store) == f"1 {Done.KNOWN}"


async def test_starttls_is_spoken_and_a_wrong_password_is_told_without_it(
    office: Office, store: Store, imap_server: ImapServer, caplog: pytest.LogCaptureFixture
) -> None:
    imap_server.append(office.written(DEAD, office.issue()))
    settings = imap_server.settings(imap_security="starttls", imap_port=imap_server.plain)
    wrong = settings.model_copy(update={"imap_password": SecretStr("hunter3")})
    assert await looked(Imap(wrong), office, store) == ""
    assert "localhost" in caplog.text
    assert "hunter3" not in caplog.text
    assert await looked(Imap(settings), office, store) == f"1 {Done.SUPPRESSED}"


async def test_a_certificate_that_nobody_vouches_for_gets_no_password(
    office: Office, store: Store, imap_server: ImapServer, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", ssl.get_default_verify_paths().openssl_cafile)
    assert await looked(Imap(imap_server.settings()), office, store) == ""
    assert "certificate" in caplog.text.lower()
    assert "Login: user" not in (imap_server.folder / "log").read_text(encoding="utf-8")


def run(
    folder: Path, environment: dict[str, str], *words: str, mail: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "dispatch", "bounces", "read", *words],
        input=mail, capture_output=True, cwd=folder, check=False, env={**os.environ, **environment},
    )  # fmt: skip


def test_a_pipe_of_a_mail_server_acts_keeps_and_says_when_to_come_again(office: Office, tmp_path: Path) -> None:
    own = {"DISPATCH_DATABASE__URL": office.desk.url, "DISPATCH_EMAIL__BOUNCE_ADDRESS": "bounces@bulletin.test"}
    human = run(tmp_path, own, "-", mail=office.written(HUMAN, 1))
    assert (human.returncode, len(names(tmp_path / "unread-bounces"))) == (0, 1), human.stderr
    report = b"From li@example.com Tue Mar 15 08:00:00 2022\n" + office.written(DEAD, office.issue())
    with office.desk.db.transaction():
        assert run(tmp_path, own, "-", mail=report).returncode == 75
    done = run(tmp_path, own, "-", "--json", mail=report)
    assert (done.returncode, b'"done": "suppressed"' in done.stdout) == (0, True), done.stderr
    (tmp_path / "again.eml").write_bytes(report)
    (tmp_path / "human.eml").write_bytes(office.written(HUMAN, 1))
    assert b"known already" in run(tmp_path, own, "again.eml").stdout
    assert run(tmp_path, own, "again.eml", "human.eml").returncode == 1
    assert run(tmp_path, own, "none.eml").returncode == 1
    listed = subprocess.run(
        [sys.executable, "-m", "dispatch", "bounces", "list", "--json"],
        capture_output=True, cwd=tmp_path, check=True, env={**os.environ, **own},
    )  # fmt: skip
    assert b'"kind": "hard"' in listed.stdout


def test_the_running_program_takes_mails_itself_and_reads_its_maildir(office: Office, tmp_path: Path) -> None:
    office.desk.clock.ms = SystemClock().now()  # the program reads the machine's
    first, port = office.issue(), free_port()
    other = office.desk.reader("wang@example.com", "all")
    office.desk.issue({"二": ["b"]}, 900)
    office.desk.plan()
    [work] = [work for work in office.claimed() if work.endpoint_id == other]
    put(tmp_path / "mail", office.written(DEAD, work.message_id, to=office.paths.make(work.message_id, other)))
    own = {
        **os.environ,
        "DISPATCH_DATABASE__URL": office.desk.url,
        "DISPATCH_EMAIL__BOUNCE_ADDRESS": "bounces@bulletin.test",
        "DISPATCH_BOUNCES__LISTEN": f"127.0.0.1:{port}",
        "DISPATCH_BOUNCES__MAILDIR": str(tmp_path / "mail"),
        "DISPATCH_BOUNCES__AFTER": "delete",
        "DISPATCH_ENGINE__POLL": "0.1",
    }
    command = [sys.executable, "-m", "dispatch", "run"]
    with subprocess.Popen(command, cwd=tmp_path, env=own, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        told = ""
        try:
            for line in process.stderr:
                told += line
                if "mails about our mail are taken" in told and "by maildir: 1 suppressed" in told:
                    break
            path = office.paths.make(first, office.endpoint)
            assert talk(port, office.written(DEAD, first), path) == ([250], [250])
        finally:
            process.terminate()
            told += process.stderr.read()
    assert process.returncode == 0, told
    assert office.state == directory.endpoint(office.desk.db, other).state == "suppressed", told
    assert names(tmp_path / "mail") == []
    assert "li@example.com" not in told
