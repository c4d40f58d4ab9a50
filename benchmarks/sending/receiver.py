"""A receiver of webhooks on loopback that takes all it is given and costs next to nothing: nginx where it is installed,
else a sink of our own in a process of its own. Both answer 204 to any POST, and tell at /status how many requests they
took."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_NGINX = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_buffer_size 64k;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location = /status {{ stub_status; }}
    location / {{ return 204; }}
  }}
}}
"""
_NO_CONTENT = b"HTTP/1.1 204 No Content\r\nServer: sink\r\n\r\n"
_PATIENCE = 10.0


class Receiver:
    """The receiver's process, as a context manager. `kind` says which it is."""

    def __init__(self) -> None:
        self._nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        self._known = 0
        self.kind = "nginx" if self._nginx else "asyncio sink"

    def __enter__(self) -> Receiver:
        self._folder = tempfile.TemporaryDirectory(prefix="receiver-")
        self.port = _free_port()
        self._process = subprocess.Popen(self._command(), stderr=subprocess.DEVNULL)
        self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def taken(self) -> int:
        """POSTs since the last call; nobody else may ask meanwhile."""
        with urllib.request.urlopen(f"{self.url}/status", timeout=_PATIENCE) as answer:
            total = int(answer.read().split(b"\n")[2].split()[2])
        known, self._known = self._known, total
        return total - known - 1  # less the question itself

    def _command(self) -> list[str]:
        if self._nginx is None:
            return [sys.executable, __file__, str(self.port)]
        config = Path(self._folder.name) / "nginx.conf"
        config.write_text(_NGINX.format(folder=self._folder.name, port=self.port))
        return [self._nginx, "-c", str(config), "-e", f"{self._folder.name}/error.log"]

    def _wait(self) -> None:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            with suppress(OSError):
                self.taken()
                return
            time.sleep(0.05)
        sys.exit(f"the receiver ({self.kind}) does not come up")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class _Session(asyncio.Protocol):
    """One client of the sink. What comes is measured by its Content-Length alone."""

    requests = 0

    def __init__(self) -> None:
        self._head = b""
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        while data:
            if self._left:
                taken = min(self._left, len(data))
                data, self._left = data[taken:], self._left - taken
            else:
                head, found, data = (self._head + data).partition(b"\r\n\r\n")
                self._head = b"" if found else head
                if not found:
                    return
                self._left = _length(head)
                self._asked = head.startswith(b"GET /status ")
            if not self._left:
                self._answer()

    def _answer(self) -> None:
        _Session.requests += 1
        if not self._asked:
            self._transport.write(_NO_CONTENT)
            return
        told = f"Active connections: 1\nserver accepts handled requests\n 0 0 {_Session.requests}\n".encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Session, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    sys.path.pop(0)  # this folder's `signing` is not the package of that name
    import uvloop

    uvloop.run(_serve(int(sys.argv[1])))
