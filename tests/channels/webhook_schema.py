"""The published schema of webhooks, as tests hold bodies to it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from dispatch.assets import schemas_dir
from dispatch.channels.webhook.payload import SCHEMA


def schema() -> Any:
    return json.loads((schemas_dir() / SCHEMA).read_text(encoding="utf-8"))


def check(body: object) -> None:
    """Raises ValidationError for a body that does not keep to the schema, or has a field that it does not describe."""
    _validator().validate(body)


@cache
def _validator() -> Any:
    """Receivers may meet more fields than the schema has; our own tests may not."""
    strict = schema()
    for part in (strict, *strict["$defs"].values()):
        part["additionalProperties"] = False
    Draft202012Validator.check_schema(strict)
    return Draft202012Validator(strict, format_checker=FormatChecker())
