"""The program as it sends by email to a relay: the real channel, engine, ledger and links, and the test as its
administrator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from dispatch.channels.email import EmailChannel
from dispatch.channels.registry import address as checked
from dispatch.delivery.engine import Engine, Summary
from dispatch.delivery.lanes import LaneState, states
from dispatch.delivery.ledger import installation
from dispatch.delivery.store import Store
from dispatch.links import Addressing, Links
from dispatch.settings import EmailSettings, EngineSettings, Settings
from subscribers import directory
from subscribers.model import Preferences
from subscribers.tokens import Signer
from tests.acts import at
from tests.delivery.conftest import Desk
from tests.faults.office import LONGEST_REST, quick, shared_renderer

SENDER = "news@bulletin.test"
LANE = "email:default"


class Sending:
    """An installation whose relay is set by `relay`, the settings of `[email]`."""

    def __init__(self, folder: Path, **relay: object) -> None:
        self.desk = Desk(folder / "ledger.db")
        self.relay = relay
        quick(self.desk.db)

    def readers(self, *addresses: str, name: str = "") -> None:
        """Add readers of everything."""
        settings, desk = self._settings(), self.desk
        with desk.db.transaction():
            for address in addresses:
                directory.add(
                    desk.db,
                    name=name,
                    addresses=[checked("email", address, settings)],
                    follows=("all",),
                    preferences=Preferences(),
                    consent="test",
                    act=at(desk.clock.now()),
                )

    async def send(self, *titles: str) -> Summary:
        """Publish an issue of one column with these articles, and run the engine once."""
        self.desk.issue({"园区发展": titles or ("red",)})
        self.desk.plan()
        return await self.run()

    async def run(self) -> Summary:
        """One run of the engine to its end, as the program is started anew."""
        async with self._engine() as engine:
            return await engine.drain()

    async def run_later(self) -> Summary:
        """One run when every rest of a lane and every wait of a message is over."""
        self.desk.clock.ms += 10 * LONGEST_REST
        return await self.run()

    def states(self) -> dict[str, str]:
        """The state of each delivery, by address."""
        return {key.rpartition(" ")[0]: state for key, state in self.desk.states().items()}

    def attempts(self, address: str) -> list[tuple[str, str, str]]:
        """(outcome, code, words) of what was tried for an address."""
        rows = self.desk.db.all(
            "SELECT a.outcome, a.code, a.detail FROM attempts a JOIN messages m ON m.id = a.message_id"
            " JOIN endpoints e ON e.id = m.endpoint_id WHERE e.address = :address ORDER BY a.id",
            {"address": address},
        )
        return [(row["outcome"], row["code"], row["detail"]) for row in rows]

    def endpoint_state(self, address: str) -> str:
        return str(self.desk.db.value("SELECT state FROM endpoints WHERE address = :address", {"address": address}))

    def lane(self) -> LaneState:
        return states(self.desk.db, [LANE])[LANE]

    def close(self) -> None:
        self.desk.db.close()

    def _settings(self) -> Settings:
        plain = {"from_address": SENDER, "from_name": "火炬动态", "security": "none", "timeout": 20, "connections": 4}
        return Settings(email=EmailSettings.model_validate(plain | self.relay))

    @asynccontextmanager
    async def _engine(self) -> AsyncIterator[Engine]:
        settings, now = self._settings(), self.desk.clock.now()
        channel = EmailChannel(settings.email, shared_renderer(None))
        async with Store(lambda: quick(self.desk.connect())) as store:
            links = await store.call(lambda db: Links("", SENDER, Signer.load(db, now)))
            addressing = Addressing(settings, links, lambda tag, language: tag, await store.call(installation))
            engine = EngineSettings(poll=0.05, shutdown=5)
            try:
                yield Engine(
                    store, {"email": channel}, engine, self.desk.clock, addressing.envelope, lambda bulletin: ""
                )
            finally:
                await channel.close()
