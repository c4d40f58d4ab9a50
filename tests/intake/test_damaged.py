"""Damaged files, read as strangers' files are: each ends in an issue or in a sentence that names it. `make fuzz` reads
thousands more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatch.intake.sandbox import Limits, Sandbox
from tests.intake.damage import KINDS, damaged
from tests.intake.fuzz import LIMITS, failure, read

FILES, BATCHES = 300, 12
# A line of which nothing was left but its place.
_FAILED_ONCE = (1_004_357, 1_005_634, 1_005_970)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    box = Sandbox(None, LIMITS)
    yield box
    box.close()


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_damaged_file_ends_in_an_issue_or_in_a_sentence(sandbox: Sandbox, tmp_path: Path, batch: int) -> None:
    outcomes = [read(sandbox, tmp_path, seed) for seed in range(batch, FILES, BATCHES)]
    assert [found for found in outcomes if found.failure] == []
    assert len(outcomes) == FILES // BATCHES


@pytest.mark.parametrize("seed", _FAILED_ONCE)
def test_what_failed_once_does_not_again(sandbox: Sandbox, tmp_path: Path, seed: int) -> None:
    assert read(sandbox, tmp_path, seed).failure == ""


def test_the_same_number_gives_the_same_file() -> None:
    assert [damaged(seed) for seed in range(len(KINDS))] == [damaged(seed) for seed in range(len(KINDS))]
    assert len({damaged(seed).kind for seed in range(len(KINDS))}) == len(KINDS)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("5.md: the file is empty; was it saved whole?", ""),
        ("the file is empty", "does not name the file"),
        ("5.md: Traceback (most recent call last)", "a traceback"),
        ("5.md: one\ntwo", "more than a line"),
        ("5.md: cannot be read (KeyError); please report it with the file", "an error that nobody foresaw"),
        ("5.md: reading it took longer than 60 seconds; divide it", "too long"),
        ("5.md: the reader stopped (signal 11); the file is damaged", "a crash"),
    ],
)
def test_what_counts_as_a_failure(words: str, what: str) -> None:
    assert failure("5.md", words) == what


def test_a_file_that_may_take_no_time_is_a_failure(tmp_path: Path) -> None:
    """So that the harness is seen to find what it looks for."""
    box = Sandbox(None, Limits(seconds=0.000_001))
    found = read(box, tmp_path, 0)
    box.close()
    assert found.failure == "too long"
