-- What must be so in the ledger, whatever happened to the process: integrity.py says what each word means.

-- name: delivery_edge
-- The end of the next slice, and between which ids its messages are.
SELECT MAX(id) AS last, COALESCE(MIN(message_id), 0) AS lowest, COALESCE(MAX(message_id), 0) AS highest
FROM (SELECT id, message_id FROM deliveries WHERE id > :after ORDER BY id LIMIT :slice) s

-- name: deliveries_highest
SELECT COALESCE(MAX(id), 0) FROM deliveries

-- name: delivery_faults
-- Each delivery counts once, under the first that is wrong with it. Without the bounds of the messages' ids
-- PostgreSQL would read all messages for each slice.
SELECT fault, COUNT(*) AS count, MIN(id) AS example FROM (
  SELECT d.id, CASE
    WHEN NOT (d.state IN (:delivery_states)) THEN 'delivery_word'
    WHEN d.message_id IS NOT NULL AND m.id IS NULL THEN 'delivery_dangling'
    WHEN d.state = 'planned' AND m.id IS NULL THEN 'delivery_alone'
    WHEN d.state = 'planned' AND m.state IN (:ended) THEN 'delivery_left'
    WHEN (d.state = 'planned') <> (d.ended_at IS NULL) THEN 'delivery_time'
    WHEN m.id IS NOT NULL AND (COALESCE(m.endpoint_id, 0) <> d.endpoint_id
                               OR m.kind = 'digest' AND m.digest_id <> d.digest_id) THEN 'delivery_elsewhere'
    WHEN d.state NOT IN ('planned', 'cancelled') AND m.state <> d.state THEN 'delivery_other'
    ELSE '' END AS fault
  FROM deliveries d LEFT JOIN messages m ON m.id = d.message_id
    AND m.id >= :lowest AND m.id <= :highest
  WHERE d.id > :after AND d.id <= :last) f
WHERE fault <> '' GROUP BY fault

-- name: message_edge
SELECT MAX(id) AS last FROM (SELECT id FROM messages WHERE id > :after ORDER BY id LIMIT :slice) s

-- name: messages_highest
SELECT COALESCE(MAX(id), 0) FROM messages

-- name: message_faults
SELECT fault, COUNT(*) AS count, MIN(id) AS example FROM (
  SELECT m.id, CASE
    WHEN NOT (m.state IN (:message_states)) THEN 'message_word'
    WHEN m.state = 'sending' AND (m.owner = '' OR m.lease_until = 0) THEN 'message_unheld'
    WHEN m.state <> 'sending' AND m.owner <> '' THEN 'message_owned'
    WHEN (m.state IN (:ended)) <> (m.ended_at IS NOT NULL) THEN 'message_time'
    ELSE '' END AS fault
  FROM messages m
  WHERE m.id > :after AND m.id <= :last) f
WHERE fault <> '' GROUP BY fault

-- name: issue_faults
SELECT fault, COUNT(*) AS count, MIN(id) AS example FROM (
  SELECT i.id, CASE
    WHEN NOT (i.state IN (:issue_states)) THEN 'issue_word'
    WHEN i.state = 'sent' AND EXISTS (
      SELECT 1 FROM digests g JOIN deliveries d ON d.digest_id = g.id AND d.state = 'planned'
      WHERE g.issue_id = i.id) THEN 'issue_open'
    ELSE '' END AS fault
  FROM issues i) f
WHERE fault <> '' GROUP BY fault

-- name: endpoint_faults
SELECT 'endpoint_word' AS fault, COUNT(*) AS count, MIN(id) AS example FROM endpoints
WHERE NOT (state IN (:endpoint_states)) HAVING COUNT(*) > 0

-- name: digests_highest
SELECT COALESCE(MAX(id), 0) FROM digests

-- name: digests
SELECT id FROM digests WHERE id > :after ORDER BY id LIMIT 1

-- name: planned_edge
-- The next deliveries of a digest that are planned, and the endpoints they are for.
SELECT MAX(id) AS last, MIN(endpoint_id) AS lowest, MAX(endpoint_id) AS highest
FROM (SELECT id, endpoint_id FROM deliveries
      WHERE digest_id = :digest_id AND state = 'planned' AND id > :after ORDER BY id LIMIT :slice) s

-- name: end_left
-- A digest's own message that has ended says what became of the delivery.
UPDATE deliveries SET state = (SELECT m.state FROM messages m WHERE m.id = deliveries.message_id),
                      reason = (SELECT m.reason FROM messages m WHERE m.id = deliveries.message_id),
                      ended_at = (SELECT COALESCE(m.ended_at, :now) FROM messages m WHERE m.id = deliveries.message_id)
WHERE digest_id = :digest_id AND state = 'planned' AND id > :after AND id <= :last AND message_id IN (
  SELECT m.id FROM messages m JOIN deliveries d ON d.message_id = m.id
  WHERE d.digest_id = :digest_id AND d.state = 'planned' AND d.id > :after AND d.id <= :last
    AND m.kind = 'digest' AND m.state IN (:ended))

-- name: detach_left
-- Whether a bundle that has ended held this delivery cannot be known; nor is there a message where none is found.
UPDATE deliveries SET message_id = NULL
WHERE digest_id = :digest_id AND state = 'planned' AND id > :after AND id <= :last AND message_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = deliveries.message_id AND NOT (m.state IN (:ended)))

-- name: count_alone
SELECT COUNT(*) FROM deliveries
WHERE digest_id = :digest_id AND state = 'planned' AND id > :after AND id <= :last AND message_id IS NULL

-- name: end_gone
UPDATE deliveries SET state = 'cancelled', reason = 'the endpoint is gone', ended_at = :now
WHERE digest_id = :digest_id AND state = 'planned' AND id > :after AND id <= :last AND message_id IS NULL
  AND NOT EXISTS (SELECT 1 FROM endpoints e WHERE e.id = deliveries.endpoint_id)
