-- name: failed
-- Of an endpoint that is written to: what was under way when it was paused tells nothing new. A row of failures begins
-- anew after a pause.
INSERT INTO endpoint_health (endpoint_id, failing_since, failures, reached, failed_at, answer)
SELECT e.id, CAST(:now AS BIGINT), 1, CAST(:reached AS INTEGER), CAST(:now AS BIGINT), CAST(:answer AS TEXT)
FROM endpoints e WHERE e.id = :endpoint AND e.state = 'active'
ON CONFLICT (endpoint_id) DO UPDATE SET
  failing_since = CASE WHEN endpoint_health.failing_since IS NULL OR endpoint_health.paused_at IS NOT NULL
                       THEN excluded.failing_since ELSE endpoint_health.failing_since END,
  failures = CASE WHEN endpoint_health.failing_since IS NULL OR endpoint_health.paused_at IS NOT NULL
                  THEN 1 ELSE endpoint_health.failures + 1 END,
  reached = CASE WHEN endpoint_health.failing_since IS NULL OR endpoint_health.paused_at IS NOT NULL
                      OR excluded.reached > endpoint_health.reached
                 THEN excluded.reached ELSE endpoint_health.reached END,
  failed_at = excluded.failed_at, answer = excluded.answer, paused_at = NULL

-- name: well
UPDATE endpoint_health SET failing_since = NULL, failures = 0, reached = 0, sent_at = :now, paused_at = NULL
WHERE endpoint_id IN (:ids)

-- name: tested
INSERT INTO endpoint_health (endpoint_id, sent_at) VALUES (:endpoint, :now)
ON CONFLICT (endpoint_id) DO UPDATE SET failing_since = NULL, failures = 0, reached = 0, sent_at = excluded.sent_at,
                                        paused_at = NULL

-- name: only_failing
-- Active endpoints of which every attempt has failed for so long, and that nobody has changed since. Where nothing
-- has gone out to any receiver of the web for two days and none has answered, it is our own network that fails.
SELECT h.endpoint_id, h.failing_since, h.failures, h.answer
FROM endpoint_health h JOIN endpoints e ON e.id = h.endpoint_id
WHERE h.failing_since <= :before AND h.failures >= :least AND e.state = 'active' AND e.changed_at <= :before
  AND (h.reached = 1 OR EXISTS (
    SELECT 1 FROM lane_minutes m JOIN lanes l ON l.name = m.lane
    WHERE m.minute >= :minute AND m.sent > 0 AND l.queue NOT LIKE 'email%' AND l.queue NOT LIKE 'telegram%'))
ORDER BY h.endpoint_id LIMIT :page

-- name: paused
UPDATE endpoint_health SET paused_at = :now WHERE endpoint_id = :endpoint

-- name: paused_since
-- For the alarm: each is one look at an index of the few.
SELECT h.endpoint_id, h.failing_since, h.answer, h.paused_at, e.channel, e.address
FROM endpoint_health h JOIN endpoints e ON e.id = h.endpoint_id
WHERE h.paused_at > :since AND e.state = 'paused' ORDER BY h.endpoint_id

-- name: receivers
-- All endpoints of these channels, with how they are.
SELECT e.id, e.subscriber_id, s.name, e.channel, e.address, e.state, e.reason, h.failing_since,
       COALESCE(h.failures, 0) AS failures, h.failed_at, COALESCE(h.answer, '') AS answer, h.sent_at AS noted_at,
       (SELECT MAX(d.ended_at) FROM deliveries d WHERE d.endpoint_id = e.id AND d.state = 'sent') AS delivered_at
FROM endpoints e
JOIN subscribers s ON s.id = e.subscriber_id AND s.removed_at IS NULL
LEFT JOIN endpoint_health h ON h.endpoint_id = e.id
WHERE e.channel IN (:channels) ORDER BY e.id

-- name: of_endpoints
SELECT endpoint_id, failing_since, failures, reached, failed_at, answer, sent_at, paused_at FROM endpoint_health
WHERE endpoint_id IN (:ids) ORDER BY endpoint_id
