"""docs/testing.md: its example runs, and what it names is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from dispatch.testing.bot_api import BotApi
from dispatch.testing.telegram.methods import METHODS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
VERBS = PAGE.replace("api.telegram.org", "").replace("group.create_task", "")  # neither is ours


async def test_the_example_runs_as_it_stands() -> None:
    example, *_ = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(example, "docs/testing.md", "exec"), names)
    await names["test_tea"]()


async def test_every_verb_of_the_page_is_there() -> None:
    """`api.…`, `ann.…`, `group.…` and `channel.…` name what a test can say."""
    async with BotApi() as api:
        ann = api.user("Ann")
        things = {
            "api": api,
            "ann": ann,
            "group": api.group("g", members={ann: "creator"}),
            "channel": api.channel("c"),
        }
        named = re.findall(r"\b(api|ann|group|channel)\.([a-z_]+)", VERBS)
        assert len(named) > 40
        assert [f"{thing}.{verb}" for thing, verb in named if not hasattr(things[thing], verb)] == []


def test_every_method_is_told() -> None:
    told = PAGE.lower()
    kin = re.compile(r"^(get|delete)(?=my|chatmenu|webhook)|(?<=webhook)info$")
    forms = {name: kin.sub(lambda found: "set" if found[1] else "", name) for name in METHODS}
    assert [name for name, form in forms.items() if form not in told] == []
