"""aiogram's HTTP session, with bounds to what a server may answer. Importing this imports aiogram."""

from __future__ import annotations

import json
from typing import Any, cast

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.exceptions import ClientDecodeError, TelegramNetworkError
from aiogram.methods import GetUpdates, TelegramMethod
from aiogram.methods.base import TelegramType
from aiohttp import ClientError, ClientResponse, ClientTimeout

MAX_ANSWER = 1_000_000
"""Bytes; those of the Bot API to a message have a few thousand."""


MOST_UPDATES = 20_000_000
"""Bytes of an answer with updates: a hundred with long messages that answer long ones have a tenth of it."""


class GetRawUpdates(GetUpdates):
    """Updates as the Bot API has them: one that aiogram cannot read must not keep the others from being read."""

    __returning__ = list[dict[str, Any]]


class BoundedSession(AiohttpSession):
    """Follows no redirect, for the token is in the address, and reads no answer without end."""

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109 (aiogram's signature)
    ) -> TelegramType:
        session = await self.create_session()
        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        form = self.build_form_data(bot=bot, method=method)
        limit = ClientTimeout(total=self.timeout if timeout is None else timeout)
        try:
            async with session.post(url, data=form, timeout=limit, allow_redirects=False) as answer:
                text = await _text(answer, MOST_UPDATES if isinstance(method, GetUpdates) else MAX_ANSWER)
        except TimeoutError as error:
            raise TelegramNetworkError(method=method, message="no answer in time") from error
        except ClientError as error:
            raise TelegramNetworkError(method=method, message=type(error).__name__) from error
        return self._result(bot, method, answer.status, text)

    async def close(self) -> None:
        """aiogram waits a quarter of a second for TLS to say good-bye; without TLS there is nothing to wait for."""
        if self.api.base.startswith("https:"):
            await super().close()
        elif self._session is not None:
            await self._session.close()

    def _result(self, bot: Bot, method: TelegramMethod[TelegramType], status: int, text: str) -> TelegramType:
        try:
            return cast(TelegramType, self.check_response(bot, method, status, text).result)
        except TypeError as error:  # aiogram takes it for granted that a refusal has words
            raise ClientDecodeError("an answer without a description", error, _json(text)) from error


async def _text(answer: ClientResponse, most: int) -> str:
    data = bytearray()
    async for chunk in answer.content.iter_any():
        data += chunk
        if len(data) > most:
            raise ClientDecodeError("the answer is too long", ValueError(len(data)), None)
    return data.decode("utf-8", "replace")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
