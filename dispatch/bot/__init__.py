"""The bot that chat users talk to: they follow parks and topics, say how they want their digests, search and read.

An update of the Bot API is written down before it is confirmed (`inbox`); it is handled in one transaction with what it
changes and with the replies to it (`handling`), which are then sent in order, each marked as begun before (`speaking`).
So a restart loses no update, and makes no reply twice. A `conversation` wires one bot's parts together.

Only this package and the Telegram channel know aiogram; nothing imports it before a bot starts.
"""
