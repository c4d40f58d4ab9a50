"""Issues as attachments of mails, on a real IMAP server."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from dispatch import mime
from dispatch.settings import ImapSource
from dispatch.sources.mailbox import Mailbox
from dispatch.sources.source import Memory, Trouble
from tests.bounces.test_places import ImapServer, imap_server
from tests.sources.site import FakeClock, look

__all__ = ["imap_server"]


def mail(*files: tuple[str, bytes], sender: str = "编辑 <editor@example.org>") -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, "bulletin@example.org", "第5期"
    made.set_content("请查收。")
    for name, data in files:
        made.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes()


def mailbox(server: ImapServer, max_bytes: int = 100_000, password: str = "hunter2") -> Mailbox:
    settings = ImapSource.model_validate(
        {
            "name": "mail",
            "host": "localhost",
            "port": server.tls,
            "username": "li",
            "password": password,
            "senders": ["*@Example.org"],
        }
    )
    return Mailbox(settings, seconds=30, max_bytes=max_bytes)


async def test_attachments_are_taken_once_over_restarts_and_nothing_is_changed(imap_server: ImapServer) -> None:
    clock, memory = FakeClock(), Memory()
    imap_server.append(
        mail(("火炬动态第5期.md", b"# issue 5"), ("logo.png", b"\x89PNG")),
        mail(("x.md", b"# from a stranger"), sender="editor@example.org.evil.test"),
        mail(),
    )
    done = await look(mailbox(imap_server), memory, clock)
    assert done.taken == {"mail: 火炬动态第5期.md": b"# issue 5"}
    assert [flags.replace("\\Recent", "").strip() for flags in imap_server.flags()] == ["", "", ""]
    assert (await look(mailbox(imap_server), memory, clock)).taken == {}
    imap_server.append(mail(("again.md", b"# issue 5")), mail(("6.md", b"# issue 6")))
    assert (await look(mailbox(imap_server), memory, clock)).taken == {"mail: 6.md": b"# issue 6"}


async def test_the_first_look_leaves_out_what_was_read_and_later_ones_do_not(imap_server: ImapServer) -> None:
    clock, memory = FakeClock(), Memory()
    imap_server.append(mail(("old.md", b"old")), mail(("new.md", b"new")))
    client = imap_server.client()
    client.store("1", "+FLAGS", r"\Seen")
    client.logout()
    assert list((await look(mailbox(imap_server), memory, clock)).taken) == ["mail: new.md"]
    imap_server.append(mail(("later.md", b"later")))
    client = imap_server.client()
    client.store("3", "+FLAGS", r"\Seen")  # somebody reads the mail before the next look
    client.logout()
    assert list((await look(mailbox(imap_server), memory, clock)).taken) == ["mail: later.md"]


async def test_an_attachment_that_is_too_large_is_refused_and_no_other_for_it(imap_server: ImapServer) -> None:
    imap_server.append(mail(("big.md", b"x" * 3000), ("small.md", b"small")))
    done = await look(mailbox(imap_server, max_bytes=1000), Memory(), FakeClock())
    assert list(done.taken) == ["mail: small.md"]
    assert "more than 1000 bytes" in done.refused["mail: big.md"]


async def test_a_mail_of_more_parts_than_are_read_says_so(imap_server: ImapServer) -> None:
    count = mime.MOST_PARTS - 2  # the mail itself, and its text
    imap_server.append(mail(*((f"{number}.md", b"%d" % number) for number in range(count))))
    memory, clock = Memory(), FakeClock()
    done = await look(mailbox(imap_server), memory, clock)
    assert (len(done.taken), done.refused) == (count, {})
    imap_server.append(mail(*((f"{number}.md", b"again %d" % number) for number in range(count + 1))))
    done = await look(mailbox(imap_server), memory, clock)
    assert len(done.taken) == count
    assert list(done.refused) == ["mail: the mail '第5期'"]
    assert "only its first 60 parts" in done.refused["mail: the mail '第5期'"]
    assert (await look(mailbox(imap_server), memory, clock)).refused == {}


@pytest.mark.parametrize(("levels", "is_cut"), [(5, False), (6, True)])
def test_a_mail_that_is_nested_deeper_than_is_read_says_so(levels: int, is_cut: bool) -> None:
    text = "x"
    for level in range(levels):
        text = f"Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n{text}\n--b{level}--\n"
    assert mime.read(text.encode()).is_cut is is_cut


async def test_a_log_in_that_fails_is_trouble_without_the_password(imap_server: ImapServer) -> None:
    done = await look(mailbox(imap_server, password="hunter3"), Memory(), FakeClock())
    assert isinstance(done.error, Trouble)
    assert "hunter3" not in str(done.error)


async def test_another_mailbox_under_the_same_name_begins_anew(imap_server: ImapServer) -> None:
    imap_server.append(mail(("a.md", b"a")))
    memory = Memory(state={"of": "other@host/INBOX", "validity": "1", "uid": "999"})
    assert list((await look(mailbox(imap_server), memory, FakeClock())).taken) == ["mail: a.md"]


def test_names_of_files_as_programs_write_them() -> None:
    assert mime.file_name("attachment; filename*=UTF-8''%E7%81%AB%E7%82%AC.md") == "火炬.md"
    assert mime.file_name('attachment; filename="=?UTF-8?B?54Gr54KsLm1k?="') == "火炬.md"
    assert mime.file_name("attachment; filename=plain.md") == "plain.md"
    assert mime.file_name("attachment; filename*=nonsense''%ff") != "x"
    assert mime.file_name("inline") == ""
