"""Methods that answer what a person asked by a button or by typing the bot's name."""

from __future__ import annotations

from typing import Any

from dispatch.testing.telegram.calls import Call, Json, refuse
from dispatch.testing.telegram.keyboards import check_inline
from dispatch.testing.telegram.sending import read_content
from dispatch.testing.telegram.users import CallbackAnswer, InlineAnswer

MAX_NOTE = 200
MAX_RESULTS = 50
MAX_RESULT_ID = 64
MAX_OFFSET = 64


def answer_callback(call: Call) -> bool:
    """answerCallbackQuery."""
    text = call.text("text")
    if len(text) > MAX_NOTE:
        raise refuse("MESSAGE_TOO_LONG")
    query = call.world.open_query(call.text("callback_query_id"), call.bot, "callback_query")
    answer = CallbackAnswer(text, call.flag("show_alert"), call.text("url"), call.integer("cache_time"))
    call.world.settle(query, answer)
    return True


def answer_inline(call: Call) -> bool:
    """answerInlineQuery."""
    results = tuple(_result(entry) for entry in call.list_of("results"))
    if len(results) > MAX_RESULTS:
        raise refuse("RESULTS_TOO_MUCH")
    if len({result["id"] for result in results}) < len(results):
        raise refuse("RESULT_ID_DUPLICATE")
    offset = call.text("next_offset")
    if len(offset.encode()) > MAX_OFFSET:
        raise refuse("NEXT_OFFSET_INVALID")
    query = call.world.open_query(call.text("inline_query_id"), call.bot, "inline_query")
    answer = InlineAnswer(
        results, offset, call.integer("cache_time", 300), call.flag("is_personal"), call.table("button") or None
    )
    call.world.settle(query, answer)
    return True


def _result(entry: Any) -> Json:
    if not isinstance(entry, dict):
        raise refuse("can't parse inline query result: object expected")
    number = entry.get("id")
    if number is None:
        raise refuse("can't parse inline query result: can't find field \"id\"")
    if not 1 <= len(str(number).encode()) <= MAX_RESULT_ID:
        raise refuse("RESULT_ID_INVALID")
    if entry.get("type") == "article":
        if not str(entry.get("title") or "").strip():
            raise refuse("ARTICLE_TITLE_EMPTY")
        content = entry.get("input_message_content")
        if not isinstance(content, dict):
            raise refuse("message content is not specified")
        read_content(content)
    return entry | ({"reply_markup": check_inline(entry["reply_markup"])} if entry.get("reply_markup") else {})
