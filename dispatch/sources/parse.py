"""Reads what strangers wrote, as `python -m dispatch.sources.parse WHAT`: options as a line of JSON and the data on
standard input, JSON on standard output. WHAT is `page`, `feed` or `robots`.

It runs with limits on memory and time, and imports just what it takes.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from dispatch.intake.confinement import confine
from dispatch.intake.lockdown import lock_down

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_MEMORY, _SECONDS = 1_500_000_000, 20
_MOST_LINKS, _MOST_ENTRIES = 3_000, 1_000
_LONGEST_URL, _LONGEST_TEXT, _LONGEST_CONTENT = 2_000, 300, 500_000
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w-]{1,40})""", re.IGNORECASE)
_NEXT = re.compile(r"(?:下一?页|后一页|next(?: page)?|older)\s*[›»>]*|[›»]", re.IGNORECASE)
_CHINESE = {"gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "big5": "big5hkscs"}


class Unreadable(Exception):
    """What was given is none of the kind; the message is for people."""


def page(data: bytes, options: Mapping[str, Any]) -> dict[str, Any]:
    """The links of a web page, in order and each once: {url, text}; and where it goes on by `rel=next`, or by a link
    that says so."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(_text(data, str(options.get("charset", ""))))
    found = tree.css_first("base[href]")
    base = urljoin(options["url"], found.attributes.get("href") or "") if found else str(options["url"])
    links: dict[str, str] = {}
    following = ""
    for node in tree.css("a[href], link[rel~=next][href]"):
        url = _web_address(base, node.attributes.get("href") or "")
        if not url:
            continue
        text = _words(node)
        following = following or (url if _goes_on(node, text) else "")
        if node.tag == "a" and (url in links or len(links) < _MOST_LINKS):
            links[url] = links.get(url) or text
    return {"links": [{"url": url, "text": text} for url, text in links.items()], "next": following}


def _words(node: LexborNode) -> str:
    text = " ".join(node.text(deep=True, separator=" ", strip=True).split())
    return (text or " ".join((node.attributes.get("title") or "").split()))[:_LONGEST_TEXT]


def _goes_on(node: LexborNode, text: str) -> bool:
    relations = (node.attributes.get("rel") or "").lower().split()
    return "next" in relations or bool(_NEXT.fullmatch(text[:30]))


def feed(data: bytes, options: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of an RSS or Atom feed, in order: {id, url, text, mark, files, content}. Raises Unreadable."""
    import feedparser

    place = str(options["url"])
    headers = {"content-type": str(options.get("type", "")), "content-location": place}
    found = feedparser.parse(io.BytesIO(data), response_headers=headers)
    if not found.get("version") and not found.entries:
        raise Unreadable("it is no RSS or Atom feed")
    return {"entries": list(_entries(found.entries[:_MOST_ENTRIES], place))}


def _entries(entries: list[Any], place: str) -> Iterator[dict[str, Any]]:
    for entry in entries:
        url = _web_address(place, str(entry.get("link", "")))
        files = [_web_address(place, str(item.get("href", ""))) for item in entry.get("enclosures", [])[:20]]
        contents = [str(item.get("value", "")) for item in entry.get("content", [])] or [str(entry.get("summary", ""))]
        name = str(entry.get("id", ""))[:_LONGEST_URL] or url
        if name or any(files):
            yield {
                "id": name,
                "url": url,
                "text": " ".join(str(entry.get("title", "")).split())[:_LONGEST_TEXT],
                "mark": str(entry.get("updated", "") or entry.get("published", ""))[:100],
                "files": [file for file in files if file],
                "content": max(contents, key=len)[:_LONGEST_CONTENT],
            }


def robots(data: bytes, options: Mapping[str, Any]) -> dict[str, Any]:
    """Whether each of `urls` may be asked for, and the seconds between two requests."""
    from protego import Protego

    rules = Protego.parse(data.decode("utf-8", "replace"))
    agent = "huoju-dispatch"
    return {
        "allowed": [bool(rules.can_fetch(url, agent)) for url in options["urls"]],
        "delay": float(rules.crawl_delay(agent) or 0),
    }


def _web_address(base: str, link: str) -> str:
    """A link as a whole address without its fragment; "" for what is no web address, or has a user name in it."""
    try:
        url = urljoin(base, "".join(link.split()) if "\n" in link else link.strip()).partition("#")[0]
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return ""
    return url if valid and url.isprintable() and len(url) <= _LONGEST_URL else ""


def _text(data: bytes, charset: str) -> str:
    """A page as text: by its byte order mark, by what the server says, by what it says itself, as UTF-8 or GB18030."""
    if data.startswith(b"\xef\xbb\xbf"):
        return data.decode("utf-8-sig", "replace")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    said = _CHARSET.search(data[:4096])
    for name in (charset, said[1].decode("ascii") if said else "", "utf-8"):
        try:
            if name:
                return data.decode(_CHINESE.get(name.lower(), name))
        except (LookupError, UnicodeError, AssertionError):
            continue
    return data.decode("gb18030", "replace")


_KINDS: Mapping[str, Callable[[bytes, Mapping[str, Any]], dict[str, Any]]] = {
    "page": page,
    "feed": feed,
    "robots": robots,
}


def _limit() -> None:
    """Bounds of the system's, where it has them."""
    try:
        import resource
    except ImportError:  # Windows: the time limit of who started us is left
        return
    for kind, most in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, _SECONDS)):
        resource.setrlimit(kind, (most, most))


def main() -> int:
    """Read, and say what was found; the exit code is 3 where the words on standard output say why not."""
    confine()
    _limit()
    lock_down()
    head, _, data = sys.stdin.buffer.read().partition(b"\n")
    try:
        found = _KINDS[sys.argv[1]](data, json.loads(head))
    except Unreadable as error:
        sys.stdout.write(str(error))
        return 3
    sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
