-- name: leases
SELECT name, owner, since, until FROM leases WHERE until > :now ORDER BY name

-- name: lanes
SELECT name, queue, breaker, rest_ms, not_before, changed_at, reason, sent, retried, failed, busy_ms FROM lanes ORDER BY queue, name

-- name: hour
SELECT lane, CAST(SUM(sent) AS BIGINT) AS sent, CAST(SUM(retried) AS BIGINT) AS retried,
       CAST(SUM(failed) AS BIGINT) AS failed
FROM lane_minutes WHERE minute >= :first GROUP BY lane

-- name: minutes
SELECT lane, minute, sent FROM lane_minutes WHERE minute >= :first

-- name: queued
-- All that waits in a queue, by the index of what is queued alone. It takes the longer the more there is.
SELECT queue, COUNT(*) AS messages, CAST(SUM(CASE WHEN due_at <= :now THEN 1 ELSE 0 END) AS BIGINT) AS due,
       MIN(due_at) AS oldest_at, MIN(CASE WHEN due_at > :now THEN due_at END) AS next_at
FROM messages WHERE state = 'queued' GROUP BY queue

-- name: sending
SELECT queue, COUNT(*) AS messages FROM messages WHERE state = 'sending' GROUP BY queue

-- name: paused
-- In the order of the index of what is paused.
SELECT paused_for, channel, COUNT(*) AS messages FROM messages WHERE state = 'paused' GROUP BY paused_for, channel

-- name: issues
SELECT id, bulletin, ref, title, state, publish_at, planned_at FROM issues
WHERE state IN ('approved', 'sending', 'paused') ORDER BY id

-- name: issue_states
SELECT state, COUNT(*) AS issues FROM issues GROUP BY state ORDER BY state

-- name: failing_sources
SELECT name, failures, failing_since, next_at, last_error FROM sources WHERE failures > 0 ORDER BY name

-- name: bots
SELECT bot, name, username, updates, trouble, trouble_at, handled_at, replies_unknown FROM bots
WHERE name <> '' ORDER BY name

-- name: bot_updates
-- Of what is open: updates that wait to be handled, and handled ones whose replies are not all made.
SELECT bot, CAST(SUM(CASE WHEN body <> '' THEN 1 ELSE 0 END) AS BIGINT) AS waiting,
       CAST(SUM(CASE WHEN body = '' THEN 1 ELSE 0 END) AS BIGINT) AS unsent
FROM bot_updates WHERE body <> '' OR replies <> '' GROUP BY bot

-- name: bot_slowed
-- Users of whom several updates wait: each has one turn at a time, and a human pace.
SELECT bot, COUNT(*) AS users FROM (
  SELECT bot, actor FROM bot_updates WHERE (body <> '' OR replies <> '') AND body <> '' AND actor <> 0
  GROUP BY bot, actor HAVING COUNT(*) > 1
) AS several GROUP BY bot

-- name: deliveries
SELECT g.issue_id, COUNT(*) AS deliveries FROM digests g JOIN deliveries d ON d.digest_id = g.id
WHERE g.issue_id IN (:ids) GROUP BY g.issue_id

-- name: owed
SELECT g.issue_id, COUNT(*) AS deliveries FROM digests g JOIN deliveries d ON d.digest_id = g.id
WHERE g.issue_id IN (:ids) AND d.state = 'planned' GROUP BY g.issue_id

-- name: holds
SELECT h.issue_id, h.column_position, COALESCE(c.name, '') AS column_name, h.channel, h.held_at, h.held_by
FROM holds h LEFT JOIN columns c ON c.issue_id = h.issue_id AND c.position = h.column_position
ORDER BY h.issue_id, h.column_position, h.channel

-- name: endpoints
SELECT channel, state, COUNT(*) AS endpoints FROM endpoints GROUP BY channel, state ORDER BY channel, state
