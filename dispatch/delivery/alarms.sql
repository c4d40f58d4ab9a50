-- name: failing_sources
SELECT name, failures, failing_since, last_error FROM sources
WHERE failures >= :failures OR (failures > 0 AND failing_since <= :since) ORDER BY name

-- name: stopped_lanes
-- Groups of a lane's addresses, whose names have a ">", rest by themselves and stop nothing else.
SELECT name, reason FROM lanes WHERE breaker <> 'closed' AND name NOT LIKE '%>%' ORDER BY name

-- name: expired_issues
-- Issues under way or just ended, of which something was not sent in time: each is one look at an index.
SELECT i.id, i.bulletin, i.ref, i.title FROM issues i
WHERE (i.ended_at IS NULL OR i.ended_at > :since) AND i.state IN ('sending', 'paused', 'sent')
  AND EXISTS (SELECT 1 FROM digests g JOIN deliveries d ON d.digest_id = g.id
              WHERE g.issue_id = i.id AND d.state = 'expired')
ORDER BY i.id

-- name: open
-- The incidents that are not over, and whether they were told.
SELECT key, kind, subject, detail, seen_at, told_at, gone_at FROM alarms WHERE over_at IS NULL ORDER BY key

-- name: add
INSERT INTO alarms (key, kind, subject, detail, seen_at) VALUES (:key, :kind, :subject, :detail, :now)
ON CONFLICT (key, seen_at) DO NOTHING

-- name: told_since
SELECT COUNT(*) FROM alarms WHERE told_at > :since

-- name: told
UPDATE alarms SET told_at = :now, detail = :detail WHERE key = :key AND seen_at = :seen_at

-- name: gone
UPDATE alarms SET gone_at = :gone_at WHERE key = :key AND seen_at = :seen_at

-- name: over
UPDATE alarms SET over_at = :now WHERE key = :key AND seen_at = :seen_at

-- name: prune
DELETE FROM alarms WHERE over_at <= :before
