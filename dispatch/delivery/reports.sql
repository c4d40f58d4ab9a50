-- name: deliveries
-- The place in braces takes those of the filters below that are asked for. What was sent before revisions were counted
-- was of the first that was out.
SELECT d.id, d.digest_id, i.bulletin, i.ref, c.name AS column_name, g.part, g.parts, d.endpoint_id, s.id AS subscriber_id,
       COALESCE(s.name, '') AS name, COALESCE(e.channel, m.channel, '') AS channel, COALESCE(e.address, '') AS address,
       d.state, CASE WHEN d.state = 'planned' AND d.reason = '' THEN COALESCE(m.reason, '') ELSE d.reason END AS reason,
       d.variant, d.planned_at, d.ended_at, m.due_at, m.state AS message_state, m.attempts, m.provider_id,
       (SELECT a.code FROM attempts a WHERE a.message_id = d.message_id ORDER BY a.id DESC LIMIT 1) AS last_code,
       CASE WHEN d.state <> 'sent' OR d.revision > 0 THEN d.revision
            ELSE COALESCE((SELECT MIN(r.revision) FROM revisions r WHERE r.issue_id = i.id AND r.layout <> ''), 0)
            END AS revision
FROM deliveries d
JOIN digests g ON g.id = d.digest_id
JOIN issues i ON i.id = g.issue_id
JOIN columns c ON c.issue_id = g.issue_id AND c.position = g.column_position
LEFT JOIN messages m ON m.id = d.message_id
LEFT JOIN endpoints e ON e.id = d.endpoint_id
LEFT JOIN subscribers s ON s.id = e.subscriber_id
WHERE {filter}
ORDER BY d.digest_id, d.endpoint_id

-- name: filter_id
d.id = :id

-- name: filter_digest
d.digest_id = :digest AND d.endpoint_id > :low AND d.endpoint_id <= :high

-- name: filter_endpoints
d.endpoint_id IN (:endpoints)

-- name: filter_issue
g.issue_id = :issue

-- name: filter_state
d.state = :state

-- name: filter_paused
d.state = 'planned' AND m.state = :paused

-- name: filter_channel
COALESCE(e.channel, m.channel, '') = :channel

-- name: endpoints_of
-- Of a subscriber, whether removed or not: the proof outlives them.
SELECT e.id FROM endpoints e WHERE e.subscriber_id = :id ORDER BY e.id

-- name: endpoint
-- One of which only the ledger knows is one, too.
SELECT e.id FROM endpoints e WHERE e.id = :id
UNION
SELECT d.endpoint_id FROM deliveries d WHERE d.endpoint_id = :id

-- name: endpoints_at
SELECT e.id FROM endpoints e WHERE e.address = :address
UNION
SELECT e.id FROM endpoints e WHERE e.channel = 'email' AND lower(e.address) = lower(:address)
ORDER BY 1

-- name: message
SELECT m.id, m.key, m.kind, m.state, m.queue, m.due_at, m.expires_at, m.lease_until, m.attempts, m.parts_done,
       m.provider_id, m.reason, m.epoch, m.created_at, m.paused_at
FROM messages m JOIN deliveries d ON d.message_id = m.id WHERE d.id = :id

-- name: attempts
SELECT number, part, lane, started_at, duration_ms, outcome, code, detail FROM attempts WHERE message_id = :id ORDER BY id

-- name: follows
-- What of the digest the endpoint follows today, and since when.
SELECT f.tag, MIN(f.created_at) AS created_at FROM deliveries d
JOIN digest_tags t ON t.digest_id = d.digest_id
JOIN follows f ON f.tag = t.tag AND f.endpoint_id = d.endpoint_id
WHERE d.id = :id GROUP BY f.tag ORDER BY f.tag

-- name: standing
-- What stands in a delivery's way: its issue, a part of it that is paused, its endpoint.
SELECT i.state AS issue_state, COALESCE(e.state, 'gone') AS endpoint_state, COALESCE(e.reason, '') AS endpoint_reason,
       (SELECT COUNT(*) FROM holds h WHERE h.issue_id = g.issue_id AND h.column_position IN (-1, g.column_position)
        AND h.channel IN ('', e.channel)) AS holds,
       (SELECT COUNT(*) FROM cancels x WHERE x.issue_id = g.issue_id AND x.column_position IN (-1, g.column_position)
        AND x.channel IN ('', e.channel)) AS cancels
FROM deliveries d
JOIN digests g ON g.id = d.digest_id
JOIN issues i ON i.id = g.issue_id
LEFT JOIN endpoints e ON e.id = d.endpoint_id
WHERE d.id = :id

-- name: lanes
SELECT name, breaker, rest_ms, not_before, changed_at, reason FROM lanes WHERE queue = :queue ORDER BY name
