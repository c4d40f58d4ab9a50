"""The documents say what the program does."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from dispatch.settings import SOURCE_KINDS, Settings

ROOT = Path(__file__).resolve().parents[2]
CONFIG = (ROOT / "config" / "dispatch.toml").read_text(encoding="utf-8")
_NEEDED_IN_LISTS = ("relays", "providers", "bots")
_LISTS = {"sources"}  # tables of their own, by kind


def _script(name: str) -> Any:
    """What makes a part of the documents."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _reference() -> str:
    return str(_script("reference").reference())


def test_the_command_reference_is_up_to_date() -> None:
    written = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert written == _reference(), "run: .venv/bin/python docs/reference.py"


def test_every_command_and_option_has_words() -> None:
    for line in _reference().splitlines():
        assert not re.fullmatch(r"\| `.*` \|  ?\|", line), f"an option without help: {line}"


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, (Path, IPv4Network, IPv6Network)) else value


def _settings() -> list[tuple[str, str, Any]]:
    found = []
    for section in Settings.model_fields:
        if section in _LISTS:
            continue
        model = getattr(Settings.model_construct(), section)
        assert isinstance(model, BaseModel)
        names = [name for name in type(model).model_fields if name not in _NEEDED_IN_LISTS]
        found += [(section, name, _plain(getattr(model, name))) for name in names]
    return found


def _section_text(section: str) -> str:
    found = re.search(rf"^\[{section}\]\n(.*?)(?=^\[[a-z]+\]\n|\Z)", CONFIG, re.MULTILINE | re.DOTALL)
    assert found, f"config/dispatch.toml has no [{section}]"
    return found[1]


@pytest.mark.parametrize(("section", "name", "default"), _settings(), ids=lambda value: str(value)[:20])
def test_the_configuration_names_every_setting_at_its_default(section: str, name: str, default: Any) -> None:
    found = re.search(rf"^# {name} = (.+)$", _section_text(section), re.MULTILINE)
    assert found, f"config/dispatch.toml does not name {name} in [{section}]"
    if default is not None:  # without a default the file shows an example
        assert tomllib.loads(f"value = {found[1]}")["value"] == default


def test_the_configuration_names_nothing_else() -> None:
    known = {(section, name) for section, name, _ in _settings()}
    for section in set(Settings.model_fields) - _LISTS:
        plain = _section_text(section).partition("# [[")[0]
        for name in re.findall(r"^# ([a-z_]+) = ", plain, re.MULTILINE):
            assert (section, name) in known, f"[{section}] {name} is no setting"


def test_the_configuration_is_valid_as_it_stands_and_with_every_line_switched_on(tmp_path: Path) -> None:
    from dispatch.settings import load_settings

    as_it_is, switched = tmp_path / "a.toml", tmp_path / "b.toml"
    as_it_is.write_text(CONFIG, encoding="utf-8")
    assert load_settings(as_it_is).email == Settings.model_construct().email
    switched.write_text(re.sub(r"^# ([a-z_]+ = |\[\[)", r"\1", CONFIG, flags=re.MULTILINE), encoding="utf-8")
    assert [relay.name for relay in load_settings(switched).email.relays] == ["second"]
    assert [source.kind for source in load_settings(switched).sources] == list(SOURCE_KINDS)


def _source_tables() -> dict[str, str]:
    """The text of each `[[sources]]`, and of the comments before it, by its kind."""
    text = CONFIG.partition("# Sources of issues")[2].partition("\n[publish]")[0]
    kinds = re.findall(r'^# kind = "(.+)"$', text, re.MULTILINE)
    return dict(zip(kinds, text.split("# [[sources]]")[1:], strict=True))


@pytest.mark.parametrize("kind", SOURCE_KINDS)
def test_the_configuration_names_every_setting_of_a_source_at_its_default(kind: str) -> None:
    fields = SOURCE_KINDS[kind].model_fields
    table = _source_tables()[kind]
    named = dict(re.findall(r"^# ([a-z_]+) = (.+)$", table, re.MULTILINE))
    assert set(named) == set(fields)
    for name, field in fields.items():
        if not field.is_required():
            assert tomllib.loads(f"value = {named[name]}")["value"] == _plain(field.default), name


def test_links_between_documents_lead_somewhere() -> None:
    for document in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_readme_names_the_commands_that_exist() -> None:
    headings = set(re.findall(r"^## dispatch (.+)$", _reference(), re.MULTILINE))
    words = {" ".join(heading.split()[:2]) for heading in headings} | {heading.split()[0] for heading in headings}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for line in re.findall(r"^(?:.*&& )?dispatch ([a-z].*)$", readme, re.MULTILINE):
        first, *rest = line.split()
        assert first in words
        if any(word.startswith(f"{first} ") for word in words) and rest and rest[0].isalpha():
            alone = {"init", "run", "doctor", "search", "tag", "ingest", "demo"}
            assert f"{first} {rest[0]}" in words or first in alone


def test_the_examples_of_robots_are_up_to_date() -> None:
    for file, text in _script("robot_examples").examples():
        assert file.read_text(encoding="utf-8") == text, "run: .venv/bin/python docs/robot_examples.py"
