"""Issues for people to read: the sample, others made of it, and in what state they are."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from dispatch.assets import config_dir
from dispatch.intake.answer import Reading
from dispatch.model import Article, Issue, IssueState
from subscribers.audit import PROGRAM, Act, Way
from tests.bot.conftest import Talk

_READ: list[Reading] = []  # a file is read in a process of its own, which takes a second


def _reading(talk: Talk) -> Reading:
    if not _READ:
        path = config_dir() / "samples" / "huoju-2022-05.md"
        _READ.append(talk.app.pickup.read(path, path.name))
    return _READ[0]


def the_sample(talk: Talk) -> Issue:
    """The sample issue."""
    return _reading(talk).issue


def another(issue: Issue, total: int, number: int, date: dt.date, mark: str) -> Issue:
    """The same issue with other numbers, and a mark in front of all titles."""

    def marked(article: Article) -> Article:
        return replace(article, title=mark + article.title)

    columns = tuple(replace(found, articles=tuple(map(marked, found.articles))) for found in issue.columns)
    return replace(issue, total=total, number=number, date=date, columns=columns)


def shelve(talk: Talk, issue: Issue, state: IssueState = IssueState.SENT) -> int:
    """Take an issue in as it is in some state; its id."""
    reading = replace(_reading(talk), issue=issue)
    added = talk.app.pickup.take_in(talk.db, reading, Act(talk.app.clock.now(), PROGRAM, Way.FILE))
    with talk.db.transaction():
        talk.db.run("UPDATE issues SET state = :state WHERE id = :id", {"state": state, "id": added.id})
    return added.id


def three(talk: Talk) -> tuple[int, int, int]:
    """Number 533 that is out, the sample (534) that is out, and 535 that is held; their ids."""
    issue = the_sample(talk)
    older = another(issue, 533, 4, dt.date(2022, 2, 28), "旧")
    held = another(issue, 535, 6, dt.date(2022, 6, 15), "秘")
    return shelve(talk, older), shelve(talk, issue), shelve(talk, held, IssueState.HELD)
