"""Listening."""

from __future__ import annotations

import errno
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from dispatch.errors import Failure

_KEEPALIVE_SECONDS = 75.0
_SHUTDOWN_SECONDS = 5.0


@asynccontextmanager
async def serve(
    app: web.Application, listen: str, *, what: str = "the web pages", setting: str = "[web] listen"
) -> AsyncIterator[str]:
    """Serve `app` at `HOST:PORT` until the end of the block; gives the address in use, which tells the port where
    0 was asked for. Requests under way have five seconds to end.

    Raises Failure where it cannot listen there: `what` cannot, and which `setting` says so.
    """
    host, _, port = listen.rpartition(":")
    runner = web.AppRunner(
        app,
        access_log=None,  # addresses hold tokens
        logger=_silent(),
        handle_signals=False,
        keepalive_timeout=_KEEPALIVE_SECONDS,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host.strip("[]"), int(port)).start()
        except OSError as error:
            raise _refused(error, listen, what, setting) from error
        yield f"{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _refused(error: OSError, listen: str, what: str, setting: str) -> Failure:
    taken = error.errno == errno.EADDRINUSE
    why = "another program listens there already" if taken else (error.strerror or str(error))
    return Failure(f"{what} cannot listen on {listen}: {why}; choose another {setting}")


def _silent() -> logging.Logger:
    """The framework logs request lines that it cannot read, tokens and all. Failures of pages are logged by `guard`."""
    logger = logging.Logger(__name__)
    logger.disabled = True
    return logger
