-- name: followed
SELECT endpoint_id, tag FROM follows WHERE endpoint_id IN (:ids) AND tag IN (:tags) ORDER BY endpoint_id, tag

-- name: unfollow
DELETE FROM follows WHERE endpoint_id IN (:ids) AND tag IN (:tags)

-- name: standings
SELECT e.id, e.state, e.consent, e.paused_until, r.timezone
FROM endpoints e JOIN rhythms r ON r.id = e.rhythm_id WHERE e.id IN (:ids) ORDER BY e.id

-- name: preferences
SELECT e.id, e.language, e.format, e.bundled, e.rhythm_id FROM endpoints e WHERE e.id IN (:ids) ORDER BY e.id

-- name: pending
SELECT id, channel, address FROM endpoints WHERE id IN (:ids) AND state = 'pending' ORDER BY id
