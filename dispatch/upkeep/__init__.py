"""The database as a whole: backing it up while it is at work, restoring it, and saying what is in it."""

from __future__ import annotations

from dispatch.upkeep.backup import Made, back_up, restore

__all__ = ["Made", "back_up", "restore"]
