"""Addresses as people write them: one spelling each, and nothing that could break out of a header."""

from __future__ import annotations

import pytest

from subscribers.addresses import email_address, telegram_chat
from subscribers.errors import InvalidValue
from subscribers.model import Address


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("li@example.com", "li@example.com"),
        ("  li@example.com\r\n", "li@example.com"),
        ("Li.Na@EXAMPLE.Com", "Li.Na@example.com"),
        ("li+parks@example.com", "li+parks@example.com"),
        ("li@müller.example", "li@müller.example"),
        ("li@xn--mller-kva.example", "li@müller.example"),
        ("li@MÜLLER.example", "li@müller.example"),
        ("李娜@例子.中国", "李娜@例子.中国"),
        ("li@ｅｘａｍｐｌｅ.com", "li@example.com"),
    ],
)
def test_an_email_address_has_one_spelling(given: str, kept: str) -> None:
    assert email_address(given) == kept


@pytest.mark.parametrize("text", ["li@example.com", "Li+x@Müller.Example", "李娜@例子.中国"])
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert email_address(email_address(text)) == email_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "li",
        "@example.com",
        "li@",
        "li@localhost",
        "li@@example.com",
        "li@example..com",
        ".li@example.com",
        "li na@example.com",
        "li@exa mple.com",
        "li@-example.com",
        "li@[127.0.0.1]",
        '"li na"@example.com',
        "Li Na <li@example.com>",
        "<li@example.com>",
        "mailto:li@example.com",
        "li@example.com, wang@example.com",
        "li@example.com;wang@example.com",
        "li@example.com\nBcc: all@example.com",
        "li@example.com\r\nBcc: all@example.com",
        "li\r\n@example.com",
        "li@example.com\0",
        "li\u2028@example.com",
        "li\u202e@example.com",
        "li\udc80@example.com",
        f"{'l' * 65}@example.com",
        f"li@{'e' * 64}.com",
        f"li@{'example.' * 40}com",
        f"{'l' * 100_000}@example.com",
        f"li@{'ü' * 100_000}.com",
    ],
)
def test_what_is_no_plain_email_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"^email address ") as refusal:
        email_address(text)
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("123456789", "123456789"),
        ("-1001234567890", "-1001234567890"),
        (" 42 ", "42"),
        ("@huoju_news", "@huoju_news"),
        ("@Huoju_News", "@huoju_news"),
        ("-1001234567890/45", "-1001234567890/45"),
    ],
)
def test_a_telegram_chat_has_one_spelling(given: str, kept: str) -> None:
    assert telegram_chat(given) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-0",
        "007",
        "+42",
        "--42",
        "1" * 20,
        "４２",
        "huoju_news",
        "@abc",
        "@1news",
        f"@{'n' * 33}",
        "@火炬动态",
        "@huoju news",
        "https://t.me/huoju_news",
        "42\n43",
        "42\0",
        "42/7",
        "@huoju_news/7",
        "-100123/",
        "-100123/0",
        "-100123/7/8",
        "-100123/-7",
    ],
)
def test_what_is_no_telegram_chat_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"^Telegram chat "):
        telegram_chat(text)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://x.test/in", "https://x.test/in"),
        ("https://x.test:8443/hooks/park-news", "https://x.test:8443/hooks/park-news"),
        ("https://x.test/send?key=693a91f6-7b1c-4bc4-97a0-0ec2a1fa5aaa", "https://x.test/send?key=…5aaa"),
        ("https://x.test/send?a=1&b", "https://x.test/send?a=…&…"),
        ("https://x.test/services/T0/B0/0123456789abcdefWXYZ", "https://x.test/services/T0/B0/…WXYZ"),
    ],
)
def test_keys_in_web_addresses_are_not_shown(url: str, words: str) -> None:
    assert Address("webhook", url, "webhook").shown == words
    assert Address("email", "li@x.test", "email").shown == "li@x.test"
