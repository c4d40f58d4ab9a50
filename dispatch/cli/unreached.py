"""The articles that nobody would get, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dispatch.output import say

if TYPE_CHECKING:
    from dispatch.delivery.unreached import Unreached


def unreached_json(articles: Sequence[Unreached]) -> list[dict[str, Any]]:
    return [asdict(article) for article in articles]


def tell_unreached(articles: Sequence[Unreached], of: int) -> None:
    """Name them; nothing where each of the `of` articles has a reader."""
    if not articles:
        return
    say(f"nobody would get {len(articles)} of {of} articles: no active address follows any of their tags")
    for article in articles:
        say(f"  {article.position}. {article.title} ({article.column})")
