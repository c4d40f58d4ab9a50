"""The benchmarks measure what they say: both sides do the same work. How fast is not asked here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(name: str, *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / name), *words], capture_output=True, text=True, check=True, timeout=120
    )
    return dict(json.loads(done.stdout))


def test_the_ledger_and_raw_sqlite_leave_the_same_rows() -> None:
    ours, raw = (run("ledger.py", "--one", side, "1500") for side in ("ours", "raw"))
    assert ours["left"] == raw["left"] == {key: [1500, 1500] for key in ("deliveries", "messages", "attempts")}
    assert set(ours) == set(raw) >= {"plan", "claim", "settle", "total", "peak_mb"}


@pytest.mark.parametrize("what", ["skewed", "all"])
def test_routing_and_ready_rows_leave_the_same_rows_and_the_planner_as_many(what: str) -> None:
    found = run("subscribers.py", "--one", what, "3000", "1")  # it stops by itself where the two sides differ
    assert found["routed"]["rows"] == found["ready"]["rows"] > 0
    if what == "all":
        assert found["ready"]["rows"] == 3000 * 24 / 25  # of 25 one is not active
    else:
        assert found["plan"]["deliveries"] == found["ready"]["rows"]


def test_the_import_and_raw_sqlite_leave_the_same_rows() -> None:
    ours, raw = (run("subscribers_import.py", "--one", side, "3000") for side in ("ours", "raw"))
    left = {"subscribers": 3000, "endpoints": 3000, "follows": 6000, "consents": 3000, "audit": 3000}
    assert ours["left"] == raw["left"] == left


@pytest.mark.parametrize("file", sorted(BENCHMARKS.glob("*.py")), ids=lambda file: file.name)
def test_every_benchmark_tells_what_it_measures(file: Path) -> None:
    done = subprocess.run([sys.executable, str(file), "--help"], capture_output=True, text=True, check=True, timeout=60)
    assert {"--quick", "--json"} <= set(done.stdout.replace("[", " ").replace("]", " ").split())
