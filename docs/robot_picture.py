"""Draws docs/pictures/robot-teams.png from docs/examples/robots/teams.json: python docs/robot_picture.py FOLDER

The renderer is that of Adaptive Cards themselves, after `npm install --prefix FOLDER adaptivecards@3.0.6
markdown-it@14.1.0`; Chromium, which has to be installed, takes the picture. Fonts and colours are set as Teams has them
by day; its own frame around a card is not drawn. A card in which the renderer finds anything wrong is an error.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CARD = Path(__file__).parent / "examples" / "robots" / "teams.json"
PICTURE = Path(__file__).parent / "pictures" / "robot-teams.png"
SIZE = (720, 436)
_SCRIPTS = ("adaptivecards/dist/adaptivecards.min.js", "markdown-it/dist/markdown-it.min.js")
_FONT = "'Segoe UI', 'Noto Sans CJK SC', sans-serif"
_COLOURS = {
    "default": {"default": "#242424", "subtle": "#616161"},
    "accent": {"default": "#5b5fc7", "subtle": "#616161"},
    "warning": {"default": "#835c00", "subtle": "#616161"},
    "attention": {"default": "#c4314b", "subtle": "#616161"},
}
_HOST: dict[str, Any] = {
    "fontFamily": _FONT,
    "fontSizes": {"small": 12, "default": 14, "medium": 15, "large": 18, "extraLarge": 24},
    "fontWeights": {"lighter": 300, "default": 400, "bolder": 600},
    "spacing": {"small": 8, "default": 8, "medium": 16, "large": 24, "extraLarge": 32, "padding": 16},
    "separator": {"lineThickness": 1, "lineColor": "#e1e1e1"},
    "containerStyles": {"default": {"backgroundColor": "#ffffff", "foregroundColors": _COLOURS}},
    "actions": {"actionsOrientation": "horizontal", "actionAlignment": "left", "spacing": "large"},
}
_PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 24px; background: #f5f5f5; font-family: {font} }}
#card {{ background: #fff; border: 1px solid #e1e1e1; border-radius: 4px; line-height: 1.45 }}
a {{ color: #5b5fc7; text-decoration: none }} p {{ margin: 0 }} ul {{ margin: 0; padding-left: 20px }}
.ac-pushButton {{ background: #fff; border: 1px solid #d1d1d1; border-radius: 4px; padding: 6px 16px }}
.ac-pushButton {{ font: 600 14px {font} }}
</style><div id="card"></div>{scripts}<script>
const md = window.markdownit();
AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {{
  result.outputHtml = md.render(text); result.didProcess = true;
}};
const card = new AdaptiveCards.AdaptiveCard();
card.hostConfig = new AdaptiveCards.HostConfig({host});
const context = new AdaptiveCards.SerializationContext();
card.parse({card}, context);
const wrong = Array.from({{length: context.eventCount}}, (_, n) => context.getEventAt(n).message);
document.title = wrong.length ? "wrong: " + wrong.join("; ") : "right";
document.getElementById("card").appendChild(card.render());
</script>"""


def main(modules: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is not installed")
    [message] = json.loads(CARD.read_text(encoding="utf-8"))
    [attachment] = message["attachments"]
    scripts = "".join(f"<script>{(modules / name).read_text(encoding='utf-8')}</script>" for name in _SCRIPTS)
    page = _PAGE.format(font=_FONT, scripts=scripts, host=json.dumps(_HOST), card=json.dumps(attachment["content"]))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "card.html"
        file.write_text(page, encoding="utf-8")
        options = (f"--user-data-dir={folder}/profile", file.as_uri())
        title = _run(chromium, "--dump-dom", *options).partition("<title>")[2].partition("</title>")[0]
        if title != "right":
            sys.exit(f"the renderer does not take the card: {title}")
        size = ",".join(map(str, SIZE))
        _run(chromium, f"--window-size={size}", "--force-device-scale-factor=2", f"--screenshot={PICTURE}", *options)


def _run(chromium: str, *options: str) -> str:
    command = (chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *options)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 (our own page)


if __name__ == "__main__":
    main(Path(sys.argv[1]) / "node_modules")
