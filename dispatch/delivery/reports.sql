-- name: deliveries
-- The place in braces takes those of the filters below that are asked for.
SELECT d.id, d.digest_id, i.bulletin, i.ref, c.name AS column_name, g.part, g.parts, d.endpoint_id, s.id AS subscriber_id,
       COALESCE(s.name, '') AS name, COALESCE(e.channel, m.channel) AS channel, COALESCE(e.address, '') AS address,
       d.state, CASE WHEN d.state = 'planned' AND d.reason = '' THEN COALESCE(m.reason, '') ELSE d.reason END AS reason,
       d.variant, d.planned_at, d.ended_at, m.due_at
FROM deliveries d
JOIN digests g ON g.id = d.digest_id
JOIN issues i ON i.id = g.issue_id
JOIN columns c ON c.issue_id = g.issue_id AND c.position = g.column_position
LEFT JOIN messages m ON m.id = d.message_id
LEFT JOIN endpoints e ON e.id = d.endpoint_id
LEFT JOIN subscribers s ON s.id = e.subscriber_id
WHERE {filter}
ORDER BY d.id

-- name: filter_id
d.id = :id

-- name: filter_issue
d.digest_id IN (SELECT f.id FROM digests f WHERE f.issue_id = :issue)

-- name: filter_state
d.state = :state

-- name: filter_channel
COALESCE(e.channel, m.channel) = :channel

-- name: filter_endpoint
d.endpoint_id = :endpoint

-- name: filter_address
d.endpoint_id IN (SELECT f.id FROM endpoints f WHERE f.address = :address)

-- name: filter_all
d.id > 0

-- name: message
SELECT m.* FROM messages m JOIN deliveries d ON d.message_id = m.id WHERE d.id = :id

-- name: attempts
SELECT number, part, lane, started_at, duration_ms, outcome, code, detail FROM attempts WHERE message_id = :id ORDER BY id

-- name: summary
SELECT COALESCE(e.channel, m.channel) AS channel, d.state, COUNT(*) AS deliveries
FROM deliveries d
JOIN digests g ON g.id = d.digest_id
LEFT JOIN messages m ON m.id = d.message_id
LEFT JOIN endpoints e ON e.id = d.endpoint_id
WHERE {filter}
GROUP BY 1, 2 ORDER BY 1, 2

-- name: reasons
SELECT d.state, CASE WHEN d.reason = '' THEN COALESCE(m.reason, '') ELSE d.reason END AS reason, COUNT(*) AS deliveries
FROM deliveries d JOIN digests g ON g.id = d.digest_id LEFT JOIN messages m ON m.id = d.message_id
WHERE {filter} AND d.state <> 'sent'
GROUP BY 1, 2 HAVING CASE WHEN d.reason = '' THEN COALESCE(m.reason, '') ELSE d.reason END <> ''
ORDER BY 3 DESC LIMIT 10

-- name: retryable
SELECT d.id, d.state, d.message_id, m.state AS message_state, m.channel
FROM deliveries d JOIN messages m ON m.id = d.message_id WHERE d.id = :id

-- name: failed
SELECT DISTINCT d.message_id, m.channel FROM deliveries d JOIN messages m ON m.id = d.message_id
WHERE d.state IN ('failed', 'expired') AND m.state IN ('failed', 'expired')

-- name: requeue
UPDATE messages SET state = 'queued', due_at = :now, expires_at = :expires_at, attempts = 0, ended_at = NULL
WHERE id = :id AND state IN ('failed', 'expired', 'queued')

-- name: replan
UPDATE deliveries SET state = 'planned', reason = '', ended_at = NULL
WHERE message_id = :id AND state IN ('failed', 'expired')

-- name: reopen_issues
UPDATE issues SET state = 'sending', ended_at = NULL
WHERE state = 'sent' AND id IN (
  SELECT g.issue_id FROM digests g JOIN deliveries d ON d.digest_id = g.id WHERE d.state = 'planned')
