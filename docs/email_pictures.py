"""Makes docs/pictures/email-*.png, the emails of the sample issue as readers see them: python docs/email_pictures.py

Chromium and ImageMagick have to be installed. Each mail is drawn as a phone and a desktop show it (375 and 1280 pixels
wide), light and dark. It stands in a frame, since a browser's window cannot be as narrow as a phone.
"""

from __future__ import annotations

import datetime as dt
import itertools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from dispatch.app import App
from dispatch.channels.email import EmailChannel
from dispatch.digests.compose import section
from dispatch.model import Confirmation, Content, Envelope, Reason
from dispatch.preview import sample_digests
from dispatch.settings import EmailSettings, Settings, WebSettings

PICTURES = Path(__file__).parent / "pictures"
WIDTHS = {"phone": (375, 2180), "desktop": (1280, 1680)}
SCHEMES = {"dark": 0, "light": 1}  # Blink's numbers
LANGUAGES = ("zh", "en")
COLUMN = "创业孵化"
BASE = "https://bulletin.example.com"
ADDRESS = {"zh": "北京市西城区复兴路乙15号", "en": "15B Fuxing Road, Beijing 100862, China"}


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for language, (width, size) in itertools.product(LANGUAGES, WIDTHS.items()):
            for name, html in (("digest", digest(language)), ("confirm", confirmation(language))):
                height = size[1] if name == "digest" else 840
                for scheme in SCHEMES:
                    target = PICTURES / f"email-{name}-{language}-{width}-{scheme}.png"
                    if name == "digest" or (width, scheme) in {("phone", "light"), ("desktop", "dark")}:
                        picture(html, (size[0], height), scheme, Path(folder), target)


def digest(language: str) -> str:
    """The mail of a column: one article in full, the others by their titles."""
    app = _app(language)
    found = next(item for item in sample_digests(app) if item.column == COLUMN)
    content = Content("digest", language, "full", (section(found, 0b10),))
    tags = ("park:昆山高新区", "province:江苏省", "topic:incubation")
    reasons = tuple(Reason(tag, app.catalog.label(tag, language), f"{BASE}/u/follow") for tag in tags)
    return _html(app, content, _envelope(language, reasons))


def confirmation(language: str) -> str:
    """The mail that asks for a yes."""
    app = _app(language)
    tags = ("park:南昌高新区", "topic:blockchain")
    reasons = tuple(Reason(tag, app.catalog.label(tag, language)) for tag in tags)
    asked = Confirmation(
        f"{BASE}/c/token", dt.date(2022, 6, 1), 7, "page", "203.0.113.0/24", app.consent_text(language)
    )
    envelope = _envelope(language, reasons, asked)
    return _html(app, Content("confirm", language, "full", (), app.title(language)), envelope)


def _app(language: str) -> App:
    email = EmailSettings(host="relay", from_address="news@example.com", postal_address=ADDRESS[language])
    return App(Settings.model_construct(email=email, web=WebSettings(base_url=BASE)))


def _envelope(language: str, reasons: tuple[Reason, ...], asked: Confirmation | None = None) -> Envelope:
    name = {"zh": "李雷", "en": "Ms Li"}[language] if asked else ""
    page, preferences = f"{BASE}/u/token", f"{BASE}/p/token"
    return Envelope(
        0, "email", "li@example.com", name, language, "1@example.com", reasons, page, "", preferences, asked
    )


def _html(app: App, content: Content, envelope: Envelope) -> str:
    return EmailChannel(app.settings.email, app.renderer).preview(content, envelope)[".html"]


def picture(html: str, size: tuple[int, int], scheme: str, folder: Path, target: Path) -> None:
    """A picture of the upper part of a mail, in a few dozen colours to keep the file small."""
    width, height = size
    mail, frame, whole = folder / "mail.html", folder / "frame.html", folder / "whole.png"
    mail.write_text(html, encoding="utf-8")
    frame.write_text(
        '<!DOCTYPE html><meta name="color-scheme" content="light dark"><body style="margin:0">'
        f'<iframe src="mail.html" style="width:{width}px;height:{height}px;border:0" scrolling="no"></iframe>',
        encoding="utf-8",
    )
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--allow-file-access-from-files"]
    options += [f"--window-size={max(width, 600)},{height}", f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}"]
    _run("chromium", *options, f"--screenshot={whole}", frame.as_uri())
    few = [
        "-crop",
        f"{width}x{height}+0+0",
        "+repage",
        "-dither",
        "None",
        "-colors",
        "128",
        "-define",
        "png:color-type=3",
    ]
    _run("convert", str(whole), *few, "-strip", str(target))


def _run(command: str, *words: str) -> None:
    found = shutil.which(command)
    if not found:
        sys.exit(f"{command} is not installed")
    subprocess.run([found, *words], check=True, capture_output=True)  # noqa: S603 (our own pages)


if __name__ == "__main__":
    main()
