"""Asking to be written to."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass, field

import pytest

from dispatch.catalog import Catalog
from dispatch.catalog.suggest import KINDS, Suggestion
from subscribers import proof
from subscribers.consent import Limits
from subscribers.database import Database, Row
from subscribers.tokens import Purpose

from .conftest import ADDRESS, CATALOG, Site
from .forms import Page

NEW = "new@example.com"
SLOW = 10_000  # ms that a person takes


async def filled(site: Site, **changes: str) -> dict[str, str]:
    """The form as it is shown, with what a person writes into it, who takes their time."""
    _, text = await site.get("/subscribe")
    page = Page(text)
    site.clock.time += SLOW
    form = dict(page.values) | {"address": NEW, "what": "南昌高新区"}
    return form | changes


def asked(db: Database) -> list[Row]:
    return db.all("SELECT c.*, t.text FROM consents c JOIN consent_texts t ON t.id = c.text_id WHERE c.step = 'asked'")


def messages(db: Database) -> list[Row]:
    return db.all("SELECT * FROM messages WHERE kind = 'confirm' ORDER BY id")


async def endpoints(site: Site) -> dict[str, str]:
    return {row["address"]: row["state"] for row in (await site.tables())[0]}


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_form_is_one_for_every_reader(site: Site, language: str) -> None:
    response, text = await site.get("/subscribe", language)
    assert response.status == 200
    assert response.headers["Cache-Control"] == "no-store"
    page = Page(text)
    page.check()
    assert page.value("language") == language
    assert "南昌高新区" in text
    assert "park:南昌高新区" in text
    assert "province:江西省" in text
    assert "column:huoju/zones" in text


async def test_an_ask_leads_to_a_pending_endpoint_a_proof_and_a_message(site: Site) -> None:
    form = await filled(site, cadence="daily", language="en")
    response, text = await site.post("/subscribe", form)
    assert (response.status, "请查收邮件" in text) == (200, True)
    assert await endpoints(site) == {NEW: "pending"}
    (step,) = await site.store.call(asked)
    assert step["origin"] == "127.0.0.1"
    assert step["way"] == "page"
    assert "《火炬动态》" in step["text"]
    assert step["text"] in (await site.get("/subscribe"))[1]
    (message,) = await site.store.call(messages)
    assert message["endpoint_id"] == step["endpoint_id"]
    assert await site.follows(step["endpoint_id"]) == {"park:南昌高新区"}


async def test_the_proof_has_the_text_in_the_language_of_the_page(site: Site) -> None:
    _, text = await site.get("/subscribe?lang=en")
    site.clock.time += SLOW
    form = dict(Page(text).values) | {"address": NEW, "what": "blockchain"}
    await site.post("/subscribe", form)
    (step,) = await site.store.call(asked)
    assert step["text"].startswith("By pressing the button you agree")


async def test_all_answers_are_the_same_whoever_is_asked_for(site: Site) -> None:
    await site.subscribe()
    answers = set()
    for address in (NEW, ADDRESS, ADDRESS.upper()):
        response, text = await site.post("/subscribe", await filled(site, address=address))
        answers.add((response.status, text))
    assert len(answers) == 1


async def test_who_is_a_reader_stays_as_they_are_until_they_confirm(site: Site) -> None:
    endpoint = await site.subscribe()
    before = await site.tables()
    await site.post("/subscribe", await filled(site, address=ADDRESS, what="区块链"))
    assert await site.tables() == before
    assert [row["endpoint_id"] for row in await site.store.call(messages)] == [endpoint]


async def test_an_address_is_written_to_three_times_a_day_at_most(site: Site) -> None:
    answers = set()
    for _ in range(5):
        answers.add((await site.post("/subscribe", await filled(site)))[1])
    assert len(answers) == 1
    assert len(await site.store.call(messages)) == 3


async def test_a_network_asks_as_often_as_it_may(site: Site) -> None:
    for number in range(23):
        await site.post("/subscribe", await filled(site, address=f"reader{number}@example.com"))
    assert len(await site.store.call(messages)) == 20


async def test_networks_behind_a_proxy_are_counted_apart(site: Site) -> None:
    async with site.again(limits=Limits(network=1)) as client:
        for number, network in enumerate(("192.0.2.1", "192.0.2.9", "198.51.100.1")):
            form = await filled(site, address=f"reader{number}@example.com")
            headers = {"X-Forwarded-For": f"10.0.0.1, {network}"}
            assert (await client.post("/subscribe", data=form, headers=headers)).status == 200
    assert [row["origin"] for row in await site.store.call(asked)] == ["192.0.2.1", "198.51.100.1"]


async def test_a_program_that_fills_the_trap_gets_the_answer_and_nothing_else(site: Site) -> None:
    good = await site.post("/subscribe", await filled(site, address="good@example.com"))
    response, text = await site.post("/subscribe", await filled(site, website="https://spam.example"))
    assert (response.status, text) == (good[0].status, good[1])
    assert NEW not in await endpoints(site)


async def test_a_form_sent_faster_than_a_person_can_is_shown_again(site: Site) -> None:
    form = await filled(site)
    site.clock.time -= SLOW
    response, text = await site.post("/subscribe", form)
    assert response.status == 422
    assert "请再点击一次按钮" in text
    assert await endpoints(site) == {}
    again = dict(Page(text).values)
    assert again["address"] == NEW
    site.clock.time += SLOW
    response, _ = await site.post("/subscribe", again)
    assert (response.status, await endpoints(site)) == (200, {NEW: "pending"})


@pytest.mark.parametrize("stamp", ["", "x", "MQ.aaaa", "MTk5OTk5OTk5OTk5OQ.aaaaaaaaaaaaaaaa"])
async def test_a_form_without_a_stamp_of_ours_does_nothing(site: Site, stamp: str) -> None:
    response, _ = await site.post("/subscribe", await filled(site, stamp=stamp))
    assert (response.status, await endpoints(site)) == (422, {})


async def test_a_form_that_lay_open_for_days_is_given_a_new_stamp(site: Site) -> None:
    form = await filled(site)
    site.clock.time += 3 * 86_400_000
    response, text = await site.post("/subscribe", form)
    assert (response.status, "打开得太久" in text) == (422, True)
    site.clock.time += SLOW
    assert (await site.post("/subscribe", dict(Page(text).values)))[0].status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://[evil"},
    ],
)
async def test_forms_of_other_sites_are_refused(site: Site, headers: dict[str, str]) -> None:
    response = await site.client.post("/subscribe", data=await filled(site), headers=headers)
    assert response.status == 403
    assert "不能从别的网站提交" in await response.text()
    assert await endpoints(site) == {}


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {"Origin": "null"}, {}])
async def test_forms_of_ours_are_taken_from_every_browser(site: Site, headers: dict[str, str]) -> None:
    response = await site.client.post("/subscribe", data=await filled(site), headers=headers)
    assert (response.status, await endpoints(site)) == (200, {NEW: "pending"})


@pytest.mark.parametrize(
    "address",
    ["", "x", "a b@example.com", "张三 <a@example.com>", "a@", "a@b@c", "a" * 65 + "@example.com", "a\r\nBcc: b@c.cn"],
)
async def test_an_address_that_is_none_is_told_beside_its_field(site: Site, address: str) -> None:
    response, text = await site.post("/subscribe", await filled(site, address=address, cadence="weekly"))
    assert response.status == 422
    assert 'id="address-error"' in text
    page = Page(text)
    page.check()
    assert page.value("what") == "南昌高新区"
    assert page.value("cadence") == "weekly"
    assert await endpoints(site) == {}


async def test_an_address_with_a_domain_in_chinese_and_a_plus_tag_is_taken(site: Site) -> None:
    response, _ = await site.post("/subscribe", await filled(site, address="reader+torch@例子.中国"))
    assert response.status == 200
    assert len(await endpoints(site)) == 1


async def test_a_word_that_is_none_gets_suggestions_to_tick(site: Site) -> None:
    response, text = await site.post("/subscribe", await filled(site, what="南昌高新, <b>不存在的词</b>"))
    assert response.status == 422
    assert '<input type="checkbox" name="follow" value="park:南昌高新区"' in text
    assert "&lt;b&gt;不存在的词&lt;/b&gt;" in text
    assert "<b>" not in text
    Page(text).check()


async def test_pinyin_gets_suggestions_too(site: Site) -> None:
    response, text = await site.post("/subscribe", await filled(site, what="nanchang"))
    assert response.status == 422
    assert 'name="follow" value="park:南昌高新区"' in text[: text.index("<details")]


async def test_nothing_chosen_is_told(site: Site) -> None:
    response, text = await site.post("/subscribe", await filled(site, what=" ，; "))
    assert (response.status, "至少填写或勾选一项" in text) == (422, True)


async def test_what_is_ticked_is_followed_and_what_no_page_offers_is_not(site: Site) -> None:
    _, text = await site.get("/subscribe")
    site.clock.time += SLOW
    fields = [pair for pair in Page(text).values if pair[0] != "first"] + [
        ("address", NEW),
        ("follow", "topic:blockchain"),
        ("follow", "province:江西省"),
        ("follow", "column:huoju/zones"),
        ("follow", "park:nowhere"),
        ("follow", "park:南昌高新区"),
        ("mentions", "1"),
    ]
    response = await site.client.post("/subscribe", data=[pair for pair in fields if pair != ("address", "")])
    assert response.status == 200
    (step,) = await site.store.call(asked)
    tags = {"topic:blockchain", "province:江西省", "column:huoju/zones", "park:南昌高新区+mentions"}
    assert await site.follows(step["endpoint_id"]) == tags


async def test_every_park_can_be_ticked_at_once(site: Site) -> None:
    _, text = await site.get("/subscribe")
    site.clock.time += SLOW
    page = Page(text)
    offered = {control["value"] for control in page.controls if control.get("name") == "follow"}
    fields = [*page.values, *(("follow", tag) for tag in offered)]
    data = [pair for pair in fields if pair != ("address", "")] + [("address", NEW)]
    assert (await site.client.post("/subscribe", data=data)).status == 200
    (step,) = await site.store.call(asked)
    assert await site.follows(step["endpoint_id"]) == offered
    assert len(offered) > 200


async def test_a_link_can_tick_something(site: Site) -> None:
    _, text = await site.get("/subscribe?follow=park:南昌高新区")
    assert Page(text).ticked("follow") == ["park:南昌高新区"]


async def test_no_form_where_strangers_may_not_ask(site: Site) -> None:
    async with site.again(subscribe=False) as client:
        assert (await client.get("/subscribe")).status == 404
        assert (await client.post("/subscribe", data=await filled(site))).status == 404
        assert "subscribe" not in await (await client.get("/issues")).text()
    assert await endpoints(site) == {}


async def test_who_came_back_has_a_new_step_of_proof(site: Site) -> None:
    endpoint = await site.subscribe()
    await site.post("/subscribe", await filled(site, address=ADDRESS))
    steps = [step.step.value for step in await site.store.call(proof.proofs, endpoint)]
    assert steps == ["given", "asked"]


@pytest.mark.parametrize("first", [True, False])
async def test_the_box_for_the_newest_digest_is_ticked_as_the_settings_say(site: Site, first: bool) -> None:
    preferences = site.signer.token(Purpose.PREFERENCES, await site.subscribe())
    async with site.again(first=first) as client:
        for path in ("/subscribe", f"/p/{preferences}"):
            page = Page(await (await client.get(path)).text())
            assert page.value("first") == ("1" if first else "")


@dataclass(frozen=True)
class CountingCatalog(Catalog):
    """A catalog that keeps what is asked of it, and in which thread."""

    suggested: list[int] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    def suggest(self, word: str, limit: int = 10, kinds: Collection[str] = KINDS) -> list[Suggestion]:
        self.suggested.append(threading.get_ident())
        return super().suggest(word, limit, kinds)

    def find(self, what: str) -> str | None:
        self.found.append(what)
        return super().find(what)


def counting() -> CountingCatalog:
    return CountingCatalog(CATALOG.parks, CATALOG.topics, CATALOG.bulletins, CATALOG.groups, CATALOG.zones)


MANY = ",".join(f"a b c d e f g h{number}" for number in range(300))  # words of which each takes long to explain


@pytest.mark.parametrize("bad", [{"stamp": ""}, {"stamp": "x.y"}, {"website": "https://spam.example"}])
async def test_a_program_has_no_word_looked_up(site: Site, bad: dict[str, str]) -> None:
    catalog = counting()
    async with site.again(catalog=catalog) as client:
        await client.post("/subscribe", data=await filled(site, what=MANY, **bad))
    assert (catalog.suggested, catalog.found) == ([], [])


async def test_few_of_many_unknown_words_are_explained_and_not_on_the_loop(site: Site) -> None:
    catalog = counting()
    endpoint = await site.subscribe()
    preferences = f"/p/{site.signer.token(Purpose.PREFERENCES, endpoint)}"
    async with site.again(catalog=catalog) as client:
        for path, form in (
            ("/subscribe", await filled(site, what=MANY)),
            (preferences, {"do": "follow", "what": MANY}),
        ):
            catalog.suggested.clear()
            catalog.found.clear()
            response = await client.post(path, data=form)
            assert response.status == 422
            assert (len(catalog.suggested), len(catalog.found)) == (3, 20)
            assert threading.get_ident() not in catalog.suggested


@pytest.mark.parametrize(
    ("word", "tag"),
    [
        ("all", "all"),
        ("南昌高新区", "park:南昌高新区"),
        ("park：南昌国家高新区+mentions", "park:南昌高新区+mentions"),
        ("江西", "province:江西省"),
        ("province:江西省", "province:江西省"),
        ("Blockchain", "topic:blockchain"),
        ("《火炬动态》", None),
        ("火炬动态", "bulletin:huoju"),
        ("column:huoju/zones", "column:huoju/zones"),
        ("topic:", None),
        ("no such thing", None),
    ],
)
def test_a_word_is_found_without_a_search(word: str, tag: str | None) -> None:
    catalog = counting()
    assert catalog.find(word) == tag
    assert catalog.suggested == []
