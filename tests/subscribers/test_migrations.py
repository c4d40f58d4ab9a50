"""A store of an older version keeps what is known of its people."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dispatch import archive
from subscribers import proof
from subscribers.database import SCHEMA, Database, Schema


@pytest.fixture
def first_version(tmp_path: Path) -> Schema:
    folder = tmp_path / "migrations"
    folder.mkdir()
    shutil.copy(SCHEMA.folder / "0001_initial.sql", folder)
    return Schema(SCHEMA.component, folder)


def test_consent_and_leaving_from_before_are_steps_on_record(database_url: str, first_version: Schema) -> None:
    old = Database.open(database_url, (first_version,))
    with old.transaction():
        old.run("INSERT INTO subscribers (name, created_at) VALUES ('', 1)")
        old.run(
            "INSERT INTO rhythms (cadence, weekday, minute, timezone, quiet_from, quiet_until)"
            " VALUES ('now', -1, -1, 'Asia/Shanghai', -1, -1)"
        )
        for address, state, reason, consent in (
            ("in@x.test", "active", "", "in writing"),
            ("out@x.test", "suppressed", "unsubscribed by the reader", "in writing"),
            ("bounced@x.test", "suppressed", "550 unknown", ""),
            ("asked@x.test", "pending", "", ""),
        ):
            old.run(
                "INSERT INTO endpoints (subscriber_id, channel, address, queue, state, reason, consent, consented_at,"
                " language, format, bundled, rhythm_id, created_at, changed_at) VALUES (1, 'email', :address, 'email',"
                " :state, :reason, :consent, 5, 'zh', 'full', 0, 1, 3, 9)",
                {"address": address, "state": state, "reason": reason, "consent": consent},
            )
    old.close()
    db = Database.open(database_url, (SCHEMA, archive.SCHEMA))
    try:
        ids = [row["id"] for row in db.all("SELECT id FROM endpoints ORDER BY id")]
        found = [[(step.step, step.at, step.basis) for step in proof.proofs(db, id_)] for id_ in ids]
        given, left = ("given", 5, "in writing"), ("withdrawn", 9, "unsubscribed by the reader")
        assert found == [[given], [given, left], [], []]
    finally:
        db.close()
