-- Endpoints of subscribers who were not removed, chosen and sorted. `{filter}` is any number of the fragments below.

-- name: ids
SELECT e.id FROM endpoints e JOIN subscribers s ON s.id = e.subscriber_id
WHERE s.removed_at IS NULL {filter}
{order} LIMIT :most OFFSET :skip

-- name: count
SELECT COUNT(*) FROM endpoints e JOIN subscribers s ON s.id = e.subscriber_id
WHERE s.removed_at IS NULL {filter}

-- name: by_channel
SELECT e.channel, COUNT(*) AS endpoints FROM endpoints e JOIN subscribers s ON s.id = e.subscriber_id
WHERE s.removed_at IS NULL {filter}
GROUP BY e.channel ORDER BY e.channel

-- name: rhythms
SELECT DISTINCT e.rhythm_id FROM endpoints e JOIN subscribers s ON s.id = e.subscriber_id
WHERE s.removed_at IS NULL {filter}
ORDER BY e.rhythm_id

-- name: followed
SELECT 1 AS followed FROM follows WHERE tag = :tag LIMIT 1

-- name: next_ids
-- A slice of them, in the order of their ids.
SELECT e.id FROM endpoints e JOIN subscribers s ON s.id = e.subscriber_id
WHERE s.removed_at IS NULL AND e.id > :low {filter}
ORDER BY e.id LIMIT :size

-- name: still
-- Those of some that are still there, and still what is wanted.
SELECT e.id FROM endpoints e JOIN subscribers s ON s.id = e.subscriber_id
WHERE s.removed_at IS NULL AND e.id IN (:ids) {filter}
ORDER BY e.id

-- name: filter_tags
AND e.id IN (SELECT f.endpoint_id FROM follows f WHERE f.tag IN (:tags))

-- name: filter_channels
AND e.channel IN (:channels)

-- name: filter_states
AND e.state IN (:states)

-- name: filter_domain
-- Domains are stored in lower case.
AND e.channel = 'email' AND e.address LIKE :domain ESCAPE '!'

-- name: filter_since
AND e.created_at >= :since

-- name: filter_until
AND e.created_at < :until

-- name: filter_changed_since
AND e.changed_at >= :changed_since

-- name: filter_name
AND lower(s.name) LIKE :name ESCAPE '!'

-- name: filter_address
AND lower(e.address) LIKE :address ESCAPE '!'

-- name: filter_languages
AND e.language IN (:languages)

-- name: filter_cadences
AND e.rhythm_id IN (SELECT r.id FROM rhythms r WHERE r.cadence IN (:cadences))

-- name: filter_consent
AND e.consent <> ''

-- name: filter_no_consent
AND e.consent = ''

-- name: order_id
ORDER BY e.subscriber_id, e.id

-- name: order_id_reverse
ORDER BY e.subscriber_id DESC, e.id DESC

-- name: order_added
ORDER BY e.created_at, e.id

-- name: order_added_reverse
ORDER BY e.created_at DESC, e.id DESC

-- name: order_changed
ORDER BY e.changed_at, e.id

-- name: order_changed_reverse
ORDER BY e.changed_at DESC, e.id DESC

-- name: order_name
ORDER BY s.name, e.subscriber_id, e.id

-- name: order_name_reverse
ORDER BY s.name DESC, e.subscriber_id DESC, e.id DESC

-- name: order_address
ORDER BY e.address, e.channel

-- name: order_address_reverse
ORDER BY e.address DESC, e.channel DESC

-- name: order_state
ORDER BY e.state, e.id

-- name: order_state_reverse
ORDER BY e.state DESC, e.id DESC
