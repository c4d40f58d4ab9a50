"""`dispatch doctor` at the terminal."""

from __future__ import annotations

import asyncio
import logging

import pytest

from dispatch.testing.smtp import SmtpSink
from tests.cli.conftest import Office


async def test_the_log_does_not_stand_between_the_findings(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async with SmtpSink() as sink:
        monkeypatch.setenv("DISPATCH_EMAIL__HOST", sink.host)
        monkeypatch.setenv("DISPATCH_EMAIL__PORT", str(sink.port))
        monkeypatch.setenv("DISPATCH_EMAIL__SECURITY", "none")
        monkeypatch.setenv("DISPATCH_EMAIL__FROM_ADDRESS", "news@x.test")
        done = await asyncio.to_thread(office, "doctor")
    assert "takes a session" in done.stdout
    assert "INFO" not in done.output
    assert logging.getLogger("dispatch").level == logging.NOTSET
