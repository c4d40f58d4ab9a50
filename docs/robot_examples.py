"""Makes docs/examples/robots/*.json, what each kind of robot posts of the sample issue: python docs/robot_examples.py

With --check nothing is written, and the exit code is 1 where a file is not what it should be.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from dispatch.app import App
from dispatch.channels.registry import CHANNELS
from dispatch.digests.compose import section
from dispatch.model import Content, Envelope, Reason
from dispatch.preview import sample_digests
from dispatch.settings import Settings, WebSettings
from subscribers.model import ROBOTS

EXAMPLES = Path(__file__).parent / "examples" / "robots"
COLUMN = "创业孵化"
BASE = "https://bulletin.example.com"
TAGS = ("park:昆山高新区", "topic:incubation")


def examples() -> Iterator[tuple[Path, str]]:
    """Each file with what belongs into it: one article for a group, the others by their titles."""
    app = App(Settings.model_construct(web=WebSettings(base_url=BASE)))
    found = next(item for item in sample_digests(app) if item.column == COLUMN)
    content = Content("digest", "zh", "full", (section(found, 0b10),))
    reasons = tuple(Reason(tag, app.catalog.label(tag, "zh")) for tag in TAGS)
    for kind in ROBOTS:
        channel = CHANNELS[kind].make(app.settings, app.renderer, None)
        envelope = Envelope(1, kind, f"{BASE}/hook", "", "zh", "msg_1", reasons)
        yield EXAMPLES / f"{kind}.json", channel.preview(content, envelope)[".json"]


def main() -> None:
    stale = [(file, text) for file, text in examples() if not file.is_file() or file.read_text("utf-8") != text]
    if stale and "--check" in sys.argv[1:]:
        sys.exit("\n".join(f"{file} is not up to date: python docs/robot_examples.py" for file, _ in stale))
    for file, text in stale:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
