"""Which articles of a digest a reader gets, and in which order."""

from __future__ import annotations

from dispatch.model import Digest, Section


def section(digest: Digest, variant: int, left_out: int = 0) -> Section:
    """The articles whose bits are in `variant`, then the others, each in the order of the issue; those in `left_out`
    are not even named."""
    unnamed = variant | left_out
    return Section(
        digest=digest,
        matching=tuple(entry for entry in digest.articles if entry.bit & variant),
        others=tuple(entry for entry in digest.articles if not entry.bit & unnamed),
    )
