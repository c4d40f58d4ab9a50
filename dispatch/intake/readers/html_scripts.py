"""What of a page is raised or lowered."""

from __future__ import annotations

import re

from dispatch.intake.readers.html_tree import Node
from dispatch.intake.readers.scripts import Script

_TAGS = {"sup": Script.RAISED, "sub": Script.LOWERED}
_STYLES = {"super": Script.RAISED, "sub": Script.LOWERED}
_ALIGNED = re.compile(r"vertical-align\s*:\s*(super|sub)\b", re.IGNORECASE)


def script_of(node: Node) -> Script | None:
    """Whether an element within a line is raised or lowered, by its tag or its own style; None for neither."""
    if found := _TAGS.get(node.tag):
        return found
    aligned = _ALIGNED.search(node.get("style")) if node.tag in {"span", "font"} else None
    return _STYLES[aligned[1].lower()] if aligned else None
