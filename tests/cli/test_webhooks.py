"""`dispatch webhooks` and `subscribers add --webhook`, against receivers on the loopback interface."""

from __future__ import annotations

import asyncio
import csv
import json
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook
from typer.testing import CliRunner, Result

from dispatch.app import App
from dispatch.channels.webhook.signing import new_secret
from dispatch.cli.main import cli
from dispatch.delivery import planner
from dispatch.model import Rejected, Retry, Sent
from dispatch.service import run_once
from dispatch.settings import load_settings
from dispatch.testing.robots.dingtalk import DingTalkService
from dispatch.testing.robots.wecom import WeComService
from dispatch.testing.webhook import WebhookReceiver
from subscribers import directory
from subscribers.model import EndpointState
from tests.cli.conftest import Office

KEY = "693a91f6-7b1c-4bc4-97a0-0ec2a1fa5aaa"
ISSUE = {"一": ["a"], "二": ["a"]}


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch, office: Office) -> None:
    """Receivers on this machine, and an issue of which tests are made."""
    monkeypatch.setenv("DISPATCH_WEBHOOK__ALLOW_NETWORKS", "127.0.0.0/8,::1/128")
    office.desk.issue(ISSUE)


async def call(*words: str, given: str = "", expect: int = 0) -> Result:
    """A command in a thread beside the receivers, with what it reads from standard input."""
    done = await asyncio.to_thread(lambda: CliRunner().invoke(cli, list(words), input=given))
    code = getattr(done.exception, "exit_code", done.exit_code)
    assert code == expect, (done.output, done.exception)
    return done


async def ask(*words: str, given: str = "", expect: int = 0) -> Any:
    return json.loads((await call(*words, "--json", given=given, expect=expect)).stdout)


async def run() -> None:
    """What `dispatch run --once` does."""
    await run_once(App(load_settings()), take_in=False)


def endpoint(office: Office, number: int = 1) -> Any:
    return directory.endpoint(office.desk.db, number)


async def added(receiver: WebhookReceiver, *more: str, path: str = "/hook") -> Any:
    return await ask("subscribers", "add", "--webhook", receiver.url(path), "--follow", "all", *more)


async def test_a_receiver_that_takes_the_test_event_is_active_at_once(office: Office) -> None:
    async with WebhookReceiver() as receiver:
        done = await call("subscribers", "add", "--webhook", receiver.url("/hook"), "--follow", "all")
        (request,) = await receiver.requests.reached(1)
    one = endpoint(office)
    assert one.state is EndpointState.ACTIVE
    assert "e1: the test event arrived (200," in done.stdout
    assert request.json["type"].endswith(".test")
    Webhook(one.address.secret).verify(request.body, dict(request.headers))
    assert one.consent == "the receiver took a test event"


async def test_what_was_said_of_their_consent_is_kept(office: Office) -> None:
    async with WebhookReceiver() as receiver:
        receiver.answer("/hook", 500, times=1)
        await added(receiver, "--basis", "by letter")
        assert endpoint(office).state is EndpointState.PENDING
        await call("webhooks", "test", "e1")
    assert endpoint(office).state is EndpointState.ACTIVE
    assert endpoint(office).consent.startswith("by letter")


async def test_one_that_does_not_is_pending_beside_the_persons_other_endpoints(office: Office) -> None:
    async with WebhookReceiver() as receiver:
        receiver.answer("/hook", 503, body=b"not today", times=1)
        words = ("--webhook", receiver.url("/hook"), "--email", "li@x.test", "--follow", "all", "--confirmed")
        done = await call("subscribers", "add", *words)
        assert [endpoint(office, n).state for n in (1, 2)] == [EndpointState.ACTIVE, EndpointState.PENDING]
        assert "not today" in endpoint(office, 2).reason
        assert "e2 is pending, for the test event did not arrive: the receiver answered 503" in done.stderr
        assert "dispatch webhooks test e2" in done.stderr
        assert "signing secret" in done.stdout
        told = await call("webhooks", "test", "e2")
        assert "endpoint: active, it was pending" in told.stdout
    assert endpoint(office, 2).state is EndpointState.ACTIVE


async def test_who_is_refused_gets_no_test_event(office: Office) -> None:
    async with WebhookReceiver() as receiver:
        await added(receiver)
        await call("subscribers", "add", "--webhook", receiver.url("/hook"), "--follow", "all", expect=1)
        assert len(receiver.requests) == 1


async def test_where_webhooks_are_off_it_is_pending_and_says_what_to_set(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPATCH_WEBHOOK__ENABLED", "false")
    words = ("--webhook", "http://127.0.0.1:9/x", "--follow", "all")
    assert "set [webhook] enabled" in (await call("subscribers", "add", *words)).stderr
    assert endpoint(office).state is EndpointState.PENDING
    await call("webhooks", "test", "e1", expect=2)


async def test_a_robot_by_its_kind_with_address_and_secret_from_standard_input(office: Office) -> None:
    secret = "SEC" + "a1b2" * 8
    async with DingTalkService(secret=secret) as service:
        words = ("subscribers", "add", "--webhook", "-", "--robot", "dingtalk", "--secret", "-", "--follow", "all")
        done = await call(*words, given=f"{service.url()}\n{secret}\n")
        (post,) = await service.posts.reached(1)
    one = endpoint(office)
    assert (one.address.channel, one.address.secret, one.state) == ("dingtalk", secret, EndpointState.ACTIVE)
    assert "测试" in post.body["markdown"]["title"]
    assert service.key not in done.output
    assert service.key[-4:] in done.stdout


async def test_a_robot_that_refuses_inside_200_is_pending_with_the_providers_words(office: Office) -> None:
    async with WeComService() as service:
        service.remove(service.key)
        url = service.url()
        done = await call("subscribers", "add", "--webhook", "-", "--robot", "wecom", "--follow", "all", given=url)
        assert endpoint(office).state is EndpointState.PENDING
        assert "93000" in endpoint(office).reason
        assert KEY not in done.output
        failed = await ask("webhooks", "test", "e1", expect=1)
        assert (failed["outcome"], failed["code"], failed["state"]) == ("rejected", "93000", "pending")
        service.add(service.key)
        assert (await ask("webhooks", "test", "e1"))["state"] == "active"


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        (("--webhook", "-"), "", "no line with the web address"),
        (("--webhook", "http://127.0.0.1:9/x", "--secret", "whsec_AAAA"), "", "not given on the command line"),
        (("--webhook", "http://127.0.0.1:9/x", "--secret", "-"), "whsec_AAAA\n", "base64 of 24 to 64 bytes"),
        (("--webhook", "http://127.0.0.1:9/x", "--robot", "fax"), "", "no robot 'fax'"),
        (("--email", "a@x.test", "--robot", "wecom"), "", "about one --webhook"),
    ],
)
async def test_a_wrong_call_adds_nobody_and_repeats_no_secret(
    office: Office, words: tuple[str, ...], given: str, said: str
) -> None:
    done = await call("subscribers", "add", *words, "--follow", "all", given=given, expect=2)
    assert said in str(done.exception)
    assert "whsec_AAAA" not in str(done.exception)
    assert list(directory.everyone(office.desk.db)) == []


async def test_a_test_says_what_was_answered_and_what_to_do(office: Office) -> None:
    async with WebhookReceiver() as receiver:
        await added(receiver)
        receiver.answer("/hook", 401, body=b"bad signature", times=1)
        failed = await ask("webhooks", "test", receiver.url("/hook"), expect=1)
        assert (failed["outcome"], failed["code"]) == ("retry", "401")
        assert "bad signature" in failed["said"]
        assert "secret" in failed["todo"]
    closed = await ask("webhooks", "test", "e1", expect=1)
    assert closed["code"] == "refused"
    assert endpoint(office).state is EndpointState.ACTIVE  # a test that fails changes no endpoint that is written to
    tested = [row["detail"] for row in office.json("audit", "--action", "tested")]
    assert tested == [{"outcome": "retry", "code": "refused"}, {"outcome": "retry", "code": "401"}]


async def test_a_test_is_for_webhooks_and_resumes_no_pause_of_a_persons(office: Office) -> None:
    office.desk.reader("li@x.test", "all")
    assert "no webhook" in str((await call("webhooks", "test", "e1", expect=2)).exception)
    async with WebhookReceiver() as receiver:
        await added(receiver)
        await call("subscribers", "pause", "e2")
        assert (await ask("webhooks", "test", "e2"))["state"] == "paused"
        office.desk.db.run("UPDATE endpoints SET reason = 'nothing arrived for 5 days; last: no' WHERE id = 2")
        assert (await ask("webhooks", "test", "e2"))["state"] == "active"


async def test_a_new_secret_is_shown_once_and_both_sign_for_a_day(office: Office) -> None:
    async with WebhookReceiver() as receiver:
        await added(receiver)
        old = endpoint(office).address.secret
        done = await ask("webhooks", "rotate", "e1")
        await call("webhooks", "test", "e1")
        now = await ask("webhooks", "rotate", "e1", "--now")
        await call("webhooks", "test", "e1")
        _, both, one = await receiver.requests.reached(3)
    assert done["both_sign"]
    assert not now["both_sign"]
    for secret in (old, done["secret"]):
        Webhook(secret).verify(both.body, dict(both.headers))
    Webhook(now["secret"]).verify(one.body, dict(one.headers))
    assert len(one.headers["webhook-signature"].split()) == 1
    assert endpoint(office).address.secret == now["secret"]
    record = office("audit", "--json").stdout
    assert "whsec_" not in record
    assert [row["action"] for row in json.loads(record)].count("secret") == 2


async def test_a_secret_of_their_own_and_that_of_a_robot_come_by_standard_input(office: Office) -> None:
    mine = new_secret()
    async with WebhookReceiver() as receiver, DingTalkService() as service:
        await added(receiver)
        done = await ask("webhooks", "rotate", "e1", "--secret", "-", given=mine)
        assert done["secret"] == ""
        assert endpoint(office).address.secret.startswith(f"{mine} whsec_")
        words = ("subscribers", "add", "--webhook", "-", "--robot", "dingtalk", "--follow", "all")
        await call(*words, given=service.url())
    assert "--secret -" in str((await call("webhooks", "rotate", "e2", expect=2)).exception)
    await call("webhooks", "rotate", "e2", "--secret", "-", given="keyword:火炬")
    assert endpoint(office, 2).address.secret == "keyword:火炬"


async def test_attempts_and_what_is_next(office: Office) -> None:
    async with WebhookReceiver() as receiver:
        await added(receiver)
        queue = endpoint(office).address.queue
    office.desk.clock.ms += 1000
    office.desk.db.run("UPDATE issues SET planned_at = NULL, state = 'approved'")
    planned(office)
    office.settle(lambda address: Retry("the receiver answered 500: out of paper", "500"), queue)
    found = await ask("webhooks", "attempts", "e1")
    assert [(row["code"], row["duration_ms"], row["about"][0]["column"]) for row in found["attempts"]] == [
        ("500", 20, "二"),
        ("500", 20, "一"),
    ]
    assert "out of paper" in found["attempts"][0]["detail"]
    assert [row["state"] for row in found["next"]] == ["queued", "queued"]
    assert len((await ask("webhooks", "attempts", "e1", "--limit", "1"))["attempts"]) == 1
    text = (await call("webhooks", "attempts", "e1")).stdout
    assert "next: m1 534 一 (delivery 1): queued" in text
    (row,) = office.json("webhooks", "list")
    assert (row["endpoint"], row["state"], row["failures"]) == ("e1", "active", 2)
    assert row["failing_since"] is not None
    assert row["last_success"] is not None  # the test event


def planned(office: Office) -> None:
    """Deliveries of the issue, as the planner makes them, with a time to live."""
    for issue in planner.to_plan(office.desk.db, office.desk.clock.now()):
        plan = planner.begin(office.desk.db, issue)
        assert plan is not None
        for low, high in plan.slices:
            planner.plan_slice(
                office.desk.db, plan, low, high, {"webhook": 86_400_000, "email": 86_400_000}, office.desk.clock.now()
            )
        planner.end(office.desk.db, plan, office.desk.clock.now())


async def test_what_was_sent_is_sent_again_under_the_same_id(office: Office) -> None:
    async with WebhookReceiver() as receiver:
        await added(receiver)
        await run()
        await receiver.requests.reached(3)
        done = await ask("webhooks", "replay", "1")
        assert done["of"] == "m1"
        await call("webhooks", "replay", "m1", expect=1)  # it is under way
        await run()
        _, *sent, again = await receiver.requests.reached(4)
    first = next(request for request in sent if request.id == again.id)
    assert again.json["data"]["digests"] == first.json["data"]["digests"]
    assert done["webhook_id"] == again.id
    states = office.desk.db.rows("SELECT kind, state FROM messages ORDER BY id")
    assert states == [("digest", "sent"), ("digest", "sent"), ("replay", "sent")]
    assert [row["state"] for row in office.json("deliveries", "list")] == ["sent", "sent"]
    assert [row["detail"] for row in office.json("audit", "--action", "replayed")] == [{"of": 1, "message": 3}]
    found = await ask("webhooks", "attempts", "e1")
    assert [row["kind"] for row in found["attempts"]] == ["replay", "digest", "digest"]


async def test_what_has_failed_is_the_same_message_once_more(office: Office) -> None:
    async with WebhookReceiver() as receiver:
        await added(receiver)
        planned(office)
        office.settle(lambda address: Rejected("no"), endpoint(office).address.queue)
        done = await ask("webhooks", "replay", "2")
        assert (done["message"], done["of"]) == ("m2", None)
        await run()
        assert len(await receiver.requests.reached(2)) == 2
    states = office.desk.db.rows("SELECT kind, state FROM messages ORDER BY id")
    assert states == [("digest", "failed"), ("digest", "sent")]


async def test_what_may_not_go_is_not_replayed(office: Office) -> None:
    office.desk.reader("li@x.test", "all")
    async with WebhookReceiver() as receiver:
        await added(receiver)
    planned(office)
    office.settle(lambda address: Sent(code="200"), endpoint(office, 2).address.queue)
    ids = dict(office.desk.db.rows("SELECT endpoint_id, MIN(id) FROM deliveries GROUP BY endpoint_id"))
    for word in ("x", "m"):
        await call("webhooks", "replay", word, expect=2)
    await call("webhooks", "replay", "m999", expect=1)
    await call("webhooks", "replay", str(ids[1]), expect=2)  # of email
    await call("subscribers", "pause", "e2")
    refused = await call("webhooks", "replay", str(ids[2]), expect=1)
    assert "paused" in str(refused.exception)
    await call("subscribers", "resume", "e2")
    office("issues", "cancel", "534", "--yes")
    assert "cancelled" in str((await call("webhooks", "replay", str(ids[2]), expect=1)).exception)


async def test_keys_in_addresses_are_masked_in_lists_and_whole_in_exports(office: Office) -> None:
    async with WeComService() as service:
        url = service.url()
        await call("subscribers", "add", "--webhook", "-", "--robot", "wecom", "--follow", "all", given=url)
        await run()
    for words in (
        ("subscribers", "list"),
        ("subscribers", "list", "--json"),
        ("subscribers", "show", "1"),
        ("subscribers", "show", "1", "--json"),
        ("subscribers", "history", "1"),
        ("deliveries", "list"),
        ("deliveries", "list", "--json"),
        ("deliveries", "show", "1"),
        ("webhooks", "list"),
        ("webhooks", "attempts", "e1", "--json"),
        ("audit", "--json"),
    ):
        done = await call(*words)
        assert KEY not in done.output, words
    assert KEY[-4:] in (await call("subscribers", "show", "1")).stdout
    assert url in (await call("subscribers", "show", "1", "--reveal")).stdout
    assert (await ask("subscribers", "show", "1", "--reveal"))["endpoints"][0]["address"] == url


async def test_a_robot_with_its_secret_comes_back_from_an_export(office: Office, tmp_path: Path) -> None:
    secret = "SEC" + "a1b2" * 8
    async with DingTalkService(secret=secret) as service, WebhookReceiver() as receiver:
        words = ("subscribers", "add", "--webhook", "-", "--robot", "dingtalk", "--secret", "-", "--follow", "all")
        await call(*words, given=f"{service.url()}\n{secret}\n")
        await added(receiver)
        await call("webhooks", "rotate", "e2")
        before = [(e.address, e.state) for n in (1, 2) for e in [endpoint(office, n)]]
        await call("subscribers", "export", "people.csv", "--secrets")
        rows = table("people.csv")
        assert rows[0]["webhook"].startswith("dingtalk+http://")
        url = f"sqlite:///{tmp_path / 'other.db'}"
        await elsewhere(url, "subscribers", "import", "people.csv")
        assert len(service.posts) == 1  # an import sends nothing
    found = await elsewhere(url, "subscribers", "export", "again.csv", "--secrets")
    assert found.exit_code == 0
    again = table("again.csv")
    kept = ("webhook", "secret", "state")
    assert [[row[name] for name in kept] for row in again] == [[row[name] for name in kept] for row in rows]
    assert before[0][0].secret == again[0]["secret"]


def table(name: str) -> list[dict[str, str]]:
    with Path(name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


async def elsewhere(url: str, *words: str) -> Result:
    """A command on another database."""
    done = await asyncio.to_thread(lambda: CliRunner(env={"DISPATCH_DATABASE__URL": url}).invoke(cli, list(words)))
    assert done.exit_code == 0, (done.output, done.exception)
    return done
