-- Each query counts one slice of a digest's deliveries. Where a message is gone after its time of keeping, what the
-- delivery itself and its endpoint say is left.

-- name: standings
-- `attempts` are those since the message was last queued.
SELECT COALESCE(m.channel, e.channel, '') AS channel, d.state, COALESCE(m.state, '') AS message_state,
       COALESCE(m.attempts, 0) AS attempts, COUNT(*) AS deliveries, MIN(d.planned_at) AS planned_from,
       MAX(d.planned_at) AS planned_to
FROM deliveries d
LEFT JOIN messages m ON m.id = d.message_id
LEFT JOIN endpoints e ON e.id = d.endpoint_id
WHERE d.digest_id = :digest AND d.endpoint_id > :low AND d.endpoint_id <= :high
GROUP BY COALESCE(m.channel, e.channel, ''), d.state, COALESCE(m.state, ''), COALESCE(m.attempts, 0)

-- name: sent_seconds
SELECT COALESCE(m.channel, e.channel, '') AS channel, d.ended_at / 1000 AS second, COUNT(*) AS deliveries
FROM deliveries d
LEFT JOIN messages m ON m.id = d.message_id
LEFT JOIN endpoints e ON e.id = d.endpoint_id
WHERE d.digest_id = :digest AND d.endpoint_id > :low AND d.endpoint_id <= :high AND d.state = 'sent'
GROUP BY COALESCE(m.channel, e.channel, ''), d.ended_at / 1000

-- name: latencies
-- From due to sent in ms, to three digits, of what went at the first attempt.
SELECT l.channel, CASE WHEN l.ms < 1000 THEN l.ms
                       WHEN l.ms < 10000 THEN l.ms / 10 * 10
                       WHEN l.ms < 100000 THEN l.ms / 100 * 100
                       WHEN l.ms < 1000000 THEN l.ms / 1000 * 1000
                       WHEN l.ms < 10000000 THEN l.ms / 10000 * 10000
                       WHEN l.ms < 100000000 THEN l.ms / 100000 * 100000
                       ELSE l.ms / 1000000 * 1000000 END AS ms, COUNT(*) AS deliveries
FROM (SELECT m.channel, d.ended_at - m.due_at AS ms
      FROM deliveries d JOIN messages m ON m.id = d.message_id
      WHERE d.digest_id = :digest AND d.endpoint_id > :low AND d.endpoint_id <= :high AND d.state = 'sent'
        AND m.attempts <= 1) l
GROUP BY l.channel, CASE WHEN l.ms < 1000 THEN l.ms
                         WHEN l.ms < 10000 THEN l.ms / 10 * 10
                         WHEN l.ms < 100000 THEN l.ms / 100 * 100
                         WHEN l.ms < 1000000 THEN l.ms / 1000 * 1000
                         WHEN l.ms < 10000000 THEN l.ms / 10000 * 10000
                         WHEN l.ms < 100000000 THEN l.ms / 100000 * 100000
                         ELSE l.ms / 1000000 * 1000000 END

-- name: sent_later
-- What went at a later attempt: `due_at` is that attempt's by now, and `expires_at` tells the first.
SELECT m.channel, d.planned_at, d.ended_at, m.due_at, m.expires_at
FROM deliveries d JOIN messages m ON m.id = d.message_id
WHERE d.digest_id = :digest AND d.endpoint_id > :low AND d.endpoint_id <= :high AND d.state = 'sent' AND m.attempts > 1

-- name: reasons
SELECT d.state, m.state AS message_state,
       CASE WHEN d.reason = '' THEN COALESCE(m.reason, '') ELSE d.reason END AS reason, COUNT(*) AS deliveries
FROM deliveries d LEFT JOIN messages m ON m.id = d.message_id
WHERE d.digest_id = :digest AND d.endpoint_id > :low AND d.endpoint_id <= :high AND d.state <> 'sent'
GROUP BY d.state, m.state, CASE WHEN d.reason = '' THEN COALESCE(m.reason, '') ELSE d.reason END

-- name: attempts
-- A bundle's attempts count with the first of its deliveries in the issue.
SELECT m.channel, a.outcome, a.code, COUNT(*) AS attempts, SUM(a.duration_ms) AS busy_ms
FROM deliveries d
JOIN messages m ON m.id = d.message_id
JOIN attempts a ON a.message_id = m.id
WHERE d.digest_id = :digest AND d.endpoint_id > :low AND d.endpoint_id <= :high
  AND (m.kind <> 'bundle' OR NOT EXISTS (
    SELECT 1 FROM deliveries f JOIN digests g ON g.id = f.digest_id JOIN digests h ON h.id = d.digest_id
    WHERE f.message_id = m.id AND g.issue_id = h.issue_id AND f.id < d.id))
GROUP BY m.channel, a.outcome, a.code
