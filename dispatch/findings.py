"""What `dispatch doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something looked at: `ok`, `off` (not set up, or not to be told from here), `note` (see to it) or `bad`."""

    what: str
    state: str
    detail: str
