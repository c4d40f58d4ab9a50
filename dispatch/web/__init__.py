"""The pages: subscribing, confirming, preferences, leaving, and issues to read. Only this package knows the web
framework."""

from __future__ import annotations

from dispatch.web.front import Parts, Rights
from dispatch.web.server import serve
from dispatch.web.site import make_app

__all__ = ["Parts", "Rights", "make_app", "serve"]
