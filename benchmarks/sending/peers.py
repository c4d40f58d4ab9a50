"""The other senders: Postfix's smtp-source, and the libraries that a sender is usually built on.

    benchmarks/sending/peers.py NAME PORT MESSAGES SAMPLE    sends by a Python library; prints what it took, as JSON

Senders that are *ready* have the whole messages in hand before the clock starts, and send the bytes. Those that *build*
make each message from its text and HTML, as the library's manual shows. All keep their connections.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    sys.path.pop(0)  # not this folder
    sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.sending import processes

if TYPE_CHECKING:
    from email.message import EmailMessage

SMTP_SOURCE = "smtp-source"
SESSIONS = 16
_THREADS = 4  # of smtplib: more of them wait for each other
_READY = 200  # messages in hand, sent again and again
_SENDER = "news@example.test"
_SAMPLE = "reader1@example.test"  # whom the sample was for
_SMTP_SOURCE_HEAD = 137  # bytes of headers that smtp-source adds to the length it is given
_MOST = 120.0  # seconds that a turn may take
_NODEMAILER = "nodemailer"


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of the clock and of the processor, from the first connection to the last answer."""

    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Peer:
    """Another sender; how many messages its turn usually has, and what sends so many to a port, like a sample."""

    name: str
    messages: int
    send: Callable[[int, int, Path], Took]


def at_hand(tell: Callable[[str], None]) -> list[Peer]:
    """The other senders that need no installing; `tell` says which this machine has not."""
    peers = [Peer(name, messages, partial(_python, name)) for name, (messages, _) in _PYTHON.items()]
    if shutil.which(SMTP_SOURCE):
        return [Peer(SMTP_SOURCE, 60_000, _smtp_source), *peers]
    tell("smtp-source is not run: Postfix is not installed")
    return peers


def nodemailer(folder: Path, tell: Callable[[str], None]) -> list[Peer]:
    """nodemailer, installed into a folder; nothing where this machine cannot have it."""
    module = _install_nodemailer(folder, tell)
    if module is None:
        return []
    usual = {"ready": 8_000, "built": 4_000}
    return [Peer(f"nodemailer, {form}", count, partial(_nodemailer, module, form)) for form, count in usual.items()]


def _smtp_source(port: int, messages: int, sample: Path) -> Took:
    """As many bytes a message as the sample has; each goes to another recipient (-N)."""
    length = max(sample.stat().st_size - _SMTP_SOURCE_HEAD, 1)
    command = ["smtp-source", "-4", "-d", "-N", "-s", str(SESSIONS), "-m", str(messages), "-l", str(length)]
    ended = processes.run([*command, "-f", _SENDER, "-t", "reader@example.test", f"127.0.0.1:{port}"], most=_MOST)
    if ended.code:
        sys.exit(f"smtp-source: {ended.err}")
    return Took(ended.seconds, ended.cpu)


def _python(name: str, port: int, messages: int, sample: Path) -> Took:
    return _took(name, [sys.executable, __file__, name, str(port), str(messages), str(sample)])


def _nodemailer(module: Path, form: str, port: int, messages: int, sample: Path) -> Took:
    text, html = _parts(sample)
    parts = sample.with_suffix(".json")
    parts.write_text(json.dumps({"text": text, "html": html, "raw": sample.read_text("latin-1")}), encoding="utf-8")
    script = Path(__file__).with_name("pool.cjs")
    return _took(f"nodemailer, {form}", ["node", str(script), str(module), form, str(port), str(messages), str(parts)])


def _took(name: str, command: list[str]) -> Took:
    """What a process says that it took."""
    ended = processes.run(command, most=_MOST)
    if ended.code:
        sys.exit(f"{name}: {ended.err}")
    return Took(**json.loads(ended.out))


def _install_nodemailer(folder: Path, tell: Callable[[str], None]) -> Path | None:
    """Where it is, or None where this machine cannot have it."""
    if not (shutil.which("node") and shutil.which("npm")):
        tell("nodemailer is not run: Node.js and npm are not installed")
        return None
    place = folder / "node"
    place.mkdir()
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(place), _NODEMAILER]
    ended = processes.run(command, folder=place, most=30)
    if ended.code:
        tell("nodemailer is not run: npm cannot install it here")
        return None
    return place / "node_modules" / "nodemailer"


def _parts(sample: Path) -> tuple[str, str]:
    """Text and HTML of the sample."""
    import email
    import email.policy

    message = email.message_from_bytes(sample.read_bytes(), policy=email.policy.default)
    bodies = [message.get_body((kind,)) for kind in ("plain", "html")]
    text, html = [str(body.get_content()) for body in bodies if body]
    return text, html


def _ready(sample: Path, messages: int) -> list[tuple[str, bytes]]:
    """Recipients, and the bytes for each."""
    data = sample.read_bytes()
    recipients = [f"reader{n}@example.test" for n in range(min(messages, _READY))]
    return [(recipient, data.replace(_SAMPLE.encode(), recipient.encode())) for recipient in recipients]


def _build(text: str, html: str, number: int) -> EmailMessage:
    from email.message import EmailMessage

    message = EmailMessage()
    message["From"] = f"火炬动态 <{_SENDER}>"
    message["To"] = f"读者{number} <reader{number}@example.test>"
    message["Subject"] = "火炬动态 2022年第5期·高质量发展看高新区"
    message["Message-ID"] = f"<{number}.bench@example.test>"
    message["List-Unsubscribe"] = f"<https://bulletin.example.org/u/{number}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message


def _smtplib_ready(port: int, messages: int, sample: Path) -> Callable[[], None]:
    ready = _ready(sample, messages)

    def share(first: int) -> None:
        import smtplib

        with smtplib.SMTP("127.0.0.1", port) as client:
            for n in range(first, messages, _THREADS):
                recipient, data = ready[n % len(ready)]
                client.sendmail(_SENDER, recipient, data)

    return partial(_in_threads, share)


def _smtplib_built(port: int, messages: int, sample: Path) -> Callable[[], None]:
    text, html = _parts(sample)

    def share(first: int) -> None:
        import smtplib

        with smtplib.SMTP("127.0.0.1", port) as client:
            for n in range(first, messages, _THREADS):
                client.send_message(_build(text, html, n))

    return partial(_in_threads, share)


def _in_threads(share: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=share, args=(n,)) for n in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _aiosmtplib_ready(port: int, messages: int, sample: Path) -> Callable[[], None]:
    ready = _ready(sample, messages)

    async def send(client: Any, number: int) -> None:
        recipient, data = ready[number % len(ready)]
        await client.sendmail(_SENDER, [recipient], data)

    return lambda: asyncio.run(_over_sessions(port, messages, send))


def _aiosmtplib_built(port: int, messages: int, sample: Path) -> Callable[[], None]:
    text, html = _parts(sample)

    async def send(client: Any, number: int) -> None:
        await client.send_message(_build(text, html, number))

    return lambda: asyncio.run(_over_sessions(port, messages, send))


async def _over_sessions(port: int, messages: int, send: Callable[[Any, int], Coroutine[Any, Any, None]]) -> None:
    import aiosmtplib

    async def share(first: int) -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
            for n in range(first, messages, SESSIONS):
                await send(client, n)

    await asyncio.gather(*(share(n) for n in range(SESSIONS)))


_PYTHON: dict[str, tuple[int, Callable[[int, int, Path], Callable[[], None]]]] = {
    "smtplib, ready": (8_000, _smtplib_ready),
    "smtplib, built": (1_500, _smtplib_built),
    "aiosmtplib, ready": (5_000, _aiosmtplib_ready),
    "aiosmtplib, built": (1_000, _aiosmtplib_built),
}


def _main(name: str, port: int, messages: int, sample: Path) -> None:
    send = _PYTHON[name][1](port, messages, sample)
    began, cpu = time.perf_counter(), time.process_time()
    send()
    print(json.dumps({"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
