"""Mail over TLS with a log-in, to a server whose certificate is trusted, and to one whose is not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

import pytest

from dispatch.testing import SmtpSink
from dispatch.testing.certificate import CERTIFICATE
from tests.acceptance.conftest import SAMPLE, Command


def environment(folder: Path, sink: SmtpSink, security: str) -> dict[str, str]:
    (folder / "trusted.pem").write_text(CERTIFICATE, encoding="ascii")
    return {
        "DISPATCH_DATABASE__URL": f"sqlite:///{folder / 'work.db'}",
        "DISPATCH_EMAIL__HOST": "localhost",
        "DISPATCH_EMAIL__PORT": str(sink.port),
        "DISPATCH_EMAIL__SECURITY": security,
        "DISPATCH_EMAIL__USERNAME": "sender",
        "DISPATCH_EMAIL__PASSWORD": "hunter2",
        "DISPATCH_EMAIL__FROM_ADDRESS": "news@bulletin.test",
        "SSL_CERT_FILE": str(folder / "trusted.pem"),
    }


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_goes_out_over_tls_after_the_log_in(tmp_path: Path, security: Literal["starttls", "tls"]) -> None:
    async with SmtpSink(security=security, username="sender", password="hunter2") as sink:
        dispatch = Command(tmp_path, environment(tmp_path, sink, security))
        await asyncio.to_thread(prepared, dispatch)
        await asyncio.to_thread(dispatch, "issues", "send", "534")
        assert len(sink.messages) == 1
        assert "takes a session" in (await asyncio.to_thread(dispatch, "doctor")).out


async def test_a_certificate_that_nobody_vouches_for_gets_neither_mail_nor_password(tmp_path: Path) -> None:
    async with SmtpSink(security="tls", username="sender", password="hunter2") as sink:
        dispatch = Command(tmp_path, environment(tmp_path, sink, "tls"))
        await asyncio.to_thread(prepared, dispatch)
        done = await asyncio.to_thread(dispatch, "issues", "send", "534", expect=1, SSL_CERT_FILE="")
        assert "certificate" in done.err
        assert "hunter2" not in done.err + done.out
        assert sink.messages == []


async def test_a_wrong_password_is_the_relays_outage_and_loses_nobody(tmp_path: Path) -> None:
    async with SmtpSink(security="starttls", username="sender", password="hunter3") as sink:
        dispatch = Command(tmp_path, environment(tmp_path, sink, "starttls"))
        await asyncio.to_thread(prepared, dispatch)
        done = await asyncio.to_thread(dispatch, "issues", "send", "534", expect=1)
        assert "login" in done.err
        assert "hunter2" not in done.err + done.out
        [row] = (await asyncio.to_thread(dispatch, "deliveries", "list", "--json")).json
        assert row["state"] == "planned"


def prepared(dispatch: Command) -> None:
    dispatch("subscribers", "add", "--email", "a@x.test", "--follow", "park:南昌高新区", "--confirmed")
    dispatch("ingest", str(SAMPLE))
