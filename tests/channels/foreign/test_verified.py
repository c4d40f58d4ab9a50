"""What we sign is verified by the library that receivers in another language use, and nothing else is."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dispatch.assets import templates_dir
from dispatch.channels.webhook import WebhookChannel, new_secret
from dispatch.channels.webhook.signing import current, rotated, signed_headers
from dispatch.digests.render import Renderer
from dispatch.model import Outcome, Retry, Sent
from dispatch.settings import WebhookSettings
from dispatch.testing.samples import sample_content, sample_envelope
from tests.channels.webhook_schema import check
from tests.marks import MISSING, Part, which

FOLDER = Path(__file__).resolve().parent
NODE = Part("Node.js", "nodejs npm", ("node",))
OPEN = WebhookSettings(allow_networks=(ipaddress.ip_network("127.0.0.0/8"),))


def missing() -> str:
    """Why these tests are skipped; "" where all is there."""
    if NODE.missing:
        return NODE.missing
    if not (FOLDER / "node_modules" / "standardwebhooks").is_dir():
        return f"standardwebhooks {MISSING}; run: npm ci --prefix tests/channels/foreign"
    return ""


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "all is there")


@dataclass(frozen=True, slots=True)
class Receiver:
    """The program; each request is a line of its output."""

    port: int
    lines: asyncio.StreamReader

    @classmethod
    @asynccontextmanager
    async def running(cls, secrets: Mapping[str, str]) -> AsyncIterator[Receiver]:
        """Start it with the secrets of its paths; it ends with the block."""
        process = await asyncio.create_subprocess_exec(
            which("node"), "receive.cjs", cwd=FOLDER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdin
        assert process.stdout
        try:
            async with asyncio.timeout(60):
                process.stdin.write(json.dumps(secrets).encode() + b"\n")
                said = json.loads(await process.stdout.readline())
                yield cls(said["port"], process.stdout)
        finally:
            process.stdin.close()
            await process.wait()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def told(self) -> Any:
        """What it says of the next request."""
        return json.loads(await self.lines.readline())


async def send(url: str, secret: str) -> Outcome:
    """A digest by the channel."""
    channel = WebhookChannel(OPEN, Renderer(templates_dir(), None, lambda *where: ""))
    try:
        (lane,) = channel.lanes("webhook:127.0.0.1")
        async with channel.open(lane) as connection:
            envelope = replace(sample_envelope(url, channel="webhook", secret=secret), provider_id="msg_7")
            return await connection.send(envelope, channel.render(sample_content()), 0)
    finally:
        await channel.close()


async def test_a_digest_is_verified() -> None:
    secret = new_secret()
    async with Receiver.running({"/a": secret, "/b": new_secret()}) as receiver:
        assert isinstance(await send(receiver.url("/a"), secret), Sent)
        told = await receiver.told()
        check(told["body"])
        assert (told["verified"], told["id"], told["body"]["type"]) == (True, "msg_7", "digest.published")
        assert "南昌高新区" in json.dumps(told["body"], ensure_ascii=False)
        assert isinstance(await send(receiver.url("/b"), secret), Retry)
        assert (await receiver.told())["error"] == "No matching signature found"


async def test_while_one_secret_replaces_another_receivers_with_either_verify() -> None:
    old = new_secret()
    now = int(dt.datetime.now(dt.UTC).timestamp() * 1000)
    both = rotated(old, now)
    over = rotated(old, now - 86_400_000)  # a day ago
    async with Receiver.running({"/old": old, "/new": current(both), "/newer": current(over)}) as receiver:
        for path in ("/old", "/new"):
            assert isinstance(await send(receiver.url(path), both), Sent)
            assert (await receiver.told())["verified"] is True
        for path, verified in (("/old", False), ("/newer", True)):
            await send(receiver.url(path), over)
            assert (await receiver.told())["verified"] is verified


@pytest.mark.parametrize("changed", ["body", "webhook-id", "webhook-timestamp", "webhook-signature", ""])
async def test_one_changed_byte_is_refused(changed: str) -> None:
    secret, body = new_secret(), '{"type":"endpoint.test","data":"高"}'.encode()
    headers = signed_headers(secret, "msg_7", dt.datetime.now(dt.UTC), body)
    if changed == "body":
        body = body.replace(b"data", b"dATA")
    elif changed:
        last = headers[changed].rstrip("=")[-2]
        headers[changed] = headers[changed].replace(last, "1" if last != "1" else "2", 1)
    async with (
        Receiver.running({"/a": secret}) as receiver,
        aiohttp.ClientSession() as client,
        client.post(receiver.url("/a"), data=body, headers=headers) as answer,
    ):
        assert (answer.status, (await receiver.told())["verified"]) == ((400, False) if changed else (204, True))
