"""The message and the pages as a real browser lays them out: headless Chromium, without a driver."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatch.assets import templates_dir
from dispatch.channels.email import EmailChannel
from dispatch.digests.render import Renderer
from dispatch.settings import EmailSettings
from dispatch.testing.samples import sample_content
from subscribers.tokens import Purpose
from tests.channels.test_email import envelope
from tests.marks import CHROMIUM, which
from tests.web.conftest import site_over

PHONE = 375
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--allow-file-access-from-files",
    "--enable-logging=stderr",
)  # fmt: skip
# Chromium has no window under 500 px: the message is laid out in a frame as wide as a phone's screen.
_MEASURE = """<!doctype html><meta charset="utf-8"><title>not measured</title>
<iframe id="phone" src="{name}" style="width:{width}px;height:2000px;border:0"></iframe>
<script>addEventListener("load", () => {{
  const page = document.getElementById("phone").contentDocument.documentElement;
  document.title = page.clientWidth + " " + page.scrollWidth;
}});</script>"""
_PATIENCE = 120.0

Browse = Callable[[str], tuple[str, str]]


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    """Opens an address: the document as the browser has it in the end, and what it logged."""
    if CHROMIUM.missing:
        pytest.skip(CHROMIUM.missing)

    def run(url: str) -> tuple[str, str]:
        command = [which("chromium"), *_FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", url]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_PATIENCE)
        return done.stdout, done.stderr

    return run


def width_of(browse: Browse, page: Path) -> tuple[int, int]:
    """The width of a phone's screen as the page sees it, and that of what stands in the page."""
    frame = page.with_suffix(".frame.html")
    frame.write_text(_MEASURE.format(name=page.name, width=PHONE), encoding="utf-8")
    document, log = browse(frame.as_uri())
    found = re.search(r"<title>(\d+) (\d+)</title>", document)
    assert found, document[:500] + log
    return int(found[1]), int(found[2])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_message_needs_no_sideways_scrolling_on_a_phone(browse: Browse, tmp_path: Path, language: str) -> None:
    renderer = Renderer(templates_dir(), None, lambda bulletin, ref, position: f"https://news.x.test/{ref}/{position}")
    settings = EmailSettings(host="127.0.0.1", from_address="news@x.test", postal_address="北京市西城区三里河路54号")
    reader = envelope(language=language, preferences_url="https://news.x.test/p/" + "x" * 200)
    channel = EmailChannel(settings, renderer)
    page = tmp_path / "message.html"
    page.write_text(channel.preview(sample_content(language=language), reader)[".html"], encoding="utf-8")
    seen, needed = width_of(browse, page)
    assert (seen, needed <= seen) == (PHONE, True), needed


def test_too_wide_a_page_and_its_complaints_are_seen(browse: Browse, tmp_path: Path) -> None:
    """The other tests here could fail."""
    page = tmp_path / "wide.html"
    page.write_text(
        '<!doctype html><div style="width:600px">x</div><img src="none.png" onerror="y()">', encoding="utf-8"
    )
    assert width_of(browse, page)[1] >= 600
    assert "CONSOLE" in browse(page.as_uri())[1]


async def test_pages_load_without_a_complaint_and_have_no_scripts(browse: Browse, tmp_path: Path) -> None:
    async with site_over(f"sqlite:///{tmp_path / 'dispatch.db'}") as site:
        endpoint = await site.subscribe()
        for path in ("/subscribe", f"/p/{site.signer.token(Purpose.PREFERENCES, endpoint)}"):
            document, log = await asyncio.to_thread(browse, str((await site.client.head(path)).url))
            assert "<form" in document
            assert "南昌高新区" in document
            assert "<script" not in document
            assert "CONSOLE" not in log, log
