-- name: give
UPDATE endpoints SET subscriber_id = :subscriber_id WHERE id = :id

-- name: give_all
UPDATE endpoints SET subscriber_id = :into WHERE subscriber_id = :subscriber_id

-- name: rename
UPDATE subscribers SET name = :name WHERE id = :id AND name <> :name

-- name: move
UPDATE endpoints
SET address = :address, queue = :queue, secret = :secret, state = :state, reason = :reason, consent = :consent,
    consented_at = :consented_at, paused_until = :paused_until, changed_at = :now
WHERE id = :id

-- name: was_of
UPDATE subscribers SET was_of = :owner WHERE id = :id

-- name: give_removed
-- What was taken away from a subscriber goes with them when they are merged.
UPDATE subscribers SET was_of = :into WHERE was_of = :subscriber_id
