"""What a mail server's refusal says: that the mailbox is dead, that it cannot be reached now, or that we are unwelcome.

It is judged by the enhanced status code (RFC 3463) where there is one that tells, else by the code of RFC 5321 and the
words, as a reply in the session and as the report of a mail that came back later say them.
"""

from __future__ import annotations

import re
from enum import StrEnum

ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
# Alone or before an enhanced code: not a year, a port or a piece of an id.
CODE = re.compile(r"(?<![\w.:/-])([45][0-5]\d)(?=[\s:,;-])")
# RFC 3463 3.2: bad mailbox, system, syntax of the destination, moved. 5.1.7 and 5.1.8 are about the sender.
_DEAD_ADDRESS = re.compile(r"5\.1\.(?:0|1|2|3|6|10)\Z")
_VAGUE = ("5.0.0", "5.5.0", "5.7.1", "5.2.1")
_UNKNOWN_USER = re.compile(
    r"(?:user|recipient|mailbox|account|address)\W+(?:is\W+|was\W+)?(?:unknown|not found|not exist|invalid)"
    r"|(?:unknown|invalid|no such|non-?existent)\W+(?:\w+\W+)?(?:user|recipient|mailbox|account|address)"
    r"|(?:user|recipient|mailbox|account|address)\b.{0,80}\b(?:does(?: not|n't) exist|not exist|unknown|not found)"
    r"|no mailbox here by that name"
    r"|(?:用户|邮箱|收件人|邮件地址|收件地址|帐号|账号)[^。;；\n]{0,60}不存在|无此用户|没有此用户|查无此人",
    re.IGNORECASE,
)
# 5.4.4, "unable to route", is what Postfix makes of NXDOMAIN: the domain is not there. A DNS that fails is 4.4.3.
_NO_DOMAIN = re.compile(
    r"(?:host|domain)\b.{0,80}\b(?:not found|does(?: not|n't) exist)|NXDOMAIN|unrouteable address", re.IGNORECASE
)
# QQ mail answers 550 to too many messages in a time; they are welcome later.
FREQUENCY = re.compile(r"frequen|too many (?:messages|mails|connections)|rate limit|发送频率|频率", re.IGNORECASE)
_UNWELCOME = re.compile(
    r"\bspam|junk mail|unsolicited|block(?:ed|ing| ?list)|black ?list|deny ?list|\b(?:RBL|DNSBL|DMARC|DKIM|SPF)\b"
    r"|reputation|policy|banned|access denied|\b(?:DT:SPM|HL:[A-Z]{3}|MI:[A-Z]{3})\b"
    r"|垃圾邮件|黑名单|拒收|被拦截|反垃圾",
    re.IGNORECASE,
)


class Verdict(StrEnum):
    """What a refusal says."""

    DEAD = "hard"  # of the address: nobody is there
    SOFT = "soft"  # of the mailbox or its server as it is just now
    UNWELCOME = "block"  # of us: our address, our volume, our content


def is_dead(code: int | None, words: str) -> bool:
    """Whether a refusal for good says that the address itself is no good. `code` is that of RFC 5321; None where the
    words have none."""
    enhanced = ENHANCED.search(words)
    if enhanced and _DEAD_ADDRESS.match(enhanced.group(1)):
        return True
    vague = enhanced is None or enhanced.group(1) in _VAGUE
    return code in (None, 550, 551, 553) and vague and bool(_UNKNOWN_USER.search(words))


def judge(words: str, status: str = "") -> Verdict:
    """What a server's words say. `status` is the enhanced code that stands beside them; one in the words goes first:
    it is the receiver's own, where the other is that of who wrote the report."""
    found = CODE.search(words)
    code = int(found.group(1)) if found else None
    enhanced = ENHANCED.search(words)
    said = words if enhanced or not status else f"{status} {words}"
    number = enhanced.group(1) if enhanced else status
    temporary = number.startswith("4") or (not number and code is not None and code < 500)
    if not temporary and (is_dead(code, said) or (number in ("5.4.4", "5.0.0", "") and _NO_DOMAIN.search(words))):
        return Verdict.DEAD
    policy = number[1:].startswith(".7.") or FREQUENCY.search(words) or _UNWELCOME.search(words)
    return Verdict.UNWELCOME if policy else Verdict.SOFT


def clean(text: str, most: int = 300) -> str:
    """A stranger's words on one line, without control characters."""
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    return "".join(character for character in line if character.isprintable())[:most]
