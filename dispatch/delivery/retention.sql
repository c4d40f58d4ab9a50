-- Everything walks by id from the oldest row on and stops where rows are young: what is gone is not read again, so
-- that a day's work is what a day has made old. The words in braces are filled in by retention.py.

-- name: message_edge
-- The end of the next slice, and when its oldest row was made. A clock that once stood in the future ends no walk.
SELECT MAX(id) AS last, MIN(CASE WHEN created_at > :now THEN 0 ELSE created_at END) AS oldest
FROM (SELECT id, created_at FROM messages WHERE id > :after ORDER BY id LIMIT :slice) s

-- name: attempt_edge
SELECT MAX(id) AS last, MIN(CASE WHEN started_at > :now THEN 0 ELSE started_at END) AS oldest
FROM (SELECT id, started_at FROM attempts WHERE id > :after ORDER BY id LIMIT :slice) s

-- name: is_old
-- A message that ended long ago, and with it all that hangs on it: no delivery planned, no issue that may still send.
m.state IN (:ended) AND m.ended_at < :before AND NOT EXISTS (
  SELECT 1 FROM deliveries d JOIN digests g ON g.id = d.digest_id JOIN issues i ON i.id = g.issue_id
  WHERE d.message_id = m.id AND (d.state = 'planned' OR d.ended_at >= :before OR i.state NOT IN ('sent', 'cancelled')))

-- name: old_messages
SELECT m.id FROM messages m WHERE m.id > :after AND m.id <= :last AND {is_old} ORDER BY m.id

-- name: old_attempts
SELECT a.id FROM attempts a JOIN messages m ON m.id = a.message_id
WHERE a.id > :after AND a.id <= :last AND {is_old} ORDER BY a.id

-- name: delete_attempts
DELETE FROM attempts WHERE id IN (:ids)

-- name: delete_attempts_of
DELETE FROM attempts WHERE message_id IN (:ids)

-- name: count_deliveries_of
SELECT COUNT(*) FROM deliveries WHERE message_id IN (:ids)

-- name: strip_deliveries_of
-- What stays for ever is who had which digest, how it ended and when: nothing that was sent is sent again.
UPDATE deliveries SET message_id = NULL, variant = 0, reason = '' WHERE message_id IN (:ids)

-- name: delete_messages
DELETE FROM messages WHERE id IN (:ids)

-- name: minute_edge
-- The newest minute of the next slice of old ones; a minute has a row a lane that was at work.
SELECT MAX(minute) AS last, COUNT(*) AS found
FROM (SELECT minute FROM lane_minutes WHERE minute < :before ORDER BY minute, lane LIMIT :slice) s

-- name: count_minutes
SELECT COUNT(*) FROM lane_minutes WHERE minute < :before

-- name: delete_minutes
DELETE FROM lane_minutes WHERE minute <= :last

-- name: expired_leases
SELECT name, owner FROM leases WHERE until < :now ORDER BY name

-- name: delete_lease
DELETE FROM leases WHERE name = :name AND owner = :owner AND until < :now

-- name: count_asks
SELECT COUNT(*) FROM asks WHERE at < :before

-- name: delete_asks
DELETE FROM asks WHERE at < :before
