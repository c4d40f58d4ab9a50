"""From a file's bytes to an issue: read, split, tagged. It is done in a process of its own, `worker`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dispatch.catalog import Catalog
from dispatch.intake.answer import LONGEST_KEY, Reading
from dispatch.intake.readers import article_of, document_of
from dispatch.intake.splitter import split
from dispatch.intake.tagger import Tagger
from dispatch.model import Article, Column, Issue


class Reader:
    """Reads issues and single articles by what a catalog knows."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._tagger = Tagger(catalog)

    def issue(self, data: bytes, suffix: str, name: str) -> Reading:
        """The issue in a file whose name ends in `suffix`; errors call it `name`. Raises IntakeError: which file, why,
        what to do."""
        document = document_of(data, suffix, name)
        found = split(document.lines, self._catalog.bulletins, name)
        columns = tuple(self._tagged(column) for column in found.issue.columns)
        warnings = (*document.warnings, *found.warnings, *self._unknown(found.issue))
        issue = replace(found.issue, bulletin=found.issue.bulletin[:LONGEST_KEY], columns=columns)
        return Reading(name, issue, warnings)

    def article(self, data: bytes, suffix: str, name: str) -> Article:
        """The single article in a file: the first line is the title, the rest its text. Raises IntakeError."""
        return self._tagger.tag(article_of(data, suffix, name))

    def _unknown(self, issue: Issue) -> Iterator[str]:
        """A word on each column that the bulletin's profile does not have: nobody can follow it."""
        profile = self._catalog.bulletin(issue.bulletin)
        if profile is None or not profile.columns:
            return
        for column in issue.columns:
            if self._catalog.column_spec(issue.bulletin, column.name, column.contents_name) not in profile.columns:
                yield f"The column {column.name} is not in {profile.key}.toml: it cannot be followed by its name."

    def _tagged(self, column: Column) -> Column:
        return replace(column, articles=tuple(self._tagger.tag(article) for article in column.articles))
