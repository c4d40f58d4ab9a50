"""A program that is killed while it sends: the next start goes on. Nobody is missing, nobody gets what is another's,
and what comes twice is at most one message a connection a kill, under the same id.

`make soak` does the same with hundreds of kills; `DISPATCH_TEST_SEED` repeats the moments of a run.
"""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.killing import PACE, Campaign, Report, office, seed_of_environment
from tests.acceptance.receivers import receivers


def killed(folder: Path, url: str, *, kills: int, readers: int, issues: int) -> Report:
    seed = seed_of_environment()
    print(f"seed {seed}")
    with receivers(PACE) as to:
        report = Campaign(office(folder, url, to, readers), kills, issues, seed).run()
    print(report)
    return report


def test_thirty_kills_lose_nothing_and_repeat_next_to_nothing(tmp_path: Path) -> None:
    report = killed(tmp_path, f"sqlite:///{tmp_path / 'work.db'}", kills=30, readers=60, issues=6)
    assert report.deliveries >= 2000
    assert report.ok, report
    assert report.sending >= 15
    assert report.left, "all was out before the last kill"


def test_five_kills_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    report = killed(tmp_path, postgres_url, kills=5, readers=90, issues=1)
    assert report.ok, report
    assert report.sending >= 2
    assert report.left, "all was out before the last kill"
