"""Checking and normalising the addresses of people. Webhook addresses are checked by the webhook channel."""

from __future__ import annotations

import re

from email_validator import EmailNotValidError, validate_email

from subscribers.errors import InvalidValue

_CHAT = re.compile(r"-?[1-9][0-9]{0,18}|@[A-Za-z][A-Za-z0-9_]{3,31}")


def email_address(text: str) -> str:
    """A plain address with its domain in lower case (the mailbox keeps its case). No DNS is asked.

    Raises InvalidValue.
    """
    try:
        found = validate_email(text.strip(), check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError as error:
        raise InvalidValue(f"email address {text!r}: {error}") from None
    return found.normalized


def telegram_chat(text: str) -> str:
    """A chat id (a number, negative for groups) or the @name of a public channel, in lower case: Telegram makes no
    difference, and one channel must not be two endpoints.

    Raises InvalidValue.
    """
    if not _CHAT.fullmatch(text.strip()):
        raise InvalidValue(f"Telegram chat {text!r}: a chat id (a number) or the @name of a public channel")
    return text.strip().lower()
