"""A Bot API emulator that others wrote (telegram-test-api, MIT), so that the bot is not judged by our own server alone.

    async with ForeignApi.running("42:TEST") as api:
        ...                                         # start the bot with api.base_url as its Bot API
        await api.command("/start")
        (message, *_) = await api.said("welcome")
        await api.press(message, "the button")

It knows private chats, long polling and the methods sendMessage, editMessageText, editMessageReplyMarkup, deleteMessage
and answerCallbackQuery; `launch.cjs` says what was mended in front of it. It needs Node.js and `npm ci` in this folder.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.marks import MISSING, Part, which

FOLDER = Path(__file__).resolve().parent
NODE = Part("Node.js", "nodejs npm", ("node",))

Json = dict[str, Any]


def missing() -> str:
    """Why tests that need the emulator are skipped; "" where all is there."""
    if NODE.missing:
        return NODE.missing
    if not (FOLDER / "node_modules" / "telegram-test-api").is_dir():
        return f"telegram-test-api {MISSING}; run: npm ci --prefix tests/bot/foreign"
    return ""


@dataclass(frozen=True, slots=True)
class ForeignApi:
    """The emulator, and one person in a private chat with the bot."""

    base_url: str
    token: str
    session: aiohttp.ClientSession
    user_id: int = 7001

    @classmethod
    @asynccontextmanager
    async def running(cls, token: str) -> AsyncIterator[ForeignApi]:
        """Start it; it ends with the block."""
        process = await asyncio.create_subprocess_exec(
            which("node"), "launch.cjs", cwd=FOLDER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdin
        assert process.stdout
        try:
            line = await asyncio.wait_for(process.stdout.readline(), 30)
            port = json.loads(line)["port"]
            async with aiohttp.ClientSession() as session:
                yield cls(f"http://127.0.0.1:{port}", token, session)
        finally:
            process.stdin.close()
            await process.wait()

    async def command(self, text: str) -> None:
        """Send a command to the bot."""
        entity = {"type": "bot_command", "offset": 0, "length": len(text.split()[0])}
        await self._post("sendCommand", self._message() | {"text": text, "entities": [entity]})

    async def send(self, text: str) -> None:
        """Send words to the bot."""
        await self._post("sendMessage", self._message() | {"text": text})

    async def said(self, text: str) -> list[Json]:
        """The bot's messages as they stand, those with this text first, once there is one. Raises AssertionError."""
        answer = await self._post("until", {"token": self.token, "chatId": self.user_id, "text": text})
        messages: list[Json] = answer["messages"]
        assert answer["found"], f"the bot did not say {text!r}; it said {[message.get('text') for message in messages]}"
        return sorted(messages, key=lambda message: text not in message["text"])

    async def press(self, message: Json, words: str) -> None:
        """Press the button under a message that has these words."""
        every = [button for row in message["reply_markup"]["inline_keyboard"] for button in row]
        data = next((button["callback_data"] for button in every if words in button["text"]), None)
        assert data is not None, f"no button {words!r}; there are {[button['text'] for button in every]}"
        pressed = self._message() | {"message_id": message["message_id"], "text": message["text"]}
        await self._post("sendCallback", pressed | {"message": pressed, "data": data})

    def _message(self) -> Json:
        person = {"id": self.user_id, "first_name": "Ann", "username": "ann"}
        return {
            "botToken": self.token,
            "date": int(time.time()),
            "from": person | {"is_bot": False},
            "chat": person | {"type": "private"},
        }

    async def _post(self, path: str, body: Json) -> Json:
        async with self.session.post(f"{self.base_url}/{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            found: Json = await answer.json()
            return found
