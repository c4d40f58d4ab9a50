-- name: exists
SELECT id FROM subscribers WHERE id = :id

-- name: endpoints
SELECT id FROM endpoints WHERE subscriber_id IN (:ids) ORDER BY id

-- name: at_address
-- Also of removed subscribers.
SELECT id, subscriber_id FROM endpoints WHERE address = :address
UNION
SELECT id, subscriber_id FROM endpoints WHERE channel = 'email' AND lower(address) = lower(:address)
ORDER BY 1

-- name: owner
SELECT id, subscriber_id FROM endpoints WHERE id = :id

-- name: merged
SELECT subject_id, detail FROM audit
WHERE subject = 'subscriber' AND action = 'merged' AND subject_id IN (:ids) ORDER BY id
