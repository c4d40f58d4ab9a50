"""The log in both formats: what a program can read, and nothing that steers a terminal."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dispatch.logs import ConsoleFormatter, JsonFormatter, fields
from tests.test_output import HARMLESS, HOSTILE


def record(words: str, *values: object, trouble: Exception | None = None, **named: object) -> logging.LogRecord:
    info = (type(trouble), trouble, trouble.__traceback__) if trouble else None
    made = logging.LogRecord("dispatch.delivery", logging.WARNING, "", 0, words, values, info)
    made.created = 1_700_000_000.25
    made.__dict__.update(fields(**named))
    return made


def parsed(made: logging.LogRecord) -> dict[str, Any]:
    line = JsonFormatter().format(made)
    assert line.isprintable()
    found: dict[str, Any] = json.loads(line)
    return found


def test_json_has_the_record_and_its_fields() -> None:
    found = parsed(record("refused by %s", "relay", delivery=[12, 13], message=40, lane="email:default", code="550"))
    assert found == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "warning",
        "logger": "dispatch.delivery",
        "event": "refused by relay",
        "delivery": [12, 13],
        "message": 40,
        "lane": "email:default",
        "code": "550",
    }


def test_no_field_can_pose_as_the_record() -> None:
    assert parsed(record("true", event="false", level="debug"))["event"] == "true"


def test_what_else_comes_in_extra_counts_as_a_field() -> None:
    made = record("stopped", message=40)
    made.lane = "email:default"
    assert parsed(made)["lane"] == "email:default"
    assert ConsoleFormatter().format(made).endswith("stopped lane=email:default message=40")


def test_a_record_without_fields_is_one_too() -> None:
    assert parsed(logging.LogRecord("x", logging.INFO, "", 0, "words", (), None))["event"] == "words"


def test_an_exception_is_part_of_its_object() -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError as error:
        found = parsed(record("failed", trouble=error))
    assert found["exception"].startswith("Traceback")
    assert found["exception"].endswith(f"ValueError: {HOSTILE}")


def test_hostile_text_is_kept_in_json_and_made_harmless_in_lines() -> None:
    made = record("%s", HOSTILE + "\nnext", code=HOSTILE)
    assert parsed(made)["event"] == HOSTILE + "\nnext"
    assert parsed(made)["code"] == HOSTILE
    line = ConsoleFormatter().format(made)
    assert f"{HARMLESS} ⏎ next" in line
    assert line.isprintable()


def test_a_line_for_people_ends_in_its_fields() -> None:
    line = ConsoleFormatter().format(
        record("refused", delivery=[12, 13], message=40, lane="email:default", code="550 5.1.1", issue=[], detail="")
    )
    assert line.endswith('WARNING refused delivery=12,13 message=40 lane=email:default code="550 5.1.1"')


def test_set_up_chooses_the_format_of_every_line() -> None:
    code = "from dispatch.logs import set_up; from dispatch.settings import LogSettings; import logging; "
    code += "set_up(LogSettings(format='json')); logging.getLogger('a.b').info('one\\ntwo'); "
    code += "logging.getLogger('httpx').info('https://secret')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    [line] = done.stderr.splitlines()
    assert json.loads(line)["event"] == "one\ntwo"


@pytest.mark.parametrize("wrong", ["xml", "JSON"])
def test_another_format_is_refused_with_what_is_allowed(tmp_path: Path, wrong: str) -> None:
    from dispatch.errors import SettingsError
    from dispatch.settings import load_settings

    file = tmp_path / "dispatch.toml"
    file.write_text(f'[log]\nformat = "{wrong}"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"\[log\] format = .*console.*json"):
        load_settings(file)
