"""The pages: leaving, and issues to read. Only this package knows the web framework."""

from __future__ import annotations

from dispatch.web.server import serve
from dispatch.web.site import make_app

__all__ = ["make_app", "serve"]
