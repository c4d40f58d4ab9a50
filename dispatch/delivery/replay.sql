-- name: of_delivery
SELECT message_id FROM deliveries WHERE id = :id

-- name: message
SELECT m.id, m.kind, m.state, m.channel, m.endpoint_id, m.provider_id, m.due_at,
       COALESCE(e.state, 'gone') AS endpoint_state, COALESCE(e.reason, '') AS endpoint_reason,
       COALESCE(e.language, '') AS language, COALESCE(e.format, '') AS format, COALESCE(e.queue, '') AS queue,
       COALESCE(e.channel, '') AS endpoint_channel
FROM messages m LEFT JOIN endpoints e ON e.id = m.endpoint_id WHERE m.id = :id

-- name: owed
-- What a message was made of, in the order in which it was planned.
SELECT d.id, d.digest_id, d.variant, d.revision, d.state FROM deliveries d WHERE d.message_id = :id ORDER BY d.id

-- name: cancelled
-- Whether all of it is still there to be sent.
SELECT i.ref FROM deliveries d
JOIN digests g ON g.id = d.digest_id
JOIN issues i ON i.id = g.issue_id
WHERE d.message_id = :id AND (i.state = 'cancelled' OR EXISTS (
  SELECT 1 FROM cancels x WHERE x.issue_id = i.id AND x.column_position IN (-1, g.column_position)
    AND x.channel IN ('', :channel)))
LIMIT 1

-- name: made
SELECT COUNT(*) FROM messages WHERE key >= :low AND key < :high

-- name: waiting
SELECT id FROM messages WHERE key >= :low AND key < :high AND state IN ('queued', 'paused', 'sending') LIMIT 1

-- name: of_endpoint
-- Messages of an endpoint: those of its deliveries, and those whose keys name it. No index has messages by endpoint.
SELECT DISTINCT d.message_id AS id FROM deliveries d WHERE d.endpoint_id = :endpoint AND d.message_id IS NOT NULL
UNION
SELECT m.id FROM messages m WHERE m.key >= :low AND m.key < :high
UNION
SELECT m.id FROM messages m
WHERE m.key >= 'correction:' AND m.key < 'correction;' AND m.endpoint_id = :endpoint

-- name: attempts
-- The newest come first.
SELECT a.id, a.message_id, a.number, a.part, a.lane, a.started_at, a.duration_ms, a.outcome, a.code, a.detail,
       m.kind, m.state, m.due_at, m.provider_id
FROM attempts a JOIN messages m ON m.id = a.message_id
WHERE a.message_id IN (:ids) ORDER BY a.id DESC LIMIT :limit

-- name: unsent
-- What waits and was not tried yet, or is to be tried again.
SELECT id, kind, state, due_at, attempts, reason FROM messages
WHERE id IN (:ids) AND state IN ('queued', 'paused', 'sending') ORDER BY due_at, id LIMIT :limit

-- name: digests
SELECT d.message_id, d.id AS delivery, i.bulletin, i.ref, c.name AS column_name
FROM deliveries d
JOIN digests g ON g.id = d.digest_id
JOIN issues i ON i.id = g.issue_id
JOIN columns c ON c.issue_id = g.issue_id AND c.position = g.column_position
WHERE d.message_id IN (:ids) ORDER BY d.id
