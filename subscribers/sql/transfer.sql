-- name: at_mailboxes
-- Who has these mailboxes, in whatever case they are written.
SELECT e.id, e.subscriber_id, e.channel, e.address, e.state, e.reason, s.removed_at
FROM endpoints e JOIN subscribers s ON s.id = e.subscriber_id
WHERE e.channel = 'email' AND lower(e.address) IN (:addresses)

-- name: at_addresses
SELECT e.id, e.subscriber_id, e.channel, e.address, e.state, e.reason, s.removed_at
FROM endpoints e JOIN subscribers s ON s.id = e.subscriber_id
WHERE e.channel = :channel AND e.address IN (:addresses)

-- name: follows_of
SELECT endpoint_id, tag FROM follows WHERE endpoint_id IN (:ids)

-- name: highest_id_sqlite
-- SQLite: ids go on after the highest that ever was.
SELECT seq FROM sqlite_sequence WHERE name = :table

-- name: take_ids_postgresql
-- PostgreSQL: ids that nobody else gets.
SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :count)

-- name: add_subscriber
INSERT INTO subscribers (id, name, created_at) VALUES (:id, :name, :created_at)

-- name: add_endpoint
INSERT INTO endpoints (id, subscriber_id, channel, address, queue, secret, state, reason, consent, language, format, bundled,
                       rhythm_id, created_at, changed_at)
VALUES (:id, :subscriber_id, :channel, :address, :queue, :secret, :state, :reason, :consent, :language, :format, :bundled,
        :rhythm_id, :created_at, :now)

-- name: set_consented_at
-- On its own, as few rows have all of these times: rows without NULL go in by one statement.
UPDATE endpoints SET consented_at = :consented_at WHERE id = :id

-- name: set_paused_until
UPDATE endpoints SET paused_until = :paused_until WHERE id = :id

-- name: state
SELECT (SELECT MAX(id) FROM audit), (SELECT MAX(id) FROM endpoints), (SELECT MAX(id) FROM subscribers),
       (SELECT COUNT(*) FROM suppressions)
