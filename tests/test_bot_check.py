"""What doctor finds of Telegram's bots: over the wire, on a server in which the test plays BotFather."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dispatch import doctor
from dispatch.app import App
from dispatch.bot_check import _Case, _unpostable
from dispatch.delivery.clock import SystemClock
from dispatch.delivery.leases import new_owner
from dispatch.errors import SettingsError
from dispatch.findings import Finding
from dispatch.settings import Bot, load_settings
from dispatch.testing import BotApi

TOKEN = "42:a-token-that-is-secret"
WHAT = "telegram bot default"
Found = Callable[..., Awaitable[list[tuple[str, str]]]]


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi(TOKEN, strangers=False, webhook_delay=None) as server:
        yield server


@pytest.fixture
def found(tmp_path: Path, api: BotApi) -> Found:
    """State and detail of what doctor finds about something, with these settings of [telegram] and others."""

    async def examine(what: str = WHAT, telegram: str = "", more: str = "") -> list[tuple[str, str]]:
        text = f'[telegram]\ntoken = "{TOKEN}"\napi_base = "{api.base_url}"\n{telegram}\n{more}'
        file = tmp_path / "dispatch.toml"
        file.write_text(text, encoding="utf-8")
        findings: list[Finding] = await asyncio.to_thread(doctor.examine, App(load_settings(file)), file)
        assert "a-token-that-is-secret" not in str(findings)
        return [(item.state, item.detail) for item in findings if item.what == what]

    return examine


def running(folder: Path, name: str = "default") -> None:
    """A process talks for the bot."""
    app, owner, now = App(load_settings(folder / "dispatch.toml")), new_owner(), SystemClock().now()
    with app.database() as db, db.transaction():
        for lease in (f"process/{owner}", f"bot/{name}"):
            db.run(
                "INSERT INTO leases (name, owner, since, until) VALUES (:name, :owner, :now, :until)",
                {"name": lease, "owner": owner, "now": now, "until": now + 60_000},
            )


async def test_a_bot_that_works_is_told_by_its_name(found: Found, api: BotApi) -> None:
    assert await found() == [("ok", "@bulletin_test_bot (polling; privacy mode on, inline mode on)")]
    api.me.inline = False
    [(state, words)] = await found(telegram="conversation = false")
    assert (state, "only sends" in words, "inline mode off" in words) == ("ok", True, True)


async def test_what_botfather_was_told_otherwise_is_noted(found: Found, api: BotApi) -> None:
    api.me.privacy = api.me.joins_groups = False
    states = await found()
    assert [state for state, _ in states] == ["ok", "note", "note"]
    assert "/setprivacy" in states[1][1]
    assert "/setjoingroups" in states[2][1]
    assert [state for state, _ in await found(telegram="conversation = false")] == ["ok"]


@pytest.mark.parametrize("status", [401, 404])
async def test_a_token_that_is_refused_is_bad(found: Found, api: BotApi, status: int) -> None:
    api.answer(None, status, "Unauthorized" if status == 401 else "Not Found", method="getMe")
    [(state, words)] = await found()
    assert state == "bad"
    for part in ("refuses its token", "BotFather", "set token in [telegram]"):
        assert part in words


async def test_each_bot_is_asked_and_none_twice(found: Found, api: BotApi) -> None:
    api.bot("43:other", "second_bot")
    more = f'[[telegram.bots]]\nname = "b"\ntoken = "43:other"\napi_base = "{api.base_url}"\n'
    more += f'[[telegram.bots]]\nname = "c"\ntoken = "43:other"\napi_base = "{api.base_url}"\n'
    more += f'[[telegram.bots]]\nname = "d"\ntoken = "44:nobodys"\napi_base = "{api.base_url}"\n'
    more += '[[telegram.bots]]\nname = "e"'
    assert [state for state, _ in await found(more=more)] == ["ok"]
    assert "@second_bot" in (await found("telegram bot b", more=more))[0][1]
    assert "it has the token of the bot b" in (await found("telegram bot c", more=more))[0][1]
    assert "set token in [[telegram.bots]] d" in (await found("telegram bot d", more=more))[0][1]
    assert await found("telegram bot e", more=more) == [("bad", "it has no token: set it in [[telegram.bots]]")]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda api: api.babble(method="getMe"), "answers:"),
        (lambda api: api.babble(method="getMe", body="{}", status=200, content_type="application/json"), "answers:"),
        (lambda api: api.fail(method="getMe"), "Bad Gateway"),
        (lambda api: api.close_connection(method="getMe"), "nobody answers"),
        (lambda api: api.answer(None, 400, f"no {TOKEN}\x1b[2J", method="getMe"), "no …"),
        (lambda api: api.fail(method="getWebhookInfo"), "Bad Gateway"),
    ],
)
async def test_an_odd_answer_is_bad_and_harmless(
    found: Found, api: BotApi, fault: Callable[[BotApi], None], words: str
) -> None:
    fault(api)
    [(state, detail)] = await found()
    assert (state, words in detail, "\x1b" in detail) == ("bad", True, False), detail


async def test_nobody_at_the_address_is_bad(found: Found, api: BotApi) -> None:
    await api.stop()
    [(state, words)] = await found()
    assert (state, "connection refused" in words) == ("bad", True)


async def test_a_bot_api_that_says_nothing_is_not_waited_for(found: Found, api: BotApi) -> None:
    api.stall(method="getMe")
    [(state, words)] = await found(telegram="timeout = 0.2")
    assert (state, "no answer in time" in words) == ("bad", True)


async def posted_to(api: BotApi, url: str) -> None:
    """Somebody has set a webhook."""
    app = App(load_settings(None).model_copy(update={"telegram": _telegram(api)}))
    line = app.bots.get("default")
    bot = await line.load()
    await bot.set_webhook(url)
    await line.close()


def _telegram(api: BotApi) -> Any:
    from dispatch.settings import TelegramSettings

    return TelegramSettings.model_validate({"token": TOKEN, "api_base": api.base_url})


async def test_a_webhook_that_keeps_a_bot_from_asking_is_told(found: Found, api: BotApi, tmp_path: Path) -> None:
    await posted_to(api, "https://elsewhere.test/hook/a-secret-path")
    [_, (state, words)] = await found()
    assert (state, "https://elsewhere.test," in words, "a-secret-path" in words) == ("note", True, False)
    assert "takes it away when it starts" in words
    running(tmp_path)
    [_, (state, words)] = await found()
    assert (state, "another program uses this token" in words) == ("bad", True)
    assert len(await found(telegram="conversation = false")) == 1


async def test_updates_that_nobody_takes_are_noted(found: Found, api: BotApi, tmp_path: Path) -> None:
    await api.user("Ann").send("/start")
    [_, (state, words)] = await found()
    assert (state, words) == ("note", "1 updates wait for dispatch run")
    running(tmp_path)
    assert len(await found()) == 1


async def test_a_webhook_is_held_against_the_settings(found: Found, api: BotApi, tmp_path: Path) -> None:
    pages = {"telegram": 'updates = "webhook"', "more": '[web]\nbase_url = "https://ours.test"'}
    [(_, portrait), (state, words)] = await found(**pages)
    assert "webhook" in portrait
    assert (state, words) == ("note", "no webhook is set; dispatch run sets its own when it starts")
    await posted_to(api, "https://elsewhere.test/hook")
    assert "posted to https://elsewhere.test;" in (await found(**pages))[1][1]
    running(tmp_path)
    assert (await found(**pages))[1][0] == "bad"
    await posted_to(api, "https://ours.test/telegram/default")
    assert len(await found(**pages)) == 1


async def test_what_a_webhook_does_not_take_is_told(found: Found, api: BotApi) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        nobody = f"http://127.0.0.1:{server.getsockname()[1]}"
    pages = {"telegram": 'updates = "webhook"', "more": f'[web]\nbase_url = "{nobody}"'}
    await posted_to(api, f"{nobody}/telegram/default")
    await api.user("Ann").send("/start")
    webhook = api.me.webhook
    assert webhook is not None
    async with asyncio.timeout(10):
        await api.world.signal.until(lambda: webhook.failures > 0, None)
    [_, (state, words)] = await found(**pages)
    assert (state, "Connection refused; 1 wait" in words) == ("bad", True), words


@pytest.mark.parametrize(
    ("url", "api_base", "words"),
    [
        ("http://x.test/telegram/b", "https://api.telegram.org", "https addresses only"),
        ("https://x.test:8444/telegram/b", "https://api.telegram.org", "443, 80, 88, 8443"),
        ("https://x.test:8443/telegram/b", "https://api.telegram.org", ""),
        ("https://x.test/telegram/b", "https://api.telegram.org", ""),
        ("http://x.test:1/telegram/b", "http://localhost:8081", ""),
    ],
)
def test_addresses_that_telegram_does_not_post_to(url: str, api_base: str, words: str) -> None:
    said = _unpostable(_Case(Bot(api_base=api_base), url, talks=True, running=False))
    assert words in said
    assert bool(words) == bool(said)


async def test_chats_that_approve_and_can_be_written_to_are_no_finding(found: Found, api: BotApi) -> None:
    ann = api.user("Ann", started=True)
    group, channel = api.group("办公室"), api.channel("频道", username="our_office", admins=[ann])
    chats = f'[publish]\napprovers = ["{ann.id}", "{group.id}", "{group.id}/7", "{channel.id}", "@our_office"]'
    for chat in (ann.id, group.id, f"{group.id}/7", channel.id, "@our_office"):
        assert await found(f"approver {chat}", more=chats) == []


async def test_chats_that_approve_and_cannot_be_reached_are_bad(found: Found, api: BotApi) -> None:
    ann, bob = api.user("Ann"), api.user("Bob", username="bob_person")
    gone, mute = api.group("没有我", bot="left"), api.channel("不能发", admins=[bob])
    mute.member(api.me).denied = frozenset({"can_post_messages"})
    public = api.channel("公开", username="public_channel", admins=[bob], bot="left")
    wanted = {
        str(ann.id): "press Start",
        "-1009": "add it to the group",
        str(gone.id): "add it to the group",
        str(mute.id): "administrator of the channel",
        f"@{public.username}": "to which it must be added",
        "@bob_person": "a person is written as a number",
    }
    names = ", ".join(f'"{name}"' for name in wanted)
    for chat, words in wanted.items():
        [(state, detail)] = await found(f"approver {chat}", more=f"[publish]\napprovers = [{names}]")
        assert (state, words in detail) == ("bad", True), (chat, detail)
    quiet = f'[publish]\napproval = "automatic"\nalarms = false\napprovers = ["{bob.id}"]'
    assert await found(f"approver {bob.id}", more=quiet) == []


async def test_a_chat_that_is_not_known_to_be_reached_is_noted(found: Found, api: BotApi) -> None:
    api.fail(method="getChat")
    [(state, words)] = await found("approver 5", more='[publish]\napprovers = ["5"]')
    assert (state, "is not known" in words) == ("note", True)


def test_a_chat_that_approves_takes_a_bot(tmp_path: Path) -> None:
    file = tmp_path / "dispatch.toml"
    file.write_text('[publish]\napprovers = ["5"]')
    [found] = [item for item in doctor.examine(App(load_settings(file)), file) if item.what == "approver 5"]
    assert (found.state, "[telegram] token" in found.detail) == ("bad", True)


@pytest.mark.parametrize(
    "word", ["telegram:5", "t.me/our_office", "https://t.me/our_office", "-100/", "@x", "5 6", "Ann"]
)
def test_an_approver_that_is_no_address_is_told_the_forms(tmp_path: Path, word: str) -> None:
    file = tmp_path / "dispatch.toml"
    file.write_text(f'[publish]\napprovers = ["{word}"]\napprovers_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"')
    with pytest.raises(SettingsError) as caught:
        _ = App(load_settings(file)).approvers
    for words in ("[publish] approvers", "-1001234567890 (a group or channel)", "123456789 (a person)", "@name"):
        assert words in str(caught.value)
