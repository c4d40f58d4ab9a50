"""Checking and normalising the addresses of people. Webhook addresses are checked by the webhook channel."""

from __future__ import annotations

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from subscribers.errors import InvalidValue

_CHAT = re.compile(r"-?[1-9][0-9]{0,18}|@[A-Za-z][A-Za-z0-9_]{3,31}|-[1-9][0-9]{0,18}/[1-9][0-9]{0,9}")
_PLAIN_MAILBOX = re.compile(r"[a-z0-9_-]+(?:[.+][a-z0-9_-]+)*")  # what most are like
_PLAIN_LENGTH = 64  # of mailbox and of domain, each; all limits on length are beyond
_LONGEST = 1_000  # characters of an address with a name: all checks beyond take their time
_MAILTO = "mailto:"
_INVISIBLE = "\u200b\u2060\ufeff"  # zero-width, as they come with what is copied from web pages


def email_address(text: str) -> str:
    """A plain address with its domain in lower case (the mailbox keeps its case). No DNS is asked.

    Raises InvalidValue.
    """
    stripped = text.strip()
    _refuse_long(stripped)
    mailbox, _, domain = stripped.partition("@")
    if len(mailbox) <= _PLAIN_LENGTH and _PLAIN_MAILBOX.fullmatch(mailbox) and (known := _plain_domain(domain)):
        return f"{mailbox}@{known}"
    try:
        return _validated(stripped)
    except EmailNotValidError as error:
        raise InvalidValue(f"email address {text!r}: {error}") from None


def _validated(text: str) -> str:
    return validate_email(text, check_deliverability=False, test_environment=True, strict=True).normalized


@lru_cache(maxsize=10_000)
def _plain_domain(domain: str) -> str:
    """The spelling of a domain that takes plain mailboxes, "" for all others: the check of an address is mostly that of
    its domain, and in long lists the same ones come again and again."""
    if len(domain) > _PLAIN_LENGTH or not domain.isascii():
        return ""
    try:
        return _validated(f"x@{domain}").partition("@")[2]
    except EmailNotValidError:
        return ""


def named_address(text: str) -> tuple[str, str]:
    """The name and the address in `张三 <zhang@example.com>`; "" and the text as it is for an address alone.

    Raises InvalidValue.
    """
    text = text.strip().strip(_INVISIBLE).strip()
    _refuse_long(text)
    before, bracket, rest = text.rpartition("<")
    address = rest[:-1].strip()
    if address[: len(_MAILTO)].lower() == _MAILTO:
        address = address[len(_MAILTO) :]
    if not bracket or rest[-1:] != ">" or "@" not in address or set("<>") & {*before, *address}:
        return "", text
    return before.strip().removeprefix('"').removesuffix('"').strip(), address


def _refuse_long(text: str) -> None:
    if len(text) > _LONGEST:
        raise InvalidValue(f"email address {text[:40]!r}…: more than {_LONGEST:,} characters")


def telegram_chat(text: str) -> str:
    """A chat id (a number, negative for groups), the @name of a public channel, in lower case, or a topic of a group's
    forum as `-100123/45`: Telegram makes no difference between spellings, and one channel must not be two endpoints.

    Raises InvalidValue.
    """
    if not is_telegram_chat(text.strip()):
        raise InvalidValue(
            f"Telegram chat {text!r}: a chat id (a number), the @name of a public channel, or a group's id and a"
            " topic's (-100123/45)"
        )
    return text.strip().lower()


def is_telegram_chat(address: str) -> bool:
    """Whether an address has the form of a chat or topic."""
    return _CHAT.fullmatch(address) is not None


def telegram_id(chat: str) -> int | str:
    """A chat as the Bot API is told it: its number, or the @name of a public channel."""
    return chat if chat.startswith("@") else int(chat)


def telegram_span(chat: str) -> dict[str, str]:
    """By what SQL finds the addresses of a chat and of its topics: that of the `chat`, and those between `low` and
    `high`."""
    return {"chat": chat, "low": f"{chat}/", "high": f"{chat}0"}  # 0 comes after /


def receiver_of(address: str) -> str:
    """Whom limits and rests belong to: the chat in which a topic of Telegram's is (`-100123/45`), else the address
    itself, whose slashes are those of a URL."""
    return address if "://" in address else address.partition("/")[0]


def telegram_place(address: str) -> tuple[str, int]:
    """The chat of an address, and the topic's `message_thread_id` in it; 0 for none."""
    chat, _, topic = address.partition("/")
    return chat, int(topic or 0)
