"""Draws docs/pictures/email-speed.svg: python docs/email_picture.py MEASURED.json

What `benchmarks/email.py --json` has measured comes as bars: messages a second of each sender, and microseconds of the
processor for each message.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

PICTURE = Path(__file__).parent / "pictures" / "email-speed.svg"
_WIDTH, _NAMES, _NUMBERS = 786, 190, 150  # pixels: all, and what is left for words on both sides of the bars
_ROW, _TOP = 30, 54
_STYLE = Markup("""
text { font: 14px system-ui, sans-serif; fill: #1f2328 }
.head { font-weight: 600; font-size: 15px }
.small { font-size: 12px; fill: #59636e }
.ours { fill: #0969da }
.other { fill: #8c959f }
.back { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .small { fill: #9198a1 }
  .ours { fill: #4493f8 }
  .other { fill: #656c76 }
  .back { fill: #0d1117 }
}
""")


def drawing(figures: Mapping[str, Any]) -> Markup:
    """Bars of all senders, the fastest first."""
    senders = sorted(figures["senders"].items(), key=lambda item: -item[1]["rate"])
    height = _TOP + _ROW * len(senders) + 12
    label = "Messages a second: " + ", ".join(f"{name} {row['rate']:,}" for name, row in senders)
    form = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{}" width="{}" height="{}" viewBox="0 0 {} {}">'
        '<style>{}</style><rect class="back" width="100%" height="100%"/>{}</svg>\n'
    )
    parts = Markup().join([*_head(figures), *_bars(senders)])
    return form.format(label, _WIDTH, height, _WIDTH, height, _STYLE, parts)


def _head(figures: Mapping[str, Any]) -> Iterator[Markup]:
    yield _text(0, 18, "Messages a second", "head")
    words = f"{figures['message_bytes']:,} bytes each, to one sink on loopback; µs of the processor for each message"
    yield _text(0, 38, words, "small")


def _bars(senders: list[tuple[str, dict[str, int]]]) -> Iterator[Markup]:
    most = max(row["rate"] for _, row in senders)
    form = Markup('<rect x="{}" y="{}" width="{:.1f}" height="{}" rx="2" class="{}"/>')
    for place, (name, row) in enumerate(senders):
        y = _TOP + _ROW * place
        wide = max((_WIDTH - _NAMES - _NUMBERS) * row["rate"] / most, 1.0)
        yield _text(0, y + 16, name)
        yield form.format(_NAMES, y, wide, _ROW - 8, "ours" if name.startswith("product") else "other")
        yield _text(_NAMES + wide + 8, y + 16, f"{row['rate']:,}")
        yield _text(_WIDTH, y + 16, f"{row['cpu_us']:,} µs", "small", "end")


def _text(x: float, y: float, words: str, style: str = "", anchor: str = "start") -> Markup:
    form = Markup('<text x="{:.1f}" y="{:.1f}" class="{}" text-anchor="{}">{}</text>')
    return form.format(x, y, style, anchor, words)


if __name__ == "__main__":
    measured = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    PICTURE.write_text(drawing(measured["figures"]), encoding="utf-8")
