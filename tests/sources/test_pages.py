"""Pages that link to issues, and feeds that list them, on a real server."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.errors import IntakeError
from dispatch.settings import FeedSource, FileSource, PageSource
from dispatch.sources.pages import File, Listed
from dispatch.sources.source import Memory, Trouble
from dispatch.sources.web import Web
from tests.sources.site import DAY_MS, Dialled, FakeClock, Page, Site, asking, index, issue, look
from tests.sources.test_web import Names


def page_of(site: Site, web: Web, path: str = "/", **more: Any) -> Listed:
    return Listed(PageSource(name="site", url=f"{site.base_url}{path}", **{"at_first": 20, **more}), web)


def feed_of(site: Site, web: Web, **more: Any) -> Listed:
    return Listed(FeedSource(name="news", url=f"{site.base_url}/feed.xml", **{"at_first": 20, **more}), web)


async def test_a_page_is_gone_through_once_and_the_older_ones_first() -> None:
    clock, memory = FakeClock(), Memory()
    pages = {"/": index("/2.md|第2期", "1.md|第1期", "/about.html|关于"), "/1.md": issue(1), "/2.md": issue(2)}
    async with Site(pages) as site:
        source = page_of(site, asking(clock))
        assert (await look(source, memory, clock)).names == ["1.md", "2.md"]
        assert site.fetched() == ["/", "/1.md", "/2.md"]
        assert (await look(source, memory, clock)).taken == {}
        assert site.fetched() == ["/"]
        pages["/3.md"] = issue(3)
        pages["/"] = index("/3.md", "/2.md", "/1.md")
        # As after a restart: all that is known is in the memory.
        assert (await look(page_of(site, asking(clock)), memory, clock)).names == ["3.md"]


async def test_links_are_chosen_by_address_and_by_words() -> None:
    clock = FakeClock()
    pages = {
        "/": index(
            "/a/1.md|火炬动态 第1期",
            "/a/2.md|通知",
            "/b/3.md|火炬动态 第3期",
            "mailto:x@y/a/|火炬动态",
            "javascript:x(/a/)|火炬动态",
        ),
        **{path: issue(number) for number, path in enumerate(("/a/1.md", "/a/2.md", "/b/3.md"))},
    }  # fmt: skip
    async with Site(pages) as site:
        source = page_of(site, asking(clock), links=("*/A/*",), texts=("*火炬动态*",))
        assert (await look(source, Memory(), clock)).names == ["1.md"]


@pytest.mark.parametrize(
    ("more", "settings"),
    [
        ('<link rel="next" href="/p{}">', {}),
        ('<a href="/p{}">下一页</a>', {}),
        ('<a href="/p{}">weiter</a>', {"next": ("weiter",)}),
        ('<a href="/p{}">5</a>', {"next": ("*/p?",)}),
    ],
)
async def test_pagination_is_followed_up_to_its_bound_and_only_where_there_is_news(more: str, settings: Any) -> None:
    clock, memory = FakeClock(), Memory()
    pages = {f"/p{n}": index(f"/{n}.md", more=more.format(n + 1)) for n in range(6)}
    pages |= {f"/{n}.md": issue(n) for n in range(6)}
    async with Site(pages) as site:
        source = page_of(site, asking(clock), "/p0", pages=3, **settings)
        assert (await look(source, memory, clock)).names == ["2.md", "1.md", "0.md"]
        site.fetched()
        await look(source, memory, clock)
        assert site.fetched() == ["/p0"]


async def test_pages_that_go_round_in_circles_end() -> None:
    clock = FakeClock()
    pages = {"/a": index(more='<a href="/b">next</a>'), "/b": index(more='<a href="/a">next</a>')}
    async with Site(pages) as site:
        await look(page_of(site, asking(clock), "/a", pages=50), Memory(), clock)
        assert site.fetched() == ["/a", "/b"]


async def test_what_a_linked_page_has_attached_is_the_issue_and_one_level_is_enough() -> None:
    clock, memory = FakeClock(), Memory()
    pages = {
        "/": index("/art/1.html|第1期", "/art/2.html|第2期"),
        "/art/1.html": index("../files/download?id=7|第1期.md", "/deep.html|more.txt", "/other.html"),
        "/files/download": issue(1),
        "/deep.html": index("/deeper.md"),
        "/deeper.md": issue(9),
        "/art/2.html": Page(b"<html><body><h1>issue 2 itself</h1></body></html>"),
    }
    async with Site(pages) as site:
        done = await look(page_of(site, asking(clock), links=("*/art/*",)), memory, clock)
        assert done.names == ["2.html", "download", "deep.html"]
        assert "/deeper.md" not in site.fetched()
        assert (await look(page_of(site, asking(clock), links=("*/art/*",)), memory, clock)).taken == {}
        assert site.fetched() == ["/"]


async def test_a_listing_that_has_not_changed_is_not_read_again() -> None:
    clock, memory = FakeClock(), Memory()
    pages = {"/": index("/1.md"), "/1.md": issue(1)}
    pages["/"].headers["ETag"] = '"1"'
    async with Site(pages) as site:
        source = page_of(site, asking(clock))
        await look(source, memory, clock)
        pages["/"].body = index("/2.md").body  # under the same validator: nobody learns of it
        pages["/2.md"] = issue(2)
        assert (await look(source, memory, clock)).taken == {}
        pages["/"].headers["ETag"] = '"2"'
        assert (await look(source, memory, clock)).names == ["2.md"]


async def test_a_document_that_changes_is_taken_again_and_the_same_content_is_not() -> None:
    clock, memory = FakeClock(), Memory()
    pages = {"/": index("/1.md", "/copy.md"), "/1.md": issue(1, ETag='"1"'), "/copy.md": issue(1)}
    async with Site(pages) as site:
        source = page_of(site, asking(clock))
        assert (await look(source, memory, clock)).names == ["copy.md"]  # the other one has the same content
        site.fetched()
        clock.ms += DAY_MS
        assert (await look(source, memory, clock)).taken == {}
        assert site.fetched() == ["/", "/1.md"]  # asked by its validator; the other one has none
        pages["/1.md"] = issue(2, ETag='"2"')
        clock.ms += DAY_MS
        assert (await look(source, memory, clock)).names == ["1.md"]


async def test_what_was_refused_is_not_fetched_again_until_it_changes() -> None:
    clock, memory = FakeClock(), Memory()
    pages = {"/": index("/1.md"), "/1.md": issue(1, ETag='"1"')}
    async with Site(pages) as site:
        source = page_of(site, asking(clock))
        assert (await look(source, memory, clock, refuse=lambda data: "no issue")).names == ["1.md"]
        site.fetched()
        assert (await look(source, memory, clock)).taken == {}
        assert site.fetched() == ["/"]
        clock.ms += DAY_MS
        assert (await look(source, memory, clock)).taken == {}


async def test_a_dead_link_is_told_and_tried_again_later_and_later() -> None:
    clock, memory = FakeClock(), Memory()
    pages = {"/": index("/1.md", "/2.md"), "/2.md": issue(2)}
    async with Site(pages) as site:
        source = page_of(site, asking(clock))
        done = await look(source, memory, clock)
        assert done.names == ["2.md"]
        assert "answered 404" in done.refused[f"{site.base_url}/1.md"]
        assert done.error is None
        site.fetched()
        assert (await look(source, memory, clock)).refused == {}
        clock.ms += 900_000
        pages["/1.md"] = issue(1)
        assert (await look(source, memory, clock)).names == ["1.md"]
        clock.ms += 900_000
        assert (await look(source, memory, clock)).taken == {}


async def test_the_first_look_takes_the_newest_and_the_rest_counts_as_known() -> None:
    clock, memory = FakeClock(), Memory()
    pages = {"/": index("/3.md", "/2.md", "/1.md"), **{f"/{n}.md": issue(n) for n in range(1, 4)}}
    async with Site(pages) as site:
        source = page_of(site, asking(clock), at_first=1)
        assert (await look(source, memory, clock)).names == ["3.md"]
        assert (await look(source, memory, clock)).taken == {}


async def test_robots_txt_is_heeded() -> None:
    clock = FakeClock()
    rules = b"User-agent: huoju-dispatch\nDisallow: /secret/\nCrawl-delay: 7\n\nUser-agent: *\nDisallow: /\n"
    pages = {
        "/robots.txt": Page(rules, "text/plain"),
        "/": index("/secret/1.md", "/2.md"),
        "/2.md": issue(2),
        "/secret/1.md": issue(1),
    }
    async with Site(pages) as site:
        done = await look(page_of(site, asking(clock)), Memory(), clock)
        assert done.names == ["2.md"]
        assert "asks us not to" in done.refused[f"{site.base_url}/secret/1.md"]
        assert site.asked == ["/robots.txt", "/", "/2.md"]
        assert 7 in clock.slept
        done = await look(page_of(site, asking(clock), robots=False), Memory(), clock)
        assert len(done.taken) == 2


async def test_robots_txt_of_where_a_redirect_leads_is_heeded() -> None:
    clock = FakeClock()
    rules = Page(b"User-agent: *\nDisallow: /private/", "text/plain")
    async with Site({"/robots.txt": rules, "/private/1.md": issue(), "/2.md": issue(2)}) as other:
        there = f"http://127.0.0.1:{other.port}"
        pages = {
            "/": index("/1.md", "/2.md"),
            "/1.md": Page(status=302, headers={"Location": f"{there}/private/1.md"}),
            "/2.md": Page(status=302, headers={"Location": f"{there}/2.md"}),
        }
        async with Site(pages) as site:
            done = await look(page_of(site, asking(clock)), Memory(), clock)
            assert done.names == ["2.md"]
            (refusal,) = done.refused.values()
            assert refusal.endswith("/private/1.md: its robots.txt asks us not to")
            assert sorted(other.asked) == ["/2.md", "/robots.txt"]
            done = await look(page_of(site, asking(clock), robots=False), Memory(), clock)
            assert sorted(done.names) == ["1.md", "2.md"]


async def test_robots_txt_is_asked_for_once_a_day() -> None:
    clock, memory = FakeClock(), Memory()
    async with Site({"/": index()}) as site:
        source = page_of(site, asking(clock))
        await look(source, memory, clock)
        await look(source, memory, clock)
        assert site.asked.count("/robots.txt") == 1  # there is none: all is allowed
        clock.ms += DAY_MS
        await look(source, memory, clock)
        assert site.asked.count("/robots.txt") == 2


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_server_that_cannot_tell_its_rules_is_asked_for_nothing(status: int) -> None:
    clock = FakeClock()
    async with Site({"/robots.txt": Page(status=status), "/": index("/1.md"), "/1.md": issue()}) as site:
        done = await look(page_of(site, asking(clock)), Memory(), clock)
        assert isinstance(done.error, Trouble)
        assert site.asked == ["/robots.txt"]


async def test_rules_made_to_take_for_ever_stop_nobody_else() -> None:
    clock = FakeClock()
    rules = b"User-agent: *\nDisallow: /" + b"*a" * 40 + b"b$\n"
    target = "/" + "a" * 1500 + ".md"
    async with Site({"/robots.txt": Page(rules, "text/plain"), "/": index(target), target: issue()}) as site:
        done = await look(page_of(site, asking(clock, seconds=30)), Memory(), clock)
    assert len(done.taken) + len(done.refused) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "localhost", "[::ffff:10.0.0.1]", "169.254.169.254"])
async def test_a_public_page_leads_to_no_private_address(host: str) -> None:
    clock, network = FakeClock(), Dialled()
    web = asking(clock, resolve=Names(), network=network)
    async with Site() as site:
        site.pages = {"/": index(f"http://{host}:{site.port}/secret.md?key=1", "/2.md"), "/2.md": issue(2)}
        source = Listed(PageSource(name="site", url=f"http://public.test:{site.port}/", at_first=20), web)
        done = await look(source, Memory(), clock)
        assert done.names == ["2.md"]
        assert "/secret.md" not in site.asked
    [words] = done.refused.values()
    assert "private network" in words or "robots.txt cannot be had" in words
    assert "key" not in words
    assert set(network.dialled) == {"93.184.215.14"}


async def test_a_server_that_asks_us_to_wait_ends_the_look_and_nothing_is_lost() -> None:
    clock, memory = FakeClock(), Memory()
    pages = {"/": index("/2.md", "/1.md"), "/1.md": issue(1), "/2.md": Page(status=429, headers={"Retry-After": "60"})}
    async with Site(pages) as site:
        source = page_of(site, asking(clock))
        done = await look(source, memory, clock)
        assert (done.names, getattr(done.error, "retry_after", 0)) == (["1.md"], 60)
        pages["/2.md"] = issue(2)
        clock.ms += 900_000
        assert (await look(source, memory, clock)).names == ["2.md"]


async def test_one_document_that_always_fails_keeps_no_other_from_being_taken() -> None:
    clock = FakeClock()
    pages = {"/": index("/3.md", "/2.md", "/1.md"), "/1.md": Page(status=500), "/2.md": issue(2), "/3.md": issue(3)}
    async with Site(pages) as site:
        done = await look(page_of(site, asking(clock)), Memory(), clock)
    assert (done.names, done.error) == (["2.md", "3.md"], None)


@pytest.mark.parametrize(
    "body", [b"", b"<" * 2_000_000, b"<div>" * 300_000, b"<a href='x' " * 100_000, b"\x00\xff" * 1000]
)
async def test_a_page_that_means_ill_gives_no_links(body: bytes) -> None:
    clock = FakeClock()
    async with Site({"/": Page(body)}) as site:
        done = await look(page_of(site, asking(clock, max_bytes=5_000_000)), Memory(), clock)
    assert done.taken == {}


async def test_links_of_a_page_in_gb2312_have_their_words() -> None:
    clock = FakeClock()
    body = '<html><head><meta charset="gb2312"><base href="/files/"></head><a href="1.md">火炬动态</a></html>'
    pages = {"/": Page(body.encode("gb18030"), "text/html"), "/files/1.md": issue()}
    async with Site(pages) as site:
        assert (await look(page_of(site, asking(clock), texts=("火炬*",)), Memory(), clock)).names == ["1.md"]


RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>
<item><title>第2期</title><guid>b</guid><link>{base}/2.md</link><pubDate>{date}</pubDate></item>
<item><title>第1期</title><guid>a</guid><link>{base}/art.html</link>
<enclosure url="{base}/1.md" type="text/markdown" length="5"/></item></channel></rss>"""
RDF = """<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns="http://purl.org/rss/1.0/"><channel rdf:about="x"><title>t</title></channel>
<item rdf:about="{base}/2.md"><title>第2期</title><link>{base}/2.md</link></item>
<item rdf:about="{base}/1.md"><title>第1期</title><link>{base}/1.md</link></item></rdf:RDF>"""
ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>
<entry><id>b</id><title>第2期</title><link href="/2.md"/><updated>{date}</updated></entry>
<entry><id>a</id><title>第1期</title><link rel="enclosure" href="{base}/1.md"/>
<content type="html">&lt;h1&gt;第1期&lt;/h1&gt;</content><updated>2022-05-01T00:00:00Z</updated></entry></feed>"""


@pytest.mark.parametrize("form", [RSS, RDF, ATOM])
async def test_feeds_of_each_form_list_issues_once(form: str) -> None:
    clock, memory = FakeClock(), Memory()
    pages = {"/1.md": issue(1), "/2.md": issue(2)}
    async with Site(pages) as site:
        feed = form.format(base=site.base_url, date="Sun, 15 May 2022 08:00:00 GMT")
        pages["/feed.xml"] = Page(feed.encode(), "application/xml")
        source = feed_of(site, asking(clock))
        assert (await look(source, memory, clock)).names == ["1.md", "2.md"]
        site.fetched()
        assert (await look(source, memory, clock)).taken == {}
        assert site.fetched() == ["/feed.xml"]


async def test_an_entry_that_is_newer_than_it_was_is_fetched_again() -> None:
    clock, memory = FakeClock(), Memory()
    pages = {"/1.md": issue(1), "/2.md": issue(2)}
    async with Site(pages) as site:
        source = feed_of(site, asking(clock))
        pages["/feed.xml"] = Page(RSS.format(base=site.base_url, date="Sun, 15 May 2022 08:00:00 GMT").encode())
        await look(source, memory, clock)
        pages["/feed.xml"] = Page(RSS.format(base=site.base_url, date="Mon, 16 May 2022 08:00:00 GMT").encode())
        pages["/2.md"] = issue(22)
        assert (await look(source, memory, clock)).names == ["2.md"]


async def test_the_text_of_an_entry_can_be_the_issue() -> None:
    clock, memory = FakeClock(), Memory()
    async with Site({}) as site:
        site.pages["/feed.xml"] = Page(ATOM.format(base=site.base_url, date="2022-05-15T08:00:00Z").encode())
        source = feed_of(site, asking(clock), take="content", texts=("第1期",))
        [content] = (await look(source, memory, clock)).taken.values()
        assert "<h1>第1期</h1>".encode() in content
        assert (await look(source, memory, clock)).taken == {}


@pytest.mark.parametrize("body", [b"", b"no feed", b"<html><body>404</body></html>", b"\x89PNG"])
async def test_what_is_no_feed_is_trouble_with_the_source(body: bytes) -> None:
    clock = FakeClock()
    async with Site({"/feed.xml": Page(body, "application/xml")}) as site:
        assert "no RSS or Atom feed" in str((await look(feed_of(site, asking(clock)), Memory(), clock)).error)


async def test_entities_of_a_feed_are_neither_opened_nor_multiplied(tmp_path: Any) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2", encoding="utf-8")
    bomb = '<!ENTITY a0 "aaaaaaaaaa">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
    )  # fmt: skip
    clock = FakeClock()
    async with Site({}) as site:
        feed = (
            f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "file://{secret}">{bomb}]><rss version="2.0">'
            f"<channel><item><title>&x;&a11;</title><link>{site.base_url}/&x;</link></item></channel></rss>"
        )
        site.pages["/feed.xml"] = Page(feed.encode(), "application/xml")
        done = await look(feed_of(site, asking(clock)), Memory(), clock)
        assert "hunter2" not in repr(done) + " ".join(site.asked)


async def test_one_address_is_fetched_when_it_has_changed() -> None:
    clock, memory = FakeClock(), Memory()
    pages = {"/x.md": issue(1)}
    async with Site(pages) as site:
        source = File(FileSource(name="latest", url=f"{site.base_url}/x.md?key=secret"), asking(clock))
        done = await look(source, memory, clock)
        assert list(done.taken) == [f"{site.base_url}/x.md"]
        assert (await look(source, memory, clock)).taken == {}  # the same content; it has no validator
        pages["/x.md"] = issue(2, ETag='"2"')
        assert (await look(source, memory, clock)).names == ["x.md"]
        assert memory.state["etag"] == '"2"'
        assert "/robots.txt" not in site.asked
        pages.clear()
        error = (await look(source, memory, clock)).error
        assert isinstance(error, IntakeError)
        assert "secret" not in str(error)
