"""A site that runs learns of new keys, and old links stay good."""

from __future__ import annotations

from subscribers.database import Database
from subscribers.tokens import Signer, rotate
from tests.web.conftest import NOW, Site


def _rotated(db: Database) -> Signer:
    with db.transaction():
        rotate(db, NOW)
    return Signer.load(db, NOW)


async def test_a_link_of_a_new_key_works_at_once_and_those_of_old_keys_still_do(site: Site) -> None:
    endpoint = await site.subscribe()
    old = site.path(endpoint)
    newer = await site.store.call(_rotated)
    new = f"/u/{newer.leave(endpoint)}"
    assert new != old
    for path in (new, old, new):
        response, _ = await site.get(path)
        assert response.status == 200
    assert site.path(endpoint) == new  # whoever shares the signer signs with the new key from now on
    response, _ = await site.post(new)
    assert response.status == 200
    assert await site.state(endpoint) == "suppressed"


async def test_a_post_by_a_link_of_a_new_key_acts_once(site: Site) -> None:
    endpoint = await site.subscribe()
    newer = await site.store.call(_rotated)
    response, _ = await site.post(f"/u/{newer.leave(endpoint)}")
    assert response.status == 200
    rows = await site.store.call(lambda db: db.all("SELECT action FROM audit WHERE subject = 'endpoint'"))
    assert [row["action"] for row in rows] == ["state"]


async def test_wrong_tokens_make_it_look_for_keys_now_and_then_only(site: Site) -> None:
    await site.subscribe()
    for _ in range(3):
        response, _ = await site.get("/u/Nw.wrong")
        assert response.status == 404
    newer = await site.store.call(_rotated)
    path = f"/u/{newer.leave(1)}"
    response, _ = await site.get(path)
    assert response.status == 404  # it looked less than five seconds ago
    site.clock.ticks += 5
    response, _ = await site.get(path)
    assert response.status == 200
    response, _ = await site.get("/nowhere")
    assert response.status == 404
