"""The labelled articles to work with are tagged as well as is promised for articles never seen."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "tagging.py"
_PROMISED = {
    "subject_precision": 0.97,
    "subject_recall": 0.97,
    "mention_precision": 0.97,
    "mention_recall": 0.97,
    "topic_precision": 0.9,
    "topic_recall": 0.8,
}


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    command = [sys.executable, str(_BENCHMARK), "--half", "work", "--quick", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(("ratio", "promised"), _PROMISED.items())
def test_what_is_promised_holds_on_the_working_half(found: dict[str, Any], ratio: str, promised: float) -> None:
    assert found["ratios"][ratio] >= promised, found["figures"]["errors"]


def test_the_working_half_is_large_and_has_traps(found: dict[str, Any]) -> None:
    assert found["figures"]["articles"] >= 65
    assert found["figures"]["traps"] >= 20
