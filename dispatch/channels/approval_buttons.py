"""What the buttons of issues that wait for approval say when they are pressed: `callback_data` of the Bot API.

    ap:a:ISSUE:REVISION[:PAGE]  approve
    ap:c:ISSUE:REVISION[:PAGE]  cancel; what is asked first is whether that is meant
    ap:y:ISSUE:REVISION[:PAGE]  yes, cancel
    ap:n:ISSUE:REVISION[:PAGE]  no; with a page: show it

ISSUE is the row's id, REVISION the content that was shown, PAGE (from 0) where it stands in a list of several. Nothing
in it is to be trusted: who pressed, and whether that chat may approve, is for the bot to find out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

PREFIX = "ap:"
_FORM = re.compile(r"ap:(?P<what>[acyn]):(?P<issue>[0-9]{1,18}):(?P<revision>[0-9]{1,9})(?::(?P<page>[0-9]{1,6}))?")


class Wish(StrEnum):
    APPROVE = "a"
    CANCEL = "c"
    YES = "y"
    NO = "n"


@dataclass(frozen=True, slots=True)
class Pressed:
    """What somebody wants done with an issue that waits, of which they saw a revision; `page` is None below the notice
    of one issue."""

    wish: Wish
    issue_id: int
    revision: int
    page: int | None = None


def pack(button: Pressed) -> str:
    """The data of a button."""
    page = "" if button.page is None else f":{button.page}"
    return f"{PREFIX}{button.wish}:{button.issue_id}:{button.revision}{page}"


def unpack(data: str) -> Pressed | None:
    """What was pressed; None for what is none of these."""
    found = _FORM.fullmatch(data)
    if found is None:
        return None
    page = int(found["page"]) if found["page"] else None
    return Pressed(Wish(found["what"]), int(found["issue"]), int(found["revision"]), page)
