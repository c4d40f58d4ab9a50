"""What a message says, for all forms of it: the post that `robots/post.json.j2` makes of a content, without markup."""

from __future__ import annotations

import json
from typing import Any

from dispatch.digests.fitting import Size
from dispatch.digests.render import Renderer
from dispatch.errors import RenderError
from dispatch.model import Content

PERSONAL = "robots/personal.txt.j2"
"""The macros of what differs from group to group."""

LONGEST = 20_000
"""Characters of an article that has no page: more is more than any service takes."""

_TEMPLATE = "robots/post.json.j2"
_EXCERPT = 300  # characters of an article that has a page, where a click leads


def post_of(renderer: Renderer, content: Content, size: Size) -> dict[str, Any]:
    """The post of as much of a content. Raises RenderError."""
    made = renderer.text(_TEMPLATE, size.of(content), limit=size.characters, excerpt=_EXCERPT)
    try:
        post: dict[str, Any] = json.loads(made)
    except ValueError as error:
        raise RenderError(f"template {_TEMPLATE} makes no JSON: {error}") from error
    return post
