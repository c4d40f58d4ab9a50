"""What is wrong with a setting, in words: its name in the file and in the environment, its value where that can be no
secret, and what is allowed."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from dispatch.errors import SettingsError

Kinds = Mapping[str, type[BaseModel]]
Sections = Mapping[str, type[BaseModel] | Kinds]
"""The sections of the file by name; one that is a list of tables (`[[sources]]`) by the kinds of these."""

_PREFIX, _LEVEL = "DISPATCH_", "__"
# Types of single values that may be shown, and what of them may not: what looks like an address with a user name or a
# key in it.
_PLAIN = (str, int, float, bool, Path, Path | None, float | None)
_MAYBE_SECRET = re.compile(r"[:/].*@|://.*[:?]")
_LONGEST_SHOWN = 200
# The commonest kinds of pydantic's, in our words; `{…}` is what it says of the case.
_WORDS = {
    "extra_forbidden": "there is no such setting",
    "missing": "it is needed and not set",
    "string_too_short": "allowed: a text that is not empty",
    "bool_parsing": "allowed: true or false",
    "bool_type": "allowed: true or false",
    "int_parsing": "allowed: a whole number",
    "int_parsing_size": "allowed: a whole number, and none of that size",
    "int_type": "allowed: a whole number",
    "int_from_float": "allowed: a whole number",
    "float_parsing": "allowed: a number",
    "float_type": "allowed: a number",
    "finite_number": "allowed: a number, and no infinite one",
    "string_type": "allowed: a text in quotation marks",
    "path_type": "allowed: a path in quotation marks",
    "greater_than": "allowed: more than {gt:g}",
    "greater_than_equal": "allowed: {ge:g} or more",
    "less_than": "allowed: less than {lt:g}",
    "less_than_equal": "allowed: {le:g} or less",
    "string_pattern_mismatch": "allowed: what fits {pattern}",
    "tuple_type": "allowed: a list in square brackets",
    "too_short": "allowed: a list of {min_length} or more",
    "too_long": "allowed: a list of {max_length} or fewer",
}


def check_names(values: Mapping[str, object], where: str, environment: Iterable[str], sections: Sections) -> None:
    """Raises SettingsError for the first section that there is none of, in the file's `values` or in the names of the
    environment, where pydantic would pass it over."""
    for name in sorted(set(values) - set(sections)):
        raise SettingsError(f"{where}: unknown section [{name}]{_nearest(name, sections)}")
    for variable in sorted(environment):
        if variable.upper().startswith(_PREFIX):
            _check_variable(variable, sections)


def _check_variable(variable: str, sections: Sections) -> None:
    name = variable.upper().removeprefix(_PREFIX)
    section, levels, key = name.partition(_LEVEL)
    if not levels:
        # One underscore where there should be two; whatever else begins so may be another program's.
        settings = [
            f"{known}{_LEVEL}{own}".upper()
            for known, section_ in sections.items()
            if not isinstance(section_, Mapping)
            for own in section_.model_fields
        ]
        meant = next((setting for setting in settings if setting.replace(_LEVEL, "_") == name), "")
        if meant:
            raise SettingsError(f"environment variable {variable}: did you mean {_PREFIX}{meant}?")
    elif section.lower() not in sections:
        close = difflib.get_close_matches(section.lower(), sections, n=1)
        hint = f"; did you mean {_PREFIX}{close[0].upper()}__{key}?" if close else _nearest(section, sections)
        raise SettingsError(f"environment variable {variable}: unknown section [{section.lower()}]{hint}")
    elif isinstance(sections[section.lower()], Mapping):
        raise SettingsError(f"environment variable {variable}: set {_PREFIX}{section}, a list of tables in JSON")


def _nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is most like it, else all of them."""
    names = list(known)
    close = difflib.get_close_matches(name.lower(), names, n=1)
    return f"; did you mean {close[0]}?" if close else f"; allowed: {', '.join(names)}"


def explain(error: ValidationError, where: str, values: Mapping[str, Any], sections: Sections) -> str:
    """One line a wrong setting. `values` are those of the file, `where` what it is called."""
    lines = [_line(item, where, values, sections) for item in error.errors(include_url=False, include_input=True)]
    return "wrong setting: " + "\n               ".join(lines)


def _line(item: ErrorDetails, where: str, values: Mapping[str, Any], sections: Sections) -> str:
    path = [str(part) for part in item["loc"]]
    kinds = sections.get(path[0]) if path else None
    if isinstance(kinds, Mapping):
        return _line_of_list(item, path, where, values, kinds)
    variable = _PREFIX + _LEVEL.join(path).upper()
    source = f"environment variable {variable}" if variable in map(str.upper, os.environ) else where
    fields = _fields(path, sections)
    return f"{_name(path, values)}{_shown(path, item['input'], fields)}: {_said(item, path, fields)} ({source})"


def _line_of_list(item: ErrorDetails, path: list[str], where: str, values: Mapping[str, Any], kinds: Kinds) -> str:
    """The same of a section that is a list of tables: `[[sources]] 2 (site) url`. A place in it is section, number,
    kind and name."""
    section, *rest = path
    variable = _PREFIX + section.upper()
    source = f"environment variable {variable}" if variable in map(str.upper, os.environ) else where
    if not rest:
        return f"{section}: allowed: tables that begin with [[{section}]] ({source})"
    own = _own_name(["", section, rest[0]], {"": values})
    name = " ".join([f"[[{section}]]", str(int(rest[0]) + 1), *([f"({own})"] if own else []), *rest[2:]])
    if len(rest) < 2 and item["type"].startswith("union_tag"):
        return f"{name}: kind is needed; allowed: {', '.join(kinds)} ({source})"
    fields = kinds[rest[1]].model_fields if len(rest) > 1 and rest[1] in kinds else {}
    shown = _shown(path, item["input"], fields) if len(rest) > 2 else ""
    return f"{name}{shown}: {_said(item, path, fields)} ({source})"


def _name(path: list[str], values: Mapping[str, Any]) -> str:
    """`[email] port`; of a list of tables also which one, and its own name: `[[email.relays]] 2 (backup) port`."""
    if len(path) < 2:
        return f"[{path[0]}]" if path else "settings"
    if len(path) > 2 and path[2].isdigit():
        own = _own_name(path, values)
        return " ".join([f"[[{path[0]}.{path[1]}]]", str(int(path[2]) + 1), *([f"({own})"] if own else []), *path[3:]])
    return f"[{path[0]}] {'.'.join(path[1:])}"


def _own_name(path: list[str], values: Mapping[str, Any]) -> str:
    try:
        name = values[path[0]][path[1]][int(path[2])]["name"]
    except (LookupError, TypeError):  # of the environment, or no list of tables
        return ""
    return name if isinstance(name, str) and re.fullmatch(r"[\w. -]{1,40}", name) else ""


def _said(item: ErrorDetails, path: list[str], fields: Mapping[str, FieldInfo]) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        return _WORDS[kind] + _nearest(path[-1], fields)
    if kind == "literal_error":
        return f"allowed: {context['expected'].replace(chr(39), '')}"
    if kind in ("model_type", "model_attributes_type"):
        return "allowed: a table of settings"
    if kind == "tuple_type" and path[-1] in ("relays", "providers", "bots"):
        return f"allowed: tables that begin with [[{'.'.join(path)}]]"
    if kind in _WORDS:
        return _WORDS[kind].format(**context)
    return item["msg"].removeprefix("Value error, ")


def _fields(path: list[str], sections: Sections) -> Mapping[str, FieldInfo]:
    """The settings beside the one at a path, by name; none where there is no such place."""
    section = sections.get(path[0]) if path else None
    if isinstance(section, Mapping):
        return {}
    if section is None or len(path) == 2:
        return section.model_fields if section else {}
    listed = section.model_fields.get(path[1]) if len(path) == 4 else None
    of = [kind for kind in get_args(listed.annotation) if isinstance(kind, type)] if listed else []
    return of[0].model_fields if of and issubclass(of[0], BaseModel) else {}


def _shown(path: list[str], value: object, fields: Mapping[str, FieldInfo]) -> str:
    """` = VALUE` where it can be no secret: one value of a setting that is no secret, without user name or query.

    What stands in the place of a section or list may hold a password that was written one level too high.
    """
    if len(path) < 2 or not _is_plain(fields.get(path[-1])) or not isinstance(value, (str, int, float)):
        return ""
    text = repr(value)
    return "" if _MAYBE_SECRET.search(text) or len(text) > _LONGEST_SHOWN else f" = {text}"


def _is_plain(field: FieldInfo | None) -> bool:
    """Whether a setting is a single value and no secret."""
    if field is None or not field.repr:
        return False
    return field.annotation in _PLAIN or get_origin(field.annotation) is Literal
