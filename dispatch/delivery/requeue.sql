-- name: retryable
SELECT d.id, d.state, d.message_id, COALESCE(m.state, '') AS message_state, COALESCE(m.channel, '') AS channel,
       i.state AS issue_state, i.ref, d.endpoint_id, COALESCE(e.state, 'gone') AS endpoint_state,
       COALESCE(e.reason, '') AS endpoint_reason,
       (SELECT COUNT(*) FROM cancels x WHERE x.issue_id = i.id AND x.column_position IN (-1, g.column_position)
        AND x.channel IN ('', m.channel)) AS cancels
FROM deliveries d
JOIN digests g ON g.id = d.digest_id
JOIN issues i ON i.id = g.issue_id
LEFT JOIN messages m ON m.id = d.message_id
LEFT JOIN endpoints e ON e.id = d.endpoint_id
WHERE d.id = :id

-- name: candidates
-- What ended unsent before this began, in a slice of a digest's deliveries; of an issue that may still be sent.
-- Whether the endpoint may be written to is looked at afterwards: what is left out is counted.
SELECT d.id, d.message_id, m.channel, d.reason, COALESCE(e.state, 'gone') AS endpoint_state
FROM deliveries d
JOIN digests g ON g.id = d.digest_id
JOIN issues i ON i.id = g.issue_id
JOIN messages m ON m.id = d.message_id
LEFT JOIN endpoints e ON e.id = d.endpoint_id
WHERE d.digest_id = :digest AND d.endpoint_id > :low AND d.endpoint_id <= :high
  AND d.state IN ('failed', 'expired') AND m.state IN ('failed', 'expired') AND d.ended_at <= :now
  AND i.state <> 'cancelled' AND NOT EXISTS (SELECT 1 FROM cancels x WHERE x.issue_id = i.id AND x.column_position IN (-1, g.column_position)
                  AND x.channel IN ('', m.channel))
ORDER BY d.endpoint_id

-- name: waiting
-- What was tried and is to be tried again later, in a slice of a digest's deliveries. What waits for its first time does
-- so by the reader's own wish.
SELECT d.id, d.message_id, m.channel, m.reason, COALESCE(e.state, 'gone') AS endpoint_state
FROM deliveries d
JOIN digests g ON g.id = d.digest_id
JOIN issues i ON i.id = g.issue_id
JOIN messages m ON m.id = d.message_id
LEFT JOIN endpoints e ON e.id = d.endpoint_id
WHERE d.digest_id = :digest AND d.endpoint_id > :low AND d.endpoint_id <= :high
  AND d.state = 'planned' AND m.state = 'queued' AND m.attempts > 0 AND m.due_at > :now
  AND i.state <> 'cancelled' AND NOT EXISTS (SELECT 1 FROM cancels x WHERE x.issue_id = i.id AND x.column_position IN (-1, g.column_position)
                  AND x.channel IN ('', m.channel))
ORDER BY d.endpoint_id

-- name: hasten
-- Its attempts and the time it is worth sending for stay what they are.
UPDATE messages SET due_at = :now WHERE id IN (:ids) AND state = 'queued' AND due_at > :now

-- name: requeue
UPDATE messages SET state = 'queued', due_at = :now, expires_at = :expires_at, attempts = 0, ended_at = NULL
WHERE id IN (:ids) AND state IN ('failed', 'expired', 'queued')

-- name: replan
-- All of a message: what a bundle holds goes together.
UPDATE deliveries SET state = 'planned', reason = '', ended_at = NULL
WHERE message_id IN (:ids) AND state IN ('failed', 'expired')
