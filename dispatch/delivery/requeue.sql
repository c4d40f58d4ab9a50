-- name: retryable
SELECT d.id, d.state, d.message_id, COALESCE(m.state, '') AS message_state, COALESCE(m.channel, '') AS channel,
       i.state AS issue_state, i.ref
FROM deliveries d
JOIN digests g ON g.id = d.digest_id
JOIN issues i ON i.id = g.issue_id
LEFT JOIN messages m ON m.id = d.message_id
WHERE d.id = :id

-- name: candidates
-- What ended unsent before this began, in a slice of a digest's deliveries; of an issue that may still be sent.
SELECT d.id, d.message_id, m.channel, d.reason
FROM deliveries d
JOIN digests g ON g.id = d.digest_id
JOIN issues i ON i.id = g.issue_id
JOIN messages m ON m.id = d.message_id
WHERE d.digest_id = :digest AND d.endpoint_id > :low AND d.endpoint_id <= :high
  AND d.state IN ('failed', 'expired') AND m.state IN ('failed', 'expired') AND d.ended_at <= :now
  AND i.state <> 'cancelled'
ORDER BY d.endpoint_id

-- name: requeue
UPDATE messages SET state = 'queued', due_at = :now, expires_at = :expires_at, attempts = 0, ended_at = NULL
WHERE id IN (:ids) AND state IN ('failed', 'expired', 'queued')

-- name: replan
-- All of a message: what a bundle holds goes together.
UPDATE deliveries SET state = 'planned', reason = '', ended_at = NULL
WHERE message_id IN (:ids) AND state IN ('failed', 'expired')
