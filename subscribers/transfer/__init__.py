"""Subscribers in and out as tables: CSV, XLSX and JSON.

A row is a subscriber: each filled address is an endpoint, and all of them have the row's follows and preferences. On
the way out, endpoints of one subscriber that differ are rows of their own, held together by the column `person`.

    columns   the columns, and the other words that people have for them
    tables    a file as rows of cells: csv_table, xlsx_table (after a look by xlsx_guard), json_table
    rows      a row of cells as an Entry, checked, and back
    staging   checked rows, kept beside the store until all of them are known to be good
    bulk      what rows mean for the store, and doing it
    incoming  an import from its first line to its last
    outgoing  an export

The state column keeps a file from writing to people who do not want it: `suppressed`, `gone`, `paused` and `pending`
stay so whoever imports them; `active` or nothing is active where somebody states the basis of consent, in the column
`consent` or for the whole file, and pending otherwise.
"""

from subscribers.transfer.csv_table import MARKED, neutral
from subscribers.transfer.files import replacing
from subscribers.transfer.rows import parse_preferences

__all__ = ["MARKED", "neutral", "parse_preferences", "replacing"]
