"""How the names of files end that are read, for whoever need not load what reads them."""

from __future__ import annotations

TEXTS = (".md", ".markdown", ".txt")
PAGES = (".html", ".htm", ".xhtml", ".mht", ".mhtml")
BYTES = (".docx", ".pdf")
SUFFIXES = (*TEXTS, *PAGES, *BYTES)
