"""The ledger's own thread: one connection, one writer, and an event loop that never waits for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

from subscribers.database import Database

P = ParamSpec("P")
T = TypeVar("T")


class Store:
    """Runs functions that take a Database, one after the other, in a thread that owns the connection."""

    def __init__(self, connect: Callable[[], Database]) -> None:
        self._connect = connect
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._database: Database | None = None

    async def __aenter__(self) -> Store:
        self._database = await self._run(self._connect)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._database is not None:
            await self._run(self._database.close)
        self._thread.shutdown()

    async def call(self, function: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`function(database, *args, **kwargs)`. A caller that is cancelled leaves the work to end by itself."""
        database = self._database
        if database is None:
            raise RuntimeError("the store is not open")
        return await self._run(lambda: function(database, *args, **kwargs))

    async def _run(self, work: Callable[[], T]) -> T:
        future: asyncio.Future[Any] = asyncio.get_running_loop().run_in_executor(self._thread, work)
        result: T = await asyncio.shield(future)
        return result
