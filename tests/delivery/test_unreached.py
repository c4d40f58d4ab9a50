"""Articles that nobody would get."""

from __future__ import annotations

from dispatch.delivery.unreached import Unreached, unreached
from subscribers import directory
from tests.acts import at
from tests.delivery.conftest import Desk


def test_an_article_is_reached_by_any_of_its_tags(desk: Desk) -> None:
    issue = desk.issue({"一": ["a b", "c"], "二": ["d", "b"]})
    assert [article.position for article in unreached(desk.db, issue)] == [1, 2, 3, 4]
    desk.reader("a@example.com", "topic:b")
    assert unreached(desk.db, issue) == [Unreached(2, "c", "一"), Unreached(3, "d", "二")]
    desk.reader("b@example.com", "column:huoju/二")
    assert unreached(desk.db, issue) == [Unreached(2, "c", "一")]
    desk.reader("c@example.com", "all")
    assert unreached(desk.db, issue) == []


def test_who_is_not_written_to_counts_for_nobody(desk: Desk) -> None:
    issue = desk.issue({"一": ["a"]})
    gone = desk.reader("a@example.com", "all")
    with desk.db.transaction():
        directory.opt_out(desk.db, gone, at(desk.clock.now()))
    assert unreached(desk.db, issue) == [Unreached(1, "a", "一")]


def test_an_issue_without_articles_has_none(desk: Desk) -> None:
    assert unreached(desk.db, desk.issue({})) == []
