"""What holds for every page, and listening."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import re
import threading
import tomllib
from pathlib import Path

import pytest
from aiohttp.web import Application

from dispatch.assets import templates_dir
from dispatch.errors import Failure, RenderError
from dispatch.model import IssueState
from dispatch.web import make_app, serve
from dispatch.web.language import preferred
from subscribers.tokens import Purpose

from .conftest import Site
from .forms import Page

STRICT = ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'")


async def test_healthz(site: Site) -> None:
    response, text = await site.get("/healthz")
    assert (response.status, text) == (200, "ok")


async def test_every_page_is_safe_to_show(site: Site) -> None:
    endpoint = await site.subscribe()
    await site.archive(IssueState.SENT)
    for path in (
        site.path(endpoint),
        "/u/bad",
        "/issues/huoju/534",
        "/issues/huoju/534/1",
        "/nowhere",
        "/healthz",
        "/subscribe",
    ):
        headers = (await site.get(path))[0].headers
        assert all(rule in headers["Content-Security-Policy"] for rule in STRICT)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "aiohttp" not in headers["Server"]


async def test_the_style_is_allowed_and_nothing_else_is_loaded(site: Site) -> None:
    await site.archive(IssueState.SENT)
    response, text = await site.get("/issues/huoju/534/1")
    style = text[text.index("<style>") + 7 : text.index("</style>")]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in response.headers["Content-Security-Policy"]
    assert not re.search(r"<(script|link|img|iframe)|style=|\son\w+=|url\(", text)


async def test_pages_of_a_token_are_neither_kept_nor_indexed(site: Site) -> None:
    endpoint = await site.subscribe()
    for path in (site.path(endpoint), "/u/bad"):
        for ask in (site.get, site.post):
            response, text = await ask(path)
            assert response.headers["Cache-Control"] == "no-store"
            assert "noindex" in response.headers["X-Robots-Tag"]
            assert '<meta name="robots" content="noindex, nofollow">' in text


async def test_issues_may_be_kept_for_a_moment_and_indexed(site: Site) -> None:
    await site.archive(IssueState.SENT)
    response, text = await site.get("/issues/huoju/534")
    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert "X-Robots-Tag" not in response.headers
    assert "noindex" not in text


async def test_other_methods_are_refused_with_a_page(site: Site) -> None:
    endpoint = await site.subscribe()
    before = await site.tables()
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH"):
        response = await site.client.request(method, site.path(endpoint))
        assert response.status == 405
        assert response.headers["Allow"] == "GET,HEAD,POST"
        assert "Content-Security-Policy" in response.headers
    assert await site.tables() == before


async def test_a_body_too_large_is_refused_and_changes_nothing(site: Site) -> None:
    endpoint = await site.subscribe()
    response, text = await site.post(site.path(endpoint), {"List-Unsubscribe": "x" * 100_000})
    assert response.status == 413
    assert "提交的内容过长" in text
    assert await site.state(endpoint) == "active"


async def test_a_failure_is_a_plain_page_and_the_log_has_no_token(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    endpoint = await site.subscribe()
    await site.store.call(lambda db: db.run("DROP TABLE follows"))
    with caplog.at_level(logging.DEBUG):
        response, text = await site.get(site.path(endpoint))
    assert response.status == 500
    assert "出了差错" in text
    assert not re.search("Traceback|sqlite|follows", text)
    assert "the page /u/{token} failed" in caplog.text
    assert site.signer.leave(endpoint) not in caplog.text


async def test_a_store_that_does_not_answer_in_time(site: Site) -> None:
    free = threading.Event()
    async with site.again(seconds=0.01) as client:
        busy = asyncio.ensure_future(site.store.call(lambda db: free.wait()))
        try:
            response = await client.get("/issues/huoju/534")
            assert response.status == 503
            assert "暂时繁忙" in await response.text()
        finally:
            free.set()
            await busy


async def test_an_installation_replaces_words_style_and_templates(site: Site, tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "words.zh.toml").write_text('leave_button = "再见"\n', encoding="utf-8")
    (tmp_path / "web" / "style.css").write_text("p { color: green }", encoding="utf-8")
    (tmp_path / "web" / "error.html.j2").write_text("{{ say('error_404_title') }}!", encoding="utf-8")
    endpoint = await site.subscribe()
    async with site.again(tmp_path) as client:
        text = await (await client.get(site.path(endpoint))).text()
        assert ">再见</button>" in text
        assert "全部退订" in text
        assert "<style>p { color: green }</style>" in text
        assert await (await client.get("/nowhere")).text() == "没有这一页!"


async def test_a_template_of_errors_that_fails_leaves_a_plain_answer(site: Site, tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "error.html.j2").write_text("{{ nothing }}", encoding="utf-8")
    async with site.again(tmp_path) as client:
        response = await client.get("/nowhere")
        assert (response.status, response.content_type) == (404, "text/plain")


@pytest.mark.parametrize(("file", "text"), [("left.html.j2", "{% if %}"), ("words.en.toml", "a = "), ("style.css", "")])
async def test_mistakes_in_templates_and_words_show_at_the_start(
    site: Site, tmp_path: Path, file: str, text: str
) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / file).write_bytes(text.encode() or b"\xff")
    with pytest.raises(RenderError, match=re.escape(f"web/{file}")):
        make_app(site.parts(), templates_dir(), tmp_path)


async def test_serving_ends_with_the_block(site: Site) -> None:
    async with site.again() as client:
        response = await client.get("/healthz")
        assert await response.text() == "ok"
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(response.url.host, response.url.port)


async def test_a_taken_port_is_said_clearly(site: Site) -> None:
    def app() -> Application:
        return make_app(site.parts(), templates_dir())

    async with serve(app(), "127.0.0.1:0") as address:
        with pytest.raises(Failure, match=f"cannot listen on {address}: another program"):
            async with serve(app(), address):
                pass


async def test_a_broken_request_is_answered_and_not_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(site.parts(), templates_dir())
    async with serve(app, "127.0.0.1:0") as address:
        reader, writer = await asyncio.open_connection(*address.split(":"))
        writer.write(b"GET /u/secret-token HTTP/1.1\r\nbroken header\r\n\r\n")
        assert (await reader.readline()).split()[1] == b"400"
        writer.close()
        await writer.wait_closed()
    assert "secret-token" not in caplog.text


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh"),
        ("en", "en"),
        ("en-US,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.2, zh;q=0.8", "zh"),
        ("en;q=0", "zh"),
        ("fr, *;q=0.1", "zh"),
        ("EN-gb", "en"),
        (",;=q,\x00en;q=9,en;q=nan", "zh"),
        ("x" * 100_000, "zh"),
    ],
)
def test_the_language_that_a_browser_asks_for(header: str, language: str) -> None:
    assert preferred(header) == language


@pytest.mark.parametrize("place", ["u", "c", "p", "d", "e", "preview"])
async def test_guessing_tokens_asks_no_store_but_for_new_keys_now_and_then(site: Site, place: str) -> None:
    await site.get(f"/{place}/x")
    free = threading.Event()
    busy = asyncio.ensure_future(site.store.call(lambda db: free.wait()))
    try:
        for ask in (site.get, site.post):
            for token in ("x", "MQ.aaaaaaaaaaaaaaaaaaaaaaaaaaa", "a" * 3000, "%00", "%ff"):
                assert (await ask(f"/{place}/{token}"))[0].status in (404, 405)
        assert not busy.done()
    finally:
        free.set()
        await busy


@pytest.mark.parametrize(
    "head",
    [
        b"GET /u/%zz HTTP/1.1",
        b"GET /u/%E4%B8 HTTP/1.1",
        b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1",
        b"GET //evil.example/%2f.. HTTP/1.1",
        b"GET /subscribe?follow=%ff&lang=%00 HTTP/1.1",
        b"GET /subscribe?" + b"follow=x&" * 800 + b" HTTP/1.1",
        b"GET http://evil.example/p/x HTTP/1.1",
        b"BREW /p/x HTTP/1.1",
        b"TRACE /subscribe HTTP/1.1",
        b"CONNECT evil.example:443 HTTP/1.1",
        b"GET /p/x HTTP/1.1\r\nX-Long: " + b"x" * 20_000,
        b"GET /p/x HTTP/1.1\r\nX-Forwarded-For: \xff\xfe",
        b"GET /p/x HTTP/1.1\r\nAccept-Language: \xe4\xb8",
        b"POST /subscribe HTTP/1.1\r\nContent-Length: -1",
        b"POST /subscribe HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
        b"POST /subscribe HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"nonsense",
    ],
)
async def test_odd_requests_get_an_answer_of_a_client_s_fault_or_a_page(
    site: Site, head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(make_app(site.parts(), templates_dir()), "127.0.0.1:0") as address:
        reader, writer = await asyncio.open_connection(*address.split(":"))
        writer.write(head + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
        status = int((await reader.readline()).split()[1])
        writer.close()
        await writer.wait_closed()
    assert status in (200, 400, 403, 404, 405, 422)
    assert "Traceback" not in caplog.text


async def test_a_body_that_never_ends_is_cut_off(site: Site) -> None:
    app = make_app(site.parts(), templates_dir(), seconds=0.05)
    async with serve(app, "127.0.0.1:0") as address:
        reader, writer = await asyncio.open_connection(*address.split(":"))
        head = b"POST /subscribe HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        writer.write(head + b"Content-Length: 100\r\n\r\naddress=")
        assert (await reader.readline()).split()[1] == b"503"
        writer.close()
        await writer.wait_closed()


async def test_no_page_leads_elsewhere(site: Site) -> None:
    endpoint = await site.subscribe()
    await site.archive(IssueState.SENT)
    preferences = site.signer.token(Purpose.PREFERENCES, endpoint)
    paths = ("/subscribe", "/issues", "/issues/huoju/534", site.path(endpoint), f"/p/{preferences}")
    for path in paths:
        _, text = await site.get(f"{path}?next=https://evil.example&done=https://evil.example&lang=//evil.example")
        assert "evil.example" not in text
        assert not re.search("(?:href|action)=.(?:[a-z]+:|//)", text)


@pytest.mark.parametrize("path", ["/subscribe", "/issues", "/issues/huoju/534", "/issues/huoju/534/1", "/nowhere"])
@pytest.mark.parametrize("language", ["zh", "en"])
async def test_pages_are_whole_and_every_control_has_a_name(site: Site, path: str, language: str) -> None:
    await site.archive(IssueState.SENT)
    Page((await site.get(path, language))[1]).check()


async def test_both_languages_say_the_same_things(site: Site) -> None:
    tables = [
        tomllib.loads((templates_dir() / "web" / f"words.{language}.toml").read_text(encoding="utf-8"))
        for language in ("zh", "en")
    ]
    assert set(tables[0]) == set(tables[1])
    for key, text in tables[0].items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", tables[1][key])), key
