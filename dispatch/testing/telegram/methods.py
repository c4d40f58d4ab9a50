"""The Bot API's methods by name, in lower case."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from dispatch.testing.telegram import editing, membership, profile, queries, receiving, sending
from dispatch.testing.telegram.calls import Call

Handler = Callable[[Call], Any]


def _get_me(call: Call) -> Any:
    return call.bot.me()


METHODS: dict[str, Handler] = {
    "getme": _get_me,
    "setwebhook": receiving.set_webhook,
    "deletewebhook": receiving.delete_webhook,
    "getwebhookinfo": receiving.get_webhook_info,
    "sendchataction": sending.send_chat_action,
    "pinchatmessage": sending.pin_message,
    "unpinchatmessage": sending.unpin_message,
    "editmessagetext": editing.edit_text,
    "editmessagereplymarkup": editing.edit_markup,
    "deletemessage": editing.delete,
    "deletemessages": editing.delete_many,
    "answercallbackquery": queries.answer_callback,
    "answerinlinequery": queries.answer_inline,
    "getchat": membership.get_chat,
    "getchatmember": membership.get_member,
    "getchatadministrators": membership.get_administrators,
    "getchatmembercount": membership.count_members,
    "leavechat": membership.leave,
    "setmycommands": profile.set_commands,
    "getmycommands": profile.get_commands,
    "deletemycommands": profile.delete_commands,
    "setmyname": partial(profile.set_text, kind="name"),
    "getmyname": partial(profile.get_text, kind="name"),
    "setmydescription": partial(profile.set_text, kind="description"),
    "getmydescription": partial(profile.get_text, kind="description"),
    "setmyshortdescription": partial(profile.set_text, kind="short_description"),
    "getmyshortdescription": partial(profile.get_text, kind="short_description"),
    "setchatmenubutton": profile.set_menu,
    "getchatmenubutton": profile.get_menu,
}
"""All but sendMessage, sendDocument and getUpdates, which need the server's limits and its end."""
