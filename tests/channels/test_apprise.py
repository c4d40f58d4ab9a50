"""Other services by Apprise, over the wire to servers on the loopback interface in the roles of Gotify and ntfy."""

from __future__ import annotations

import asyncio
import io
import ipaddress
import json
import logging
import os
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from dispatch.assets import templates_dir
from dispatch.channels.apprise import AppriseChannel
from dispatch.channels.apprise.address import REFUSED, queue_of, secrets_of
from dispatch.channels.apprise.confined import Call, confined
from dispatch.channels.apprise.rendering import Form
from dispatch.channels.apprise.threads import AllBusy, Threads
from dispatch.channels.registry import CHANNELS, address, guess
from dispatch.channels.webhook.guard import Guard
from dispatch.delivery.ledger import Work
from dispatch.digests.render import Renderer
from dispatch.errors import UsageError
from dispatch.model import Alarm, Content, Envelope, Notice, Outcome, Reason, Rejected, Retry, Sent
from dispatch.settings import AppriseSettings, Settings, WebhookSettings
from dispatch.testing.samples import sample_article, sample_content, sample_envelope
from dispatch.testing.server import LoopbackServer, cut
from subscribers import directory
from subscribers.model import Address, Preferences
from tests.acts import at
from tests.delivery.conftest import Desk

pytestmark = pytest.mark.skipif(not find_spec("apprise"), reason="Apprise is missing: pip install '.[apprise]'")

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
TOKEN = "AbCdEf123456789"
HOSTILE = "<@all> [x](https://evil.example) **b** `c` <script>alert(1)</script> @everyone <!here> ${TOKEN} :smile: \\n"


def page(bulletin: str, ref: str, position: int) -> str:
    return f"https://bulletin.example/{bulletin}/{ref}/{position}"


@dataclass(frozen=True)
class Got:
    path: str
    headers: dict[str, str]
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return f"{self.body.get('title', '')}\n{self.body.get('message', '')}"


class PushServer(LoopbackServer):
    """Takes what is posted as JSON, and answers with `status`."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[Got] = []
        self.status = 200
        self.answer = "{}"
        self.headers: dict[str, str] = {}
        self.how = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.got.append(Got(request.path, dict(request.headers), json.loads(await request.read() or b"{}")))
        if self.how == "cut":
            return cut(request)
        if self.how == "drip":
            return await self._drip(request)
        return web.Response(status=self.status, text=self.answer, headers=self.headers)

    async def _drip(self, request: web.Request) -> web.StreamResponse:
        """A byte now and then, so that no time-out of a single read is ever reached."""
        response = web.StreamResponse()
        await response.prepare(request)
        while not self.stopping.is_set() and request.transport is not None:
            await response.write(b" ")
            await asyncio.sleep(0.01)  # the pace of a server, which nothing waits for
        return response

    def gotify(self, **options: str) -> str:
        asked = "&".join(f"{name}={value}" for name, value in options.items())
        return f"gotify://127.0.0.1:{self.port}/{TOKEN}" + (f"?{asked}" if asked else "")

    def ntfy(self) -> str:
        return f"ntfy://127.0.0.1:{self.port}/bulletin"


@pytest.fixture
async def server() -> AsyncIterator[PushServer]:
    async with PushServer() as found:
        yield found


def channel_of(networks: tuple[Any, ...] = LOOPBACK, timeout: float = 15, **changes: Any) -> AppriseChannel:
    settings = AppriseSettings(enabled=True, **changes)
    webhook = WebhookSettings(allow_networks=networks, timeout=timeout)
    return AppriseChannel(settings, webhook, Renderer(templates_dir(), None, page))


def envelope_to(url: str, **changes: Any) -> Envelope:
    return replace(sample_envelope(url, channel="apprise", secret=""), **changes)


async def send(channel: AppriseChannel, envelope: Envelope, content: Content | None = None) -> Outcome:
    rendered = channel.render(content or sample_content())
    (lane,) = channel.lanes(queue_of(envelope.address))
    async with channel.open(lane) as connection:
        return await connection.send(envelope, rendered, 0)


def on(**changes: Any) -> Settings:
    return Settings(apprise=AppriseSettings(enabled=True), webhook=WebhookSettings(**changes))


# ---- addresses


def test_an_address_is_one_of_the_channel_with_a_queue_of_its_host() -> None:
    found = address("apprise", "Gotify://127.0.0.1:8080/AbCdEf123456789", on(allow_networks=LOOPBACK))
    assert (found.channel, found.queue, found.shared) == ("apprise", "apprise:gotify:127.0.0.1:8080", True)
    assert found.address == "gotify://127.0.0.1:8080/AbCdEf123456789"
    assert address("apprise", "ntfy://some-topic", on()).queue == "apprise:ntfy"
    assert address("webhook", "ntfys://push.example.com/topic", on()).channel == "apprise"
    assert guess("ntfy://some-topic") == "webhook"


def test_it_is_off_until_somebody_switches_it_on() -> None:
    assert "enabled = true" in CHANNELS["apprise"].missing(Settings())
    assert not CHANNELS["apprise"].missing(on())
    with pytest.raises(UsageError, match="enabled = true"):
        address("apprise", "ntfy://topic", Settings())
    with pytest.raises(UsageError, match="https"):
        address("webhook", "ntfy://topic", Settings())


@pytest.mark.parametrize("scheme", sorted(REFUSED))
def test_what_is_no_service_of_the_web_is_refused_with_the_reason(scheme: str) -> None:
    with pytest.raises(UsageError, match="is no address for Apprise here: ") as caught:
        address("apprise", f"{scheme}://someone:Secret123@push.example.com/{TOKEN}", on())
    assert TOKEN not in str(caught.value)
    assert "Secret123" not in str(caught.value)


def test_every_service_of_apprise_that_opens_no_http_is_refused() -> None:
    """All that its plugins are, by the modules that they are made of: a new kind must be decided on."""
    import importlib

    from dispatch.channels.apprise.address import load

    load()
    manager = importlib.import_module("apprise.manager_plugins").NotificationManager()
    for scheme in manager.schemas():
        kinds = [kind.__module__ for kind in manager[scheme].__mro__ if ".plugins." in kind.__module__]
        own = [name for name in kinds if not name.endswith("plugins.base")]
        files = [Path(importlib.import_module(name).__file__ or "") for name in own]
        text = "\n".join(file.read_text("utf-8") for file in files)
        if "import requests" not in text or "import subprocess" in text or "import socket" in text:
            assert scheme in REFUSED, scheme


@pytest.mark.parametrize("scheme", ["wecombot", "dingtalk", "feishu", "lark"])
def test_a_robot_goes_by_its_own_channel(scheme: str) -> None:
    with pytest.raises(UsageError, match="a channel of its own: --webhook"):
        address("apprise", f"{scheme}://{TOKEN}", on())


@pytest.mark.parametrize(
    "text",
    [
        "gotify://",
        "://x",
        "nothing",
        "nosuchservice://x/AbCdEf123456789",
        "gotify://127.0.0.1",
        "ntfy://host.example.com/one topic",
        f"ntfys://push.example.com/{'a' * 2_000}",
        "ntfy://topic?optional=yes",
        "ntfy://topic?RETRY=3",
        "ntfy://topic?x=y&%74emplate=/etc/passwd",
        "ntfys://push.example.com/one/two",
        f"gotifys://push.example.com/{TOKEN}?verify=no",
    ],
)
def test_an_address_that_cannot_be_taken_is_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        address("apprise", text, on(allow_networks=LOOPBACK))
    assert TOKEN not in str(caught.value)
    assert "/etc/passwd" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("gotify://10.1.2.3/AbCdEf123456789", "RFC 1918"),
        ("gotifys://169.254.169.254/AbCdEf123456789", "link-local"),
        ("gotifys://[::ffff:7f00:1]/AbCdEf123456789", "IPv4-mapped"),
        ("ntfys://127.1/topic", "loopback"),
        ("gotify://push.example.com/AbCdEf123456789", "not encrypted"),
        ("gotifys://push.example.com:22/AbCdEf123456789", "port 22"),
    ],
)
def test_a_host_that_the_guard_refuses_is_refused_when_it_is_added(text: str, rule: str) -> None:
    with pytest.raises(UsageError, match=rule):
        address("apprise", text, on())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("gotify://127.0.0.1:8080/AbCdEf123456789", "gotify://127.0.0.1:8080/***"),
        ("mmosts://me:word@chat.example.com/hooks?x=y", "mmosts://chat.example.com/***"),
        ("pover://user123456@token123456", "pover://***"),
        ("chanify://CICwABC.8IkE.7ZWKBmzg", "chanify://***"),
        ("ntfy://my-topic?tags=a", "ntfy://***"),
    ],
)
def test_lists_show_scheme_and_host(text: str, shown: str) -> None:
    assert Address("apprise", text, "").shown == shown
    assert all(secret not in shown for secret in secrets_of(text))


def test_the_documents_name_what_is_refused() -> None:
    text = (Path(__file__).parents[2] / "docs" / "robots.md").read_text("utf-8")
    for scheme in REFUSED:
        assert f"`{scheme}`" in text or f"`{scheme.removesuffix('s')}`" in text, scheme


# ---- what is sent


async def test_gotify_gets_a_digest_which_counts_as_unconfirmed(server: PushServer) -> None:
    outcome = await send(channel_of(), envelope_to(server.gotify(format="markdown")))
    assert outcome == Sent(code="unconfirmed", detail="accepted, unconfirmed")
    [got] = server.got
    assert got.path == "/message"
    assert got.headers["X-Gotify-Key"] == TOKEN
    assert got.body["extras"] == {"client::display": {"contentType": "text/markdown"}}
    assert got.body["title"].startswith("火炬动态")
    assert "](https://bulletin.example/" in got.body["message"]


async def test_a_service_without_markup_gets_plain_text(server: PushServer) -> None:
    assert isinstance(await send(channel_of(), envelope_to(server.ntfy())), Sent)
    [got] = server.got
    assert got.body["topic"] == "bulletin"
    assert "https://bulletin.example/" in got.body["message"]
    assert "](" not in got.body["message"]
    assert "**" not in got.text
    assert "attach" not in got.body
    assert "icon" not in got.body


@pytest.mark.parametrize("form", ["full", "titles"])
@pytest.mark.parametrize("language", ["zh", "en"])
async def test_each_content_is_taken(server: PushServer, language: str, form: str) -> None:
    digest = sample_content(language=language, form=form)
    notice = Notice("huoju-2022-05", "https://bulletin.example/preview/x", ("第 3 页：表格不全",), revision=1)
    titles = replace(digest.sections[0], matching=(), others=digest.sections[0].matching)
    contents = [
        digest,
        replace(digest, kind="test"),
        replace(digest, kind="correction"),
        replace(digest, kind="notice", format="titles", notice=notice, sections=(titles,)),
        Content("alarm", language, "full", (), alarm=Alarm("source", "folder", "不可读", 1_650_000_000_000)),
    ]
    channel = channel_of()
    for content in contents:
        for url in (server.gotify(format="markdown"), server.ntfy()):
            assert isinstance(await send(channel, envelope_to(url), content), Sent), content.kind
            assert "\ue000" not in server.got[-1].text


async def test_what_a_group_follows_stands_in_its_message_alone(server: PushServer) -> None:
    channel = channel_of()
    rendered = channel.render(sample_content())
    (lane,) = channel.lanes("apprise:gotify")
    async with channel.open(lane) as connection:
        for label in ("南昌高新区", "昆山高新区"):
            envelope = envelope_to(server.gotify(), reasons=(Reason("park:x", label, "https://b.example/u/secret"),))
            assert isinstance(await connection.send(envelope, rendered, 0), Sent)
    first, second = (got.body["message"].splitlines()[-1] for got in server.got)
    assert ("南昌" in first, "昆山" in first) == (True, False)
    assert ("南昌" in second, "昆山" in second) == (False, True)
    assert not any("/u/secret" in got.text for got in server.got)


@pytest.mark.parametrize("markup", [True, False])
async def test_nothing_of_an_article_is_markup_or_calls_anybody(server: PushServer, markup: bool) -> None:
    content = sample_content()
    hostile = replace(content.sections[0].matching[0], article=sample_article(HOSTILE, text=HOSTILE))
    content = replace(content, sections=(replace(content.sections[0], matching=(hostile,)),))
    url = server.gotify(format="markdown") if markup else server.ntfy()
    assert isinstance(await send(channel_of(), envelope_to(url, reasons=(Reason("x", HOSTILE),)), content), Sent)
    for live in ("<@", "](https://evil.example)", "**b**", "`c`", "<script>", "@everyone", "<!here>"):
        assert live not in server.got[0].text
    assert "${TOKEN} :smile:" in server.got[0].text


async def test_html_is_made_of_the_markdown_with_nothing_of_an_article_in_it(server: PushServer) -> None:
    content = sample_content()
    hostile = replace(content.sections[0].matching[0], article=sample_article(HOSTILE, text=HOSTILE))
    content = replace(content, sections=(replace(content.sections[0], matching=(hostile,)),))
    assert isinstance(await send(channel_of(), envelope_to(server.gotify(format="html")), content), Sent)
    text = server.got[0].body["message"]
    assert "<script" not in text
    assert 'href="https://bulletin.example/' in text
    assert "evil.example" not in "".join(piece.split('"')[0] for piece in text.split('href="')[1:])


@pytest.mark.parametrize("room", [120, 400, 1_000, 4_000])
@pytest.mark.parametrize("markup", [True, False])
async def test_a_long_digest_is_shortened_to_the_room_of_a_service(markup: bool, room: int) -> None:
    content = sample_content()
    entry = content.sections[0].matching[0]
    matching = tuple(replace(entry, position=n, article=sample_article(f"第{n}篇：{'高新区' * 12}")) for n in range(40))
    content = replace(content, sections=(replace(content.sections[0], matching=matching, others=()),))
    rendered = channel_of().render(content)
    reasons = tuple(Reason(f"park:{n}", "高新技术产业开发区" * 5) for n in range(40))
    for title in (0, 50):
        post = rendered.fill(envelope_to("ntfy://topic", reasons=reasons), Form(markup, room, title))
        assert 20 < len(post.text.encode()) <= room
        assert len(post.title) <= title
        assert "https://bulletin.example/" in post.text or room < 200
    small = rendered.fill(envelope_to("ntfy://topic"), Form(markup, 200, 0)).text
    assert small.endswith("https://bulletin.example/huoju/534")


# ---- what becomes of it


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
async def test_a_refusal_is_tried_again_with_the_words_of_apprise(server: PushServer, status: int) -> None:
    server.status = status
    server.answer = f"token {TOKEN} is wrong"
    outcome = await send(channel_of(), envelope_to(server.gotify()))
    assert isinstance(outcome, Retry)
    assert f"error={status}" in outcome.reason
    assert TOKEN not in outcome.reason
    assert not outcome.outage


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(server: PushServer, status: int) -> None:
    async with PushServer() as other:
        server.status, server.headers = status, {"Location": f"{other.base_url}/message"}
        assert isinstance(await send(channel_of(), envelope_to(server.gotify(redirect="yes"))), Retry)
        assert not other.got


async def test_nobody_there_is_an_outage(server: PushServer) -> None:
    await server.stop()
    outcome = await send(channel_of(), envelope_to(server.gotify()))
    assert isinstance(outcome, Retry)
    assert (outcome.outage, outcome.code) == (True, "refused")


async def test_a_name_that_is_none_is_an_outage() -> None:
    outcome = await send(channel_of(), envelope_to(f"gotifys://no-such-name.invalid/{TOKEN}"))
    assert isinstance(outcome, Retry)
    assert (outcome.outage, outcome.code) == (True, "dns")


async def test_a_lost_answer_leaves_it_open_whether_the_message_arrived(server: PushServer) -> None:
    server.how = "cut"
    outcome = await send(channel_of(), envelope_to(server.gotify()))
    assert isinstance(outcome, Retry)
    assert (outcome.unknown, outcome.code) == (True, "connection")


async def test_an_answer_that_never_ends_is_cut_and_gives_back_its_thread(server: PushServer) -> None:
    server.how = "drip"
    channel = channel_of(timeout=0.5, threads=1)
    outcome = await send(channel, envelope_to(server.gotify()))
    assert isinstance(outcome, Retry)
    assert (outcome.unknown, outcome.code) == (True, "timeout")
    server.how = ""
    assert isinstance(await send(channel, envelope_to(server.gotify())), Sent)


async def test_a_network_that_is_not_opened_is_refused_when_it_is_connected_to(server: PushServer) -> None:
    """A name says nothing of where it leads: `localhost` passes when it is added, and not when it is connected to."""
    named = f"gotifys://localhost/{TOKEN}"
    assert address("apprise", named, on()).queue == "apprise:gotifys:localhost"
    outcome = await send(channel_of(networks=()), envelope_to(named))
    assert isinstance(outcome, Rejected)
    assert outcome.code == "address"
    assert "loopback" in outcome.reason
    assert "allow_networks" in outcome.reason
    assert not server.got


async def test_an_address_whose_network_was_closed_since_is_refused(server: PushServer) -> None:
    outcome = await send(channel_of(networks=()), envelope_to(server.gotify()))
    assert isinstance(outcome, Rejected)
    assert outcome.code == "address"
    assert not server.got


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What a log at level debug gets. pytest's own would listen below what `propagate` lets through."""
    root, text = logging.getLogger(), io.StringIO()
    handler, level = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.setLevel(level)
    root.removeHandler(handler)


async def test_no_secret_and_no_text_of_it_gets_into_the_log(
    server: PushServer, log: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    server.status, server.answer = 500, f"{TOKEN} failed"
    envelope = envelope_to(server.gotify())
    logging.getLogger("test").debug("the log is heard")
    outcome = await send(channel_of(), envelope)
    await server.stop()
    other = await send(channel_of(), envelope)
    said = capfd.readouterr()
    assert "the log is heard" in log.getvalue()
    for text in (log.getvalue(), repr(outcome), repr(other), said.out, said.err):
        assert TOKEN not in text
        assert "光电" not in text


# ---- from the ledger to its end


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "store.db")
    yield made
    made.db.close()


def prepared(desk: Desk, url: str) -> None:
    with desk.db.transaction():
        directory.add(
            desk.db,
            name="园区办",
            addresses=[Address("apprise", url, queue_of(url))],
            follows=["topic:red"],
            preferences=Preferences(),
            consent="test",
            act=at(desk.clock.now()),
        )
    desk.issue({"一": ["red"]})
    desk.plan()


def envelope_of(work: Work) -> Envelope:
    return envelope_to(work.address)


async def test_the_ledger_has_it_as_accepted_unconfirmed(server: PushServer, desk: Desk) -> None:
    prepared(desk, server.gotify())
    await desk.drain(channel_of(), envelope_of)
    assert list(desk.states().values()) == ["sent"]
    [attempt] = desk.db.all("SELECT lane, outcome, code, detail FROM attempts")
    assert dict(attempt) == {
        "lane": f"apprise:gotify:127.0.0.1:{server.port}",
        "outcome": "sent",
        "code": "unconfirmed",
        "detail": "accepted, unconfirmed",
    }
    assert len(server.got) == 1
    await desk.drain(channel_of(), envelope_of)
    assert len(server.got) == 1


async def test_a_refusal_waits_and_is_sent_later(server: PushServer, desk: Desk) -> None:
    prepared(desk, server.gotify())
    server.status = 503
    await desk.drain(channel_of(), envelope_of)
    assert list(desk.states().values()) == ["planned"]
    server.status = 200
    desk.clock.ms += 600_000
    await desk.drain(channel_of(), envelope_of)
    assert list(desk.states().values()) == ["sent"]
    outcomes = [row["outcome"] for row in desk.db.all("SELECT outcome FROM attempts ORDER BY id")]
    assert outcomes == ["retry", "sent"]


async def test_what_may_have_arrived_is_not_sent_again_where_that_is_not_wanted(server: PushServer, desk: Desk) -> None:
    prepared(desk, server.gotify())
    server.how = "cut"
    await desk.drain(channel_of(resend_unknown=False), envelope_of)
    server.how = ""
    desk.clock.ms += 600_000
    await desk.drain(channel_of(resend_unknown=False), envelope_of)
    assert list(desk.states().values()) == ["failed"]
    assert len(server.got) == 1


# ---- in bounds


def test_a_call_opens_no_file_and_starts_no_program(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x", "utf-8")
    with confined(Call(None)):
        for forbidden in (
            lambda: secret.read_text("utf-8"),
            lambda: (tmp_path / "new").write_text("x", "utf-8"),
            lambda: os.open(secret, os.O_RDWR),
            lambda: secret.unlink(),
            lambda: os.system("true"),
        ):
            with pytest.raises(PermissionError):
                forbidden()
    assert secret.read_text("utf-8") == "x"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("to", "refused"),
    [(("127.0.0.1", 9), "loopback"), (("192.0.2.1", 443), "documentation"), (("203.0.113.9", 443), "documentation")],
)
def test_a_call_connects_to_nothing_that_the_guard_refuses(to: tuple[str, int], refused: str) -> None:
    call = Call(Guard())
    with confined(call), socket.socket() as made, pytest.raises(PermissionError):
        made.connect(to)
    assert refused in call.refused[0]


def test_a_call_connects_to_no_name_and_to_no_socket_of_this_machine(tmp_path: Path) -> None:
    call = Call(Guard(LOOPBACK))
    with confined(call):
        with socket.socket() as made, pytest.raises(PermissionError):
            made.connect(("localhost", 443))
        with socket.socket(socket.AF_UNIX) as made, pytest.raises(PermissionError):
            made.connect(str(tmp_path / "socket"))
    assert len(call.refused) == 2


def test_outside_of_a_call_all_is_as_ever(tmp_path: Path) -> None:
    with confined(Call(None)):
        pass
    (tmp_path / "file").write_text("x", "utf-8")
    assert os.system("true") == 0


async def test_no_more_threads_than_allowed() -> None:
    threads = Threads(1)
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    def waits() -> str:
        return asyncio.run_coroutine_threadsafe(_wait(release), loop).result()

    first = asyncio.create_task(threads.run(waits, 5))
    await asyncio.sleep(0)
    with pytest.raises(AllBusy):
        await threads.run(lambda: "second", 0.05)
    release.set()
    assert await first == "done"
    assert await threads.run(lambda: "third", 5) == "third"
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: str(1 / 0), 5)


async def _wait(release: asyncio.Event) -> str:
    await release.wait()
    return "done"
