"""A Postfix of the tests' own: its configuration, queue and data in a folder for it alone, on loopback only.

    with postfix_server() as postfix:
        ...                                        # send to postfix.host, postfix.port
        postfix.wait_for("status=sent", times=2)   # until its log says so
        mails = postfix.mails("reader@here.test")

It starts the daemon `master` itself instead of `postfix start`, which would look at the machine's own installation
too. `master` takes its ports and becomes other users for its parts, so this runs as root only. Nothing leaves the
machine: there is no SMTP client among its parts.
"""

from __future__ import annotations

import email
import email.policy
import os
import pwd
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email.message import EmailMessage
from pathlib import Path

from dispatch.testing.certificate import server_pem
from tests.marks import POSTFIX, which

USERNAME, PASSWORD = "sender", "hunter2"
SIZE_LIMIT = 4_000
"""Bytes of a message that the service `small` takes."""

SENDER_DOMAIN = "bulletin.test"
"""Whatever is sent to this domain is kept: bounces arrive here, whichever the extension of the address."""

READER_DOMAINS = ("here.test", "例子.测试", "xn--fsqu00a.xn--0zwm56d")
"""At these everybody is known whose mailbox does not begin with `unknown`."""

_PATIENCE = 30.0  # seconds that something may take on a machine that has much to do
_STARTED = "daemon started"
_QUEUES = (
    "active",
    "bounce",
    "corrupt",
    "defer",
    "deferred",
    "flush",
    "hold",
    "incoming",
    "saved",
    "trace",
    "private",
    "public",
)

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = /dev/stdout
myhostname = mx.here.test
mydestination =
mynetworks = 192.0.2.1/32
inet_protocols = ipv4
inet_interfaces = loopback-only
smtpd_peername_lookup = no
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions =
message_size_limit = 1000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtputf8_enable = yes
append_dot_mydomain = no
recipient_delimiter = +
default_transport = error:no way out of here
relay_transport = error:no way out of here
local_transport = error:nobody lives here
alias_maps =
notify_classes =
virtual_mailbox_domains = {domains}
virtual_mailbox_maps = regexp:{folder}/mailboxes
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_tls_chain_files = {folder}/server.pem
smtpd_tls_security_level = may
smtpd_tls_loglevel = 1
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain = here.test
cyrus_sasl_config_path = {folder}/etc/sasl
"""

# Ports, and how they differ. `late` takes everybody at its domains, and finds out at the delivery that there is nobody.
_SERVICES = {
    "plain": "-o smtpd_tls_security_level=none",
    "starttls": "-o smtpd_tls_security_level=encrypt",
    "tls": "-o smtpd_tls_wrappermode=yes",
    "login": "-o smtpd_tls_auth_only=yes -o smtpd_sasl_auth_enable=yes"
    " -o smtpd_client_restrictions=permit_sasl_authenticated,reject",
    "ascii": "-o smtpd_tls_security_level=none -o smtputf8_enable=no",
    "small": f"-o smtpd_tls_security_level=none -o message_size_limit={SIZE_LIMIT}",
    "late": "-o smtpd_tls_security_level=none -o smtpd_reject_unlisted_recipient=no",
}
_MASTER = """
postlog   unix-dgram n - n - 1 postlogd
cleanup   unix  n  -  n  -     0  cleanup
qmgr      unix  n  -  n  300   1  qmgr
tlsmgr    unix  -  -  n  1000? 1  tlsmgr
rewrite   unix  -  -  n  -     -  trivial-rewrite
bounce    unix  -  -  n  -     0  bounce
defer     unix  -  -  n  -     0  bounce
trace     unix  -  -  n  -     0  bounce
flush     unix  n  -  n  1000? 0  flush
proxymap  unix  -  -  n  -     -  proxymap
error     unix  -  -  n  -     -  error
retry     unix  -  -  n  -     -  error
virtual   unix  -  n  n  -     -  virtual
anvil     unix  -  -  n  -     1  anvil
showq     unix  n  -  n  -     -  showq
"""
_NOWHERE = "127.0.0.2"  # a loopback address that the certificate does not name

# A process of its own that ends the server and removes its files as soon as its input ends: however the tests end,
# killed or not, nothing is left.
_WATCHER = """
import os, shutil, signal, sys
from pathlib import Path
sys.stdin.read()
folder = Path(sys.argv[1])
try:
    pid = int((folder / "queue" / "pid" / "master.pid").read_text())
    ours = str(folder).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    if ours:
        os.killpg(pid, signal.SIGKILL)
except (OSError, ValueError):
    pass
shutil.rmtree(folder, ignore_errors=True)
"""


def why_not() -> str:
    """Why there can be no Postfix here; "" where there can be one."""
    return POSTFIX.missing or ("" if os.geteuid() == 0 else "Postfix starts as root only")


class Postfix:
    """A running Postfix. Its mailboxes are Maildirs; its log is read as it is written."""

    host = "127.0.0.1"
    nowhere = _NOWHERE
    """Another address of it, which its certificate does not name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports: dict[str, int] = {}
        self._master: subprocess.Popen[str] | None = None
        self._reading: threading.Thread | None = None
        self._log: list[str] = []
        self._more = threading.Condition()

    def port(self, service: str = "plain") -> int:
        """The port of a service. `plain`; `starttls` (wants it); `tls` (from the first byte); `login` (AUTH, within
        TLS only); `ascii` (no SMTPUTF8); `small` (takes no message over SIZE_LIMIT); `late` (refuses nobody at its own
        domains, and bounces)."""
        return self._ports[service]

    @property
    def log(self) -> list[str]:
        with self._more:
            return list(self._log)

    def found(self, pattern: str) -> list[str]:
        """The lines of the log in which a regular expression is found."""
        return [line for line in self.log if re.search(pattern, line)]

    def wait_for(self, pattern: str, times: int = 1) -> list[str]:
        """The lines of the log with this regular expression, as soon as there are so many. Raises TimeoutError."""
        found = re.compile(pattern).search

        def there() -> list[str]:
            lines = [line for line in self._log if found(line)]
            return lines if len(lines) >= times else []

        with self._more:
            lines = self._more.wait_for(there, _PATIENCE)
            if not lines:
                raise TimeoutError(f"Postfix does not say {pattern!r} {times} times:\n" + "\n".join(self._log[-40:]))
            return lines

    @property
    def maildir(self) -> Path:
        """Where everybody's mail is delivered, once some has come; each has a Delivered-To field."""
        return self._folder / "mail" / "all"

    def mails(self, address: str) -> list[EmailMessage]:
        """What was delivered to an address, oldest first; its domain as it was on the wire."""
        return [_parsed(raw) for raw in self.raw_mails(address)]

    def raw_mails(self, address: str) -> list[bytes]:
        """The same as it lies in the Maildir."""
        return [raw for raw in self._files() if field(_parsed(raw), "Delivered-To") == address]

    def all_mails(self) -> list[EmailMessage]:
        """What was delivered, oldest first."""
        return [_parsed(raw) for raw in self._files()]

    def _files(self) -> list[bytes]:
        files = sorted((self.maildir / "new").glob("*"), key=lambda file: file.stat().st_mtime_ns)
        return [file.read_bytes() for file in files]

    def queued(self) -> int:
        """How many messages are in the queue."""
        return len(self._queue_files())

    def wait_until_idle(self) -> None:
        """Until each message that is in the queue now has left it."""
        for file in self._queue_files():
            self.wait_for(f"{file.name}: removed")

    def _queue_files(self) -> list[Path]:
        folders = [self._folder / "queue" / name for name in ("incoming", "active", "deferred", "hold")]
        return [file for folder in folders for file in folder.rglob("*") if file.is_file()]

    def start(self) -> None:
        """Start it, again on the same ports. When this returns, it listens."""
        if not self._ports:
            self._choose_ports()
        command = [which("master"), "-s", "-c", str(self._folder / "etc")]
        master = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            text=True, errors="replace",
        )  # fmt: skip
        before = len(self.found(_STARTED))
        self._master, self._reading = master, threading.Thread(target=self._read, args=(master,), daemon=True)
        self._reading.start()
        self.wait_for(_STARTED, before + 1)

    def stop(self) -> None:
        """End it at once, with whatever it is doing; what it has accepted is in its queue."""
        master, reading = self._master, self._reading
        if master is None or reading is None:
            return
        os.killpg(master.pid, signal.SIGTERM)
        master.wait(_PATIENCE)
        reading.join(_PATIENCE)  # all of its parts have gone when nobody holds their output any more
        self._master = self._reading = None

    def _read(self, master: subprocess.Popen[str]) -> None:
        assert master.stdout is not None
        with master.stdout as lines:
            for line in lines:
                with self._more:
                    self._log.append(line.rstrip())
                    self._more.notify_all()

    def _choose_ports(self) -> None:
        """Free ones now; who takes one of them before Postfix does makes the start fail with the reason."""
        with ExitStack() as stack:
            for name in _SERVICES:
                listener = stack.enter_context(socket.create_server((self.host, 0)))
                self._ports[name] = listener.getsockname()[1]
        _write_services(self._folder, self._ports)


def _parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def field(mail: EmailMessage, name: str) -> str:
    """The first field of a name as it stands in the message, in UTF-8 (RFC 6532), which the parser takes for damage."""
    value = next((value for own, value in mail.raw_items() if own == name), "")
    return value.encode("utf-8", "surrogateescape").decode()


@contextmanager
def postfix_server() -> Iterator[Postfix]:
    """A server that runs while inside."""
    # Not one of pytest's folders: the parts of Postfix are other users, who may not look into those.
    folder = Path(tempfile.mkdtemp(prefix="postfix"))
    folder.chmod(0o755)
    _furnish(folder)
    watcher = [sys.executable, "-c", _WATCHER, str(folder)]
    # A session of its own: what ends the tests does not end it.
    with subprocess.Popen(watcher, stdin=subprocess.PIPE, start_new_session=True):
        server = Postfix(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _furnish(folder: Path) -> None:
    """All files and folders that it wants to find."""
    nobody, owner = pwd.getpwnam("nobody"), pwd.getpwnam("postfix")
    for name in ("etc/sasl", "queue/pid"):
        (folder / name).mkdir(parents=True)
    for name in ("data", *(f"queue/{name}" for name in _QUEUES)):
        (folder / name).mkdir()
        os.chown(folder / name, owner.pw_uid, owner.pw_gid)
    (folder / "mail").mkdir()
    os.chown(folder / "mail", nobody.pw_uid, nobody.pw_gid)
    (folder / "mailboxes").write_text("!/^unknown/ all/\n", encoding="ascii")
    (folder / "server.pem").write_text(server_pem(), encoding="ascii")
    domains = ", ".join((SENDER_DOMAIN, *READER_DOMAINS))
    values = {"folder": folder, "domains": domains, "uid": nobody.pw_uid, "gid": nobody.pw_gid}
    main = folder / "etc" / "main.cf"
    main.write_text(_MAIN.format_map(values), encoding="utf-8")
    os.utime(main, (0, 0))  # it waits for two seconds where the file is younger: somebody may still be writing it
    _give_password(folder, owner)


def _write_services(folder: Path, ports: dict[str, int]) -> None:
    lines = [f"{Postfix.host}:{ports[name]} inet n - n - - smtpd {options}" for name, options in _SERVICES.items()]
    lines.append(f"{_NOWHERE}:{ports['tls']} inet n - n - - smtpd {_SERVICES['tls']}")
    (folder / "etc" / "master.cf").write_text("\n".join(lines) + _MASTER, encoding="ascii")


def _give_password(folder: Path, owner: pwd.struct_passwd) -> None:
    """A user in a database of Cyrus SASL's own."""
    database = folder / "users"
    settings = f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: {database}\n"
    (folder / "etc" / "sasl" / "smtpd.conf").write_text(settings, encoding="ascii")
    command = [which("saslpasswd2"), "-p", "-c", "-u", "here.test", "-f", str(database), USERNAME]
    subprocess.run(command, input=PASSWORD, text=True, check=True, capture_output=True)
    os.chown(database, owner.pw_uid, owner.pw_gid)
