"""Each digest of an issue in each channel's form, as files to look at before it goes out."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dispatch import archive
from dispatch.app import App
from dispatch.archive import StoredIssue
from dispatch.assets import config_dir
from dispatch.channels.registry import CHANNELS
from dispatch.delivery.channel import Channel
from dispatch.digests.compose import section
from dispatch.links import leave_address
from dispatch.model import Content, Digest, Envelope, Reason
from dispatch.settings import EmailSettings, Settings
from subscribers.audit import PROGRAM, Act, Way
from subscribers.database import SCHEMA, Database

_LONGEST_NAME = 60  # characters, of up to four bytes: file systems take 255 bytes

# A reader of nobody's, so that a preview shows every personal place filled.
_ADDRESSES = {"email": "reader@example.com", "telegram": "1"}
_HOOK = "https://receiver.example.com/"  # webhooks and robots


@dataclass(frozen=True, slots=True)
class Form:
    """What a reader chose: the language of the frame, and `full` text or `titles`."""

    language: str = "zh"
    format: str = "full"


def write_previews(
    app: App, db: Database, stored: StoredIssue, folder: Path, form: Form, column: str = ""
) -> list[tuple[str, str, Path]]:
    """Write every digest, or those of a column, with all articles, for every channel; (column, channel, file) of each
    file. The digests are numbered as they stand in the issue.

    Raises RenderError where a template fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    app.chat_links.learn(db)
    channels = _channels(app)
    written = []
    for number, digest_id in enumerate(archive.digest_ids(db, stored.id), start=1):
        digest = archive.digest(db, digest_id, app.english(stored.issue.bulletin))
        if column and digest.column != column:
            continue
        content = Content("digest", form.language, form.format, (section(digest, digest.whole),))
        for name, channel in channels.items():
            envelope = nobodys_envelope(app, name, form.language, f"bulletin:{digest.bulletin}")
            for suffix, text in channel.preview(content, envelope).items():
                stem = re.sub(r"[^\w-]+", "-", f"{number}-{digest.column}")[:_LONGEST_NAME]
                path = folder / f"{stem}.{name}{suffix}"
                path.write_text(text, encoding="utf-8", newline="")
                written.append((digest.column, name, path))
    return written


def folder_of(stored: StoredIssue) -> Path:
    """Where the previews of an issue go unless somebody says otherwise: a folder in `preview` of the present one, by
    the issue's name, of which nothing leads elsewhere."""
    return Path("preview") / (re.sub(r"[^\w-]+", "-", stored.name)[:_LONGEST_NAME] or "-")


def sample_digests(app: App) -> list[Digest]:
    """The digests of the issue that comes with the program, taken in beside the installation's own database."""
    reading = app.pickup.read(config_dir() / "samples" / "huoju-2022-05.md")
    with tempfile.TemporaryDirectory() as folder:
        db = Database.open(f"sqlite:///{folder}/sample.db", (SCHEMA, archive.SCHEMA), synchronous="normal")
        try:
            added = app.pickup.take_in(db, reading, Act(app.clock.now(), PROGRAM, Way.FILE))
            english = app.english(reading.issue.bulletin)
            return [archive.digest(db, digest_id, english) for digest_id in archive.digest_ids(db, added.id)]
        finally:
            db.close()


def _channels(app: App) -> dict[str, Channel]:
    """All channels, those without settings too: a preview sends nothing."""
    settings = app.settings
    if not settings.email.from_address:
        settings = settings.model_copy(update={"email": _with_sender(settings)})
    return {name: entry.make(settings, app.renderer, None) for name, entry in CHANNELS.items()}


def _with_sender(settings: Settings) -> EmailSettings:
    return settings.email.model_copy(update={"from_address": "bulletin@example.com"})


def nobodys_envelope(app: App, channel: str, language: str, tag: str) -> Envelope:
    """The envelope of a reader who follows `tag` and does not exist: every personal place is filled, no link of it
    changes anything."""
    base = app.settings.web.base_url
    leave = f"{base}/u/preview" if base else ""
    mail = f"mailto:{leave_address(app.settings) or 'bulletin@example.com'}"
    return Envelope(
        message_id=0,
        channel=channel,
        address=_ADDRESSES.get(channel, _HOOK),
        name="",
        language=language,
        provider_id="preview@example.com",
        reasons=(Reason(tag, app.catalog.label(tag, language), leave or mail),),
        unsubscribe_url=leave,
        unsubscribe_mailto=mail,
        preferences_url=f"{base}/p/preview" if base else "",
    )
