"""`dispatch tag`: what the tagger sees in a text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dispatch.cli.context import session
from dispatch.output import emit_json, say


def tag(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Articles: the title, then the text.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tag articles: the first line of a file is the title, the rest the text of one article."""
    from dispatch.codec import parks_json, topics_json

    pickup = session(ctx).app.pickup
    results = []
    for file in files:
        article = pickup.read_article(file)
        results.append(
            {
                "file": str(file),
                "title": article.title,
                "parks": parks_json(article.parks),
                "topics": topics_json(article.topics),
            }
        )
        if not as_json:
            say(f"{file}: {article.title}")
            for park in article.parks:
                say(f"  park   {park.name} ({park.role}): {'; '.join(item.text for item in park.evidence[:5])}")
            for topic in article.topics:
                words = "; ".join(item.text for item in topic.evidence[:5])
                say(f"  topic  {topic.name} [{topic.key}] {topic.score:.2f}: {words}")
    if as_json:
        emit_json(results)
