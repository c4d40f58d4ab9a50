"""`dispatch run` without an end: it watches, it sends, it stops when told; and it serves the pages."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from aiohttp import web

from dispatch.testing import SmtpSink
from dispatch.testing.server import LoopbackServer
from tests.acceptance.conftest import SAMPLE, Command, free_port


def command(folder: Path, smtp: SmtpSink, **more: str) -> Command:
    return Command(
        folder,
        {
            "DISPATCH_DATABASE__URL": f"sqlite:///{folder / 'work.db'}",
            "DISPATCH_INTAKE__FOLDER": str(folder / "inbox"),
            "DISPATCH_INTAKE__EVERY": "0.1",
            "DISPATCH_INTAKE__SETTLE": "0.1",
            "DISPATCH_ENGINE__POLL": "0.1",
            "DISPATCH_EMAIL__HOST": smtp.host,
            "DISPATCH_EMAIL__PORT": str(smtp.port),
            "DISPATCH_EMAIL__SECURITY": "none",
            "DISPATCH_EMAIL__FROM_ADDRESS": "news@bulletin.test",
            **more,
        },
    )


@asynccontextmanager
async def running(dispatch: Command) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program for ever, until the test leaves; then it must end well by itself."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dispatch", "run"),
        cwd=dispatch.folder,
        env=dispatch.environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            _, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        assert b"Traceback" not in err
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_what_is_dropped_is_held_and_goes_out_when_approved(tmp_path: Path) -> None:
    async with SmtpSink() as smtp:
        dispatch = command(tmp_path, smtp)
        await asyncio.to_thread(dispatch, "subscribers", "add", "--email", "a@x.test", "--follow", "all", "--confirmed")
        (tmp_path / "inbox").mkdir()
        (tmp_path / "inbox" / "issue.md").write_bytes(SAMPLE.read_bytes())
        async with running(dispatch) as process:
            assert process.stderr
            async for line in process.stderr:
                if b"534 is added" in line:
                    break
            assert not smtp.messages
            await asyncio.to_thread(dispatch, "issues", "approve", "534")
            await smtp.messages.reached(5, within=60)
        [issue] = (await asyncio.to_thread(dispatch, "issues", "list", "--json")).json
        assert issue["state"] in ("sending", "sent")  # the last settle may be younger than the last look at the issue
        rows = (await asyncio.to_thread(dispatch, "deliveries", "list", "--json")).json
        assert [row["state"] for row in rows] == ["sent"] * 5


async def test_a_reader_leaves_by_the_link_of_the_mail(tmp_path: Path) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    async with SmtpSink() as smtp:
        more = {"DISPATCH_WEB__BASE_URL": base, "DISPATCH_WEB__LISTEN": f"127.0.0.1:{port}"}
        dispatch = command(tmp_path, smtp, DISPATCH_PUBLISH__APPROVAL="automatic", **more)
        words = ("--follow", "park:南昌高新区", "--follow", "topic:区块链", "--confirmed")
        await asyncio.to_thread(dispatch, "subscribers", "add", "--email", "a@x.test", *words)
        (tmp_path / "inbox").mkdir()
        (tmp_path / "inbox" / "issue.md").write_bytes(SAMPLE.read_bytes())
        async with running(dispatch), httpx.AsyncClient(trust_env=False) as client:
            [first, _] = await smtp.messages.reached(2, within=60)
            link = str(first.parsed["List-Unsubscribe"]).split(",")[0].strip(" <>")
            assert link.startswith(f"{base}/u/")
            assert (await client.get(link)).status_code == 200  # a mail scanner opens every link
            shown = (await asyncio.to_thread(dispatch, "subscribers", "show", "1", "--json")).json
            assert shown["endpoints"][0]["state"] == "active"
            answer = await client.post(link, data={"List-Unsubscribe": "One-Click"})
            assert answer.status_code == 200
            told = (await asyncio.to_thread(dispatch, "issues", "show", "534", "--json")).json
            assert told["preview"].startswith(f"{base}/preview/")
            preview = await client.get(told["preview"])
            assert (preview.status_code, "研究报告" in preview.text) == (200, True)
            page = await client.get(f"{base}/issues/huoju/534/4")
            assert "南昌高新区:打造区域创新生态增长极" in page.text
        shown = (await asyncio.to_thread(dispatch, "subscribers", "show", "1", "--json")).json
        assert shown["endpoints"][0]["state"] == "suppressed"


async def test_a_second_web_port_in_use_is_one_clear_message(tmp_path: Path) -> None:
    async with SmtpSink() as smtp:
        more = {"DISPATCH_WEB__BASE_URL": "http://x.test", "DISPATCH_WEB__LISTEN": f"127.0.0.1:{smtp.port}"}
        done = await asyncio.to_thread(command(tmp_path, smtp, **more), "run", expect=1)
    assert f"127.0.0.1:{smtp.port}" in done.err


class Site(LoopbackServer):
    """A web address with an issue behind it, which knows conditional requests (RFC 9110, section 13)."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.headers.get("If-None-Match", ""))
        if request.path != "/issue.md":
            return web.Response(status=404)
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304)
        return web.Response(body=SAMPLE.read_bytes(), headers={"ETag": '"1"'})


async def test_a_web_address_is_looked_at_and_its_issue_taken_in_once(tmp_path: Path) -> None:
    async with SmtpSink() as smtp, Site() as site:
        dispatch = command(tmp_path, smtp, DISPATCH_INTAKE__URLS=f"{site.base_url}/issue.md")
        first = await asyncio.to_thread(dispatch, "run", "--once")
        assert "534 added" in first.out
        await asyncio.to_thread(dispatch, "run", "--once")
        assert site.asked == ["", '"1"']
        assert len((await asyncio.to_thread(dispatch, "issues", "list", "--json")).json) == 1


async def test_a_web_address_that_fails_is_named_and_delays_no_other(tmp_path: Path) -> None:
    async with SmtpSink() as smtp, Site() as site:
        urls = f"{site.base_url}/gone.md,http://127.0.0.1:{free_port()}/x.md,{site.base_url}/issue.md"
        done = await asyncio.to_thread(command(tmp_path, smtp, DISPATCH_INTAKE__URLS=urls), "run", "--once", expect=1)
    assert "gone.md: the server answered 404" in done.err
    assert "534 added" in done.out
