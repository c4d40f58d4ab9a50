"""Forms as strangers send them: read within bounds, and only those that come from a page of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

_MOST_CHARACTERS = 4000  # of a value


@dataclass(frozen=True, slots=True)
class Form:
    """The text fields of a form; a file is none. Unusable characters are left out."""

    fields: Mapping[str, tuple[str, ...]]

    def text(self, name: str, default: str = "") -> str:
        """The first value of a field without white space around it."""
        return self.fields.get(name, (default,))[0]

    def all(self, name: str) -> tuple[str, ...]:
        return self.fields.get(name, ())

    def __contains__(self, name: str) -> bool:
        return name in self.fields


async def read_form(request: web.Request) -> Form:
    """The fields of a POST; none where it is no form. Raises HTTPBadRequest where the body is broken, and what the
    framework raises for one too large."""
    try:
        posted = await request.post()
    except web.RequestPayloadError:
        raise web.HTTPBadRequest from None
    except (web.HTTPException, TimeoutError, OSError):  # too large, too slow, gone
        raise
    except Exception:  # no form after all, or one of a kind that the framework stumbles over: it says nothing
        return Form({})
    found: dict[str, list[str]] = {}
    for name, value in posted.items():
        if isinstance(value, str):
            found.setdefault(name, []).append(_clean(value))
    return Form({name: tuple(values) for name, values in found.items()})


def _clean(value: str) -> str:
    """Neither store takes halves of characters, PostgreSQL no NUL."""
    usable = value[:_MOST_CHARACTERS].replace("\x00", "").encode("utf-8", "ignore").decode()
    return usable.strip()


def check_site(request: web.Request) -> None:
    """Raises HTTPForbidden for a form that another site's page sends.

    Browsers say so in Sec-Fetch-Site (Fetch Metadata). Those that do not know it yet send Origin, which is `null` from
    our own pages too, for they give no referrer: then the signed word in the address or in the form has to do.
    """
    site = request.headers.get("Sec-Fetch-Site", "")
    if site:
        allowed = site in ("same-origin", "none")
    else:
        said = request.headers.get("Origin", "null")
        allowed = said == "null" or _host(said) == request.headers.get("Host", "").lower()
    if not allowed:
        raise web.HTTPForbidden


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return "?"
