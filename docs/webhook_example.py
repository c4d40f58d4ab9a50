"""Makes docs/examples/webhook.json, what a webhook gets of the sample issue: python docs/webhook_example.py

With --check nothing is written, and the exit code is 1 where the file is not what it should be.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dispatch.app import App
from dispatch.channels.registry import CHANNELS
from dispatch.digests.compose import section
from dispatch.model import Content, Envelope, Reason
from dispatch.preview import sample_digests
from dispatch.settings import Settings, WebSettings

EXAMPLE = Path(__file__).parent / "examples" / "webhook.json"
COLUMN = "创业孵化"
BASE = "https://bulletin.example.com"
TAGS = ("park:昆山高新区", "topic:incubation")


def example() -> str:
    """The body in lines: one article in full, the others by their titles. Tokens are shortened."""
    app = App(Settings.model_construct(web=WebSettings(base_url=BASE)))
    found = next(item for item in sample_digests(app) if item.column == COLUMN)
    content = Content("digest", "zh", "full", (section(found, 0b10),))
    reasons = tuple(Reason(tag, app.catalog.label(tag, "zh"), f"{BASE}/u/TOKEN{n}") for n, tag in enumerate(TAGS, 2))
    envelope = Envelope(
        1,
        "webhook",
        f"{BASE}/hook",
        "",
        "zh",
        "msg_1",
        reasons,
        unsubscribe_url=f"{BASE}/u/TOKEN1",
        preferences_url=f"{BASE}/p/TOKEN4",
        full_url=f"{BASE}/w/TOKEN5",
    )
    return CHANNELS["webhook"].make(app.settings, app.renderer, None).preview(content, envelope)[".json"]


def main() -> None:
    text = example()
    if EXAMPLE.is_file() and EXAMPLE.read_text("utf-8") == text:
        return
    if "--check" in sys.argv[1:]:
        sys.exit(f"{EXAMPLE} is not up to date: python docs/webhook_example.py")
    EXAMPLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
