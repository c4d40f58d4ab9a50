"""Loopback servers to test against, for this program's tests, its demo and anybody's own.

| class | speaks | module |
|---|---|---|
| `SmtpSink` | SMTP, with STARTTLS, TLS and AUTH; needs the extra `testing` | `smtp` |
| `BotApi` | Telegram's Bot API, with people, groups and channels to drive | `bot_api` |
| `WebhookReceiver` | HTTP, verifying Standard Webhooks signatures | `webhook` |
| `HostileReceiver` | bytes of any kind at any moment, to whoever speaks HTTP | `hostile` |
| `DnsServer` | DNS over UDP | `dns` |

Each is an async context manager on 127.0.0.1 and a free port, keeps what it receives, and misbehaves on request.
`ChannelContract` (`conformance`) is the suite that every channel must pass; `samples` has something to send.
"""

from dispatch.testing.bot_api import BotApi, Limits
from dispatch.testing.conformance import Arrival, ChannelContract, ChannelHarness
from dispatch.testing.hostile import HostileReceiver
from dispatch.testing.smtp import CLOSE, CUT_MIDWAY, KEEP_AND_CLOSE, KEEP_AND_STALL, STALL, SmtpSink
from dispatch.testing.webhook import WebhookReceiver

__all__ = [
    "CLOSE",
    "CUT_MIDWAY",
    "KEEP_AND_CLOSE",
    "KEEP_AND_STALL",
    "STALL",
    "Arrival",
    "BotApi",
    "ChannelContract",
    "ChannelHarness",
    "HostileReceiver",
    "Limits",
    "SmtpSink",
    "WebhookReceiver",
]
