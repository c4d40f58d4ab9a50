"""One call of a bot: its parameters, read as the Bot API reads them, and how it is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from dispatch.testing.telegram.bots import BotAccount
    from dispatch.testing.telegram.world import World

Json = dict[str, Any]
Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer with `ok: false` (Bot API, "Making requests", `ResponseParameters`)."""

    status: int
    description: str
    parameters: Mapping[str, int] = field(default_factory=dict)

    def response(self) -> web.Response:
        body: dict[str, Any] = {"ok": False, "error_code": self.status, "description": self.description}
        if self.parameters:
            body["parameters"] = dict(self.parameters)
        return web.json_response(body, status=self.status)


class Refused(Exception):
    """A method says no."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.description)
        self.refusal = refusal


_PREFIXES = {400: "Bad Request", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}


def refuse(words: str, status: int = 400, **parameters: int) -> Refused:
    """What to raise: `words` stand after "Bad Request: " or what belongs to the status."""
    return Refused(Refusal(status, f"{_PREFIXES[status]}: {words}", parameters))


@dataclass(frozen=True, slots=True)
class Call:
    """A method called by a bot. The readers raise Refused where a parameter is not what it must be."""

    world: World
    bot: BotAccount
    method: str
    params: Params

    @property
    def chat_id(self) -> int | str:
        """The chat as it was given: a number, a name with `@`, "" where none was."""
        return chat_id(self.params.get("chat_id"))

    def text(self, name: str) -> str:
        value = self.params.get(name)
        return "" if value is None else str(value)

    def integer(self, name: str, default: int = 0) -> int:
        value = self.text(name).strip()
        try:
            return int(value) if value else default
        except ValueError:
            raise refuse(f'invalid parameter "{name}"') from None

    def flag(self, name: str) -> bool:
        return self.text(name).strip().lower() in ("true", "yes", "1")

    def structure(self, name: str) -> Any:
        """A parameter that is JSON, serialised or not; None where it is missing or empty."""
        value = self.params.get(name)
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            what = "reply keyboard markup" if name == "reply_markup" else f'"{name}"'
            raise refuse(f"can't parse {what} JSON object") from None

    def list_of(self, name: str) -> list[Any]:
        value = self.structure(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise refuse(f'expected an Array for "{name}"')
        return value

    def table(self, name: str) -> Json:
        value = self.structure(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise refuse(f'expected an Object for "{name}"')
        return value


def chat_id(value: object) -> int | str:
    """A chat id as a number where it is one; "" where it is missing."""
    text = str(value if value is not None else "").strip()
    return int(text) if text.lstrip("-").isdigit() else text


async def read_params(request: web.Request) -> Params:
    """The parameters from the query and the body, in any of the forms that the Bot API takes."""
    params: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except (json.JSONDecodeError, UnicodeDecodeError):
            body = None
        return params | body if isinstance(body, dict) else params
    return params | dict(await request.post())
