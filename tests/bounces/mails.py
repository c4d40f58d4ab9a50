"""Reports as mail servers write them. `{to}` is where it is reported to, `{reader}` whose mail it was, `{original}` the
header of our message."""

from __future__ import annotations

from dataclasses import dataclass

READER = "li@example.com"
ORIGINAL = """\
Return-Path: <{to}>
From: =?utf-8?b?54Gr54Ks5Yqo5oCB?= <news@bulletin.test>
To: {reader}
Subject: =?utf-8?b?54Gr54Ks5Yqo5oCB?=
Message-ID: <{message}.x@bulletin.test>
List-Unsubscribe: <https://bulletin.test/u/{token}>,
 <mailto:leave@bulletin.test?subject=unsubscribe%20{token}>
"""


@dataclass(frozen=True)
class Form:
    """A report, what it says (`hard`, `soft`, `block`, or what else it is), and a word of its diagnosis."""

    name: str
    text: str
    says: str
    status: str = ""
    word: str = ""


def dsn(sender: str, fields: str, human: str, *, subject: str = "Undelivered Mail Returned to Sender") -> str:
    """A multipart/report of the form of RFC 3464."""
    return (
        f"Return-Path: <>\nFrom: {sender}\nTo: {{to}}\nSubject: {subject}\nAuto-Submitted: auto-replied\n"
        "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status;\n"
        '\tboundary="B_12.34/example"\n\nThis is a MIME-encapsulated message.\n\n'
        f"--B_12.34/example\nContent-Description: Notification\nContent-Type: text/plain; charset=utf-8\n\n{human}\n\n"
        "--B_12.34/example\nContent-Description: Delivery report\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.relay.test\nArrival-Date: Tue, 15 Mar 2022 08:00:00 +0800\n\n{fields}\n"
        "--B_12.34/example\nContent-Type: text/rfc822-headers\n\n{original}\n--B_12.34/example--\n"
    )


def plain(sender: str, subject: str, body: str, *, more: str = "", kind: str = "text/plain") -> str:
    return (
        f"Return-Path: <>\nFrom: {sender}\nTo: {{to}}\nSubject: {subject}\n{more}MIME-Version: 1.0\n"
        f"Content-Type: {kind}; charset=utf-8\n\n{body}\n"
    )


def recipient(action: str, status: str, diagnostic: str) -> str:
    fields = f"Final-Recipient: rfc822; {{reader}}\nAction: {action}\nStatus: {status}\n"
    return fields + (f"Diagnostic-Code: smtp; {diagnostic}\n" if diagnostic else "")


POSTFIX = "MAILER-DAEMON@mx.relay.test (Mail Delivery System)"
FORMS = [
    Form(
        "postfix, no such user",
        dsn(
            POSTFIX,
            recipient("failed", "5.1.1", "550 5.1.1 <{reader}>: Recipient address rejected:\n    User unknown"),
            "This is the mail system at host mx.relay.test.",
        ),
        "hard",
        "5.1.1",
        "User unknown",
    ),
    Form(
        "postfix, no such domain",
        dsn(
            POSTFIX,
            "Final-Recipient: rfc822; {reader}\nAction: failed\nStatus: 5.4.4\nDiagnostic-Code: X-Postfix;"
            " Host or domain\n    name not found. Name service error for name=example.com type=A: Host not found\n",
            "I'm sorry to have to inform you that your message could not be delivered.",
        ),
        "hard",
        "5.4.4",
        "not found",
    ),
    Form(
        "postfix, given up after five days",
        dsn(
            POSTFIX, recipient("failed", "4.4.1", ""), "<{reader}>: connect to mx.example.com[192.0.2.1]:25: timed out"
        ),
        "soft",
        "4.4.1",
    ),
    Form(
        "postfix, still trying",
        dsn(POSTFIX, recipient("delayed", "4.4.1", "connect timed out"), "THIS IS A WARNING ONLY."),
        "delayed",
    ),
    Form(
        "full mailbox",
        dsn(POSTFIX, recipient("failed", "5.2.2", "552 5.2.2 Mailbox full, over quota"), "could not be delivered"),
        "soft",
        "5.2.2",
        "over quota",
    ),
    Form(
        "listed as spam",
        dsn(
            POSTFIX,
            recipient("failed", "5.7.1", "554 5.7.1 Service unavailable; Client host [192.0.2.9] blocked using DNSBL"),
            "could not be delivered",
        ),
        "block",
        "5.7.1",
        "blocked",
    ),
    Form(
        "passed on to several, one of them dead",
        dsn(
            POSTFIX,
            recipient("relayed", "2.0.0", "") + "\n" + recipient("failed", "5.1.1", "550 5.1.1 User unknown"),
            "could not be delivered to one or more recipients",
        ),
        "soft",
        "5.1.1",
    ),
    Form("delivered", dsn(POSTFIX, recipient("delivered", "2.0.0", "250 ok"), "delivered"), "delayed"),
    Form(
        "exim",
        dsn(
            "Mail Delivery System <Mailer-Daemon@exim.test>",
            "Action: failed\nFinal-Recipient: rfc822;{reader}\nStatus: 5.0.0\nRemote-MTA: dns; mx.example.com\n"
            "Diagnostic-Code: smtp; 550-Verification failed for <{reader}>\n 550 Unrouteable address\n",
            "A message that you sent could not be delivered to one or more of its recipients.",
            subject="Mail delivery failed: returning message to sender",
        ),
        "hard",
        "5.0.0",
    ),
    Form(
        "exchange online",
        dsn(
            "postmaster@outlook.test",
            recipient("failed", "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {reader} not found"),
            "Your message to {reader} couldn't be delivered.",
            subject="Undeliverable: 火炬动态",
        ),
        "hard",
        "5.1.10",
    ),
    Form(
        "gmail",
        dsn(
            "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            recipient(
                "failed",
                "5.1.1",
                "550-5.1.1 The email account that you tried to reach does not exist.\n 550 5.1.1 https://support.test",
            ),
            "Address not found",
            subject="Delivery Status Notification (Failure)",
        ),
        "hard",
        "5.1.1",
    ),
    Form(
        "gmail, over a limit of ours",
        dsn(
            "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            recipient("failed", "4.7.28", "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail"),
            "Message blocked",
        ),
        "block",
        "4.7.28",
    ),
    Form(
        "qmail",
        plain(
            "MAILER-DAEMON@qmail.test",
            "failure notice",
            "Hi. This is the qmail-send program at qmail.test.\nI'm afraid I wasn't able to deliver your message to the"
            " following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n"
            "<{reader}>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
            "--- Below this line is a copy of the message.\n\n"
            "{original}",
        ),
        "hard",
        "5.1.1",
        "no mailbox",
    ),
    Form(
        "qmail, full",
        plain(
            "MAILER-DAEMON@qmail.test",
            "failure notice",
            "Hi. This is the qmail-send program at qmail.test.\n\n"
            "<{reader}>:\nThe user's mailbox is over quota. (#5.2.2)\n",
        ),
        "soft",
        "5.2.2",
    ),
    Form(
        "exchange of old",
        plain(
            "System Administrator <postmaster@old.test>",
            "Undeliverable: digest",
            "Your message\n\n  To:      {reader}\n\ndid not reach the following recipient(s):\n\n"
            "{reader} on Tue, 15 Mar\n"
            "    The recipient name is not recognized\n    MSEXCH:IMS:KNOT:OLD:MAIL 0 (000C05A6) Unknown Recipient\n",
        ),
        "hard",
    ),
    Form(
        "qq",
        plain(
            "PostMaster <PostMaster@qq.com>",
            "=?utf-8?b?57O757uf6YCA5L+h?=",
            "<html><body><p>抱歉,您的邮件被退回来了……</p><table><tr><td>收件人</td><td>{reader}</td></tr><tr>"
            "<td>退信原因</td><td>收件人邮件地址({reader})不存在,邮件无法送达。</td></tr><tr><td></td>"
            "<td>host mx3.qq.com[192.0.2.3] said:"
            " 550 Mailbox not found.</td></tr></table></body></html>",
            kind="text/html",
        ),
        "hard",
    ),
    Form(
        "qq, too many",
        plain(
            "PostMaster <PostMaster@qq.com>",
            "=?utf-8?b?57O757uf6YCA5L+h?=",
            "您的邮件被退回来了。\n退信原因:\n发信频率过高 550 Connection frequency limited.\n",
        ),
        "block",
    ),
    Form(
        "163",
        plain(
            "postmaster@163.com",
            "系统退信/Systems bounce",
            "抱歉,您的邮件被退回来了\n原邮件信息: 收件人: {reader}\n"
            "退信原因: 收件人邮箱地址({reader})不存在,邮件无法送达。\n"
            "SMTP error, RCPT TO: Host example.com said: 550 User not found: {reader}\n",
        ),
        "hard",
    ),
    Form(
        "163, full",
        plain(
            "postmaster@163.com",
            "系统退信/Systems bounce",
            "退信原因: 收件人邮箱已满\n"
            "SMTP error, DATA: Host example.com said: 552 Quota exceeded or service disabled.\n",
        ),
        "soft",
    ),
    Form(
        "163, unwelcome",
        plain(
            "postmaster@163.com",
            "系统退信",
            "退信原因: 邮件被对方服务器拒收\nHost example.com said: 554 DT:SPM 垃圾邮件 please see http://mail.163.test\n",
        ),
        "block",
    ),
    Form(
        "a reader's vacation",
        plain("=?utf-8?b?5p2O?= <li@example.com>", "自动回复: 火炬动态", "我在休假。 550 5.1.1 User unknown"),
        "automatic",
    ),
    Form(
        "sieve's vacation",
        plain(
            "li@example.com",
            "Auto: 火炬动态",
            "My mailbox does not exist any more.",
            more="Auto-Submitted: auto-replied\n",
        ),
        "automatic",
    ),
    Form(
        "a receipt",
        "From: li@example.com\nTo: {to}\nSubject: Read: digest\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\n\n--b\n\nread\n--b\n'
        "Content-Type: message/disposition-notification\n\nDisposition: manual-action; displayed\n--b--\n",
        "automatic",
    ),
    Form("somebody writes", plain("li@example.com", "你们好", "请问如何订阅其他园区?"), "unknown"),
]


def complaint(kind: str = "abuse", *, original: str = "{original}") -> str:
    """RFC 5965."""
    return (
        "From: <feedback@isp.test>\nTo: abuse@bulletin.test\nSubject: FW: digest\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="arf"\n\n'
        "--arf\nContent-Type: text/plain\n\n"
        "This is an email abuse report.\n\n--arf\nContent-Type: message/feedback-report\n\n"
        f"Feedback-Type: {kind}\nUser-Agent: SomeGenerator/1.0\nVersion: 1\n\n"
        f"--arf\nContent-Type: message/rfc822\n\n{original}\nA digest.\n\n--arf--\n"
    )
