-- name: hold
INSERT INTO holds (issue_id, column_position, channel, held_at, held_by)
VALUES (:issue, :column, :channel, :now, :by) ON CONFLICT (issue_id, column_position, channel) DO NOTHING

-- name: unhold
DELETE FROM holds WHERE issue_id = :issue AND column_position = :column AND channel = :channel

-- name: holds_of
SELECT h.column_position, h.channel, h.held_at, h.held_by, c.name AS column_name
FROM holds h LEFT JOIN columns c ON c.issue_id = h.issue_id AND c.position = h.column_position
WHERE h.issue_id = :issue ORDER BY h.column_position, h.channel

-- name: end_holds_within
-- The pauses of a part that is cancelled, and of what is within it.
DELETE FROM holds
WHERE issue_id = :issue AND :column IN (-1, column_position) AND :channel IN ('', channel)

-- name: cancel
INSERT INTO cancels (issue_id, column_position, channel, cancelled_at, cancelled_by)
VALUES (:issue, :column, :channel, :now, :by) ON CONFLICT (issue_id, column_position, channel) DO NOTHING

-- name: cancels_of
SELECT x.column_position, x.channel, x.cancelled_at, x.cancelled_by, c.name AS column_name
FROM cancels x LEFT JOIN columns c ON c.issue_id = x.issue_id AND c.position = x.column_position
WHERE x.issue_id = :issue ORDER BY x.column_position, x.channel

-- name: to_cancel
-- The next part with something left to end. While an issue is being planned, claims end what they meet of it.
SELECT x.issue_id, x.column_position, x.channel, x.digest_id, x.delivery_id
FROM cancels x JOIN issues i ON i.id = x.issue_id
WHERE x.done_at IS NULL AND i.planned_at IS NOT NULL AND i.state <> 'cancelled'
ORDER BY x.issue_id, x.column_position, x.channel LIMIT 1

-- name: next_digest
SELECT MIN(g.id) FROM digests g
WHERE g.issue_id = :issue AND g.id > :after AND :column IN (-1, g.column_position)

-- name: cancelled_up_to
UPDATE cancels SET digest_id = :digest, delivery_id = :delivery, done_at = :done
WHERE issue_id = :issue AND column_position = :column AND channel = :channel

-- name: in_channel
SELECT m.id FROM messages m WHERE m.id IN (:ids) AND m.channel = :channel

-- name: owed_by_channel
-- What a cancel would end of a digest: what is being sent is left to whoever sends it.
SELECT m.channel, COUNT(*) AS deliveries FROM deliveries d JOIN messages m ON m.id = d.message_id
WHERE d.digest_id = :digest AND d.state = 'planned' AND m.state <> 'sending' AND :channel IN ('', m.channel)
GROUP BY m.channel

-- name: backlog
-- Of issues under way what is owed, by the index of what is planned, and what of it is put aside.
SELECT i.id, i.state, COUNT(*) AS owed, CAST(SUM(CASE WHEN m.state = 'paused' THEN 1 ELSE 0 END) AS BIGINT) AS paused
FROM issues i
JOIN digests g ON g.issue_id = i.id
JOIN deliveries d ON d.digest_id = g.id AND d.state = 'planned'
LEFT JOIN messages m ON m.id = d.message_id
WHERE i.state IN ('sending', 'paused') GROUP BY i.id, i.state

-- name: digests
SELECT id, column_position FROM digests WHERE issue_id = :issue ORDER BY column_position, part

-- name: owed
-- A page of what is still owed of a digest, with its message.
SELECT d.id, d.message_id FROM deliveries d
WHERE d.digest_id = :digest AND d.state = 'planned' AND d.id > :after ORDER BY d.id LIMIT :page

-- name: pause
-- A bundle is looked at when it is claimed: part of it may go.
UPDATE messages SET state = 'paused', paused_at = :now, paused_for = :digest
WHERE id IN (:ids) AND state = 'queued' AND digest_id = :digest

-- name: pause_channel
UPDATE messages SET state = 'paused', paused_at = :now, paused_for = :digest
WHERE id IN (:ids) AND state = 'queued' AND digest_id = :digest AND channel = :channel

-- name: paused
-- The digests that messages are paused for, with their issue's state.
SELECT g.id, g.issue_id, g.column_position, i.state FROM digests g JOIN issues i ON i.id = g.issue_id
WHERE EXISTS (SELECT 1 FROM messages m WHERE m.state = 'paused' AND m.paused_for = g.id)
ORDER BY g.id

-- name: next_channel
SELECT MIN(channel) FROM messages WHERE state = 'paused' AND paused_for = :digest AND channel > :after

-- name: resume
-- The time that it was paused is given back to it.
UPDATE messages SET state = 'queued', paused_for = NULL, paused_at = 0,
                    expires_at = expires_at + CASE WHEN paused_at < :now THEN :now - paused_at ELSE 0 END
WHERE state = 'paused' AND id IN (
  WITH page AS MATERIALIZED (
    SELECT id FROM messages WHERE state = 'paused' AND paused_for = :digest AND channel = :channel
    ORDER BY id LIMIT :page)
  SELECT id FROM page)

-- name: cancelled
-- Cancelled issues of which something is still owed.
SELECT g.id FROM issues i JOIN digests g ON g.issue_id = i.id
WHERE i.state = 'cancelled' AND EXISTS (SELECT 1 FROM deliveries d WHERE d.digest_id = g.id AND d.state = 'planned')
ORDER BY g.id

-- name: lock
-- In the order in which claims lock: messages first.
SELECT m.id FROM messages m WHERE m.id IN (:ids) ORDER BY m.id {lock_messages}

-- name: cancel_messages
-- What is being sent is left to whoever sends it.
UPDATE messages SET state = 'cancelled', reason = :reason, ended_at = :now
WHERE id IN (:ids) AND state IN ('queued', 'paused') AND digest_id = :digest

-- name: cancel_deliveries
UPDATE deliveries SET state = 'cancelled', reason = :reason, ended_at = :now
WHERE id IN (:ids) AND state = 'planned'
  AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = deliveries.message_id AND m.state = 'sending')

-- name: cancel_bundles
UPDATE messages SET state = 'cancelled', reason = :reason, ended_at = :now
WHERE id IN (:ids) AND state IN ('queued', 'paused')
  AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.message_id = messages.id AND d.state = 'planned')
