-- name: add_subscriber
INSERT INTO subscribers (name, created_at) VALUES (:name, :now) RETURNING id

-- name: add_endpoint
INSERT INTO endpoints (subscriber_id, channel, address, queue, secret, state, reason, consent, consented_at, language,
                       format, bundled, rhythm_id, created_at, changed_at)
VALUES (:subscriber_id, :channel, :address, :queue, :secret, :state, :reason, :consent, :consented_at, :language,
        :format, :bundled, :rhythm_id, :now, :now)
RETURNING id

-- name: take_over_endpoint
-- The address of a removed subscriber is used again: the row stays, so that nothing already sent is sent again.
UPDATE endpoints
SET subscriber_id = :subscriber_id, address = :address, queue = :queue, secret = :secret, state = :state, reason = :reason,
    consent = :consent, consented_at = :consented_at, language = :language, format = :format, bundled = :bundled, rhythm_id = :rhythm_id,
    paused_until = NULL, changed_at = :now
WHERE id = :id

-- name: set_preferences
UPDATE endpoints SET language = :language, format = :format, bundled = :bundled, rhythm_id = :rhythm_id, changed_at = :now
WHERE id = :id

-- name: rhythm
SELECT id FROM rhythms
WHERE cadence = :cadence AND weekday = :weekday AND minute = :minute AND timezone = :timezone
  AND quiet_from = :quiet_from AND quiet_until = :quiet_until

-- name: add_rhythm
INSERT INTO rhythms (cadence, weekday, minute, timezone, quiet_from, quiet_until)
VALUES (:cadence, :weekday, :minute, :timezone, :quiet_from, :quiet_until) RETURNING id

-- name: rhythms
SELECT id, cadence, weekday, minute, timezone, quiet_from, quiet_until FROM rhythms ORDER BY id

-- name: quiet_rhythms
SELECT id, cadence, weekday, minute, timezone, quiet_from, quiet_until FROM rhythms
WHERE id IN (:ids) AND quiet_from >= 0

-- name: follow
INSERT INTO follows (tag, endpoint_id, created_at) VALUES (:tag, :endpoint_id, :now) ON CONFLICT DO NOTHING

-- name: first
INSERT INTO firsts (endpoint_id, tag) VALUES (:endpoint_id, :tag) ON CONFLICT DO NOTHING

-- name: drop_firsts
DELETE FROM firsts WHERE endpoint_id = :endpoint_id

-- name: drop_words
DELETE FROM words WHERE endpoint_id = :endpoint_id

-- name: follows_of
SELECT tag FROM follows WHERE endpoint_id = :endpoint_id ORDER BY created_at, tag

-- name: unfollow
DELETE FROM follows WHERE tag = :tag AND endpoint_id = :endpoint_id

-- name: unfollow_all
DELETE FROM follows WHERE endpoint_id = :endpoint_id

-- name: endpoint_by_address
SELECT e.id, e.subscriber_id, e.state, e.reason, s.removed_at
FROM endpoints e JOIN subscribers s ON s.id = e.subscriber_id
WHERE e.channel = :channel AND e.address = :address

-- name: endpoint_by_mailbox
SELECT e.id, e.subscriber_id, e.state, e.reason, s.removed_at
FROM endpoints e JOIN subscribers s ON s.id = e.subscriber_id
WHERE e.channel = 'email' AND lower(e.address) = lower(:address)

-- name: endpoints_at_address
-- The same words may be an address on several channels; removed subscribers do not count.
SELECT e.id FROM endpoints e JOIN subscribers s ON s.id = e.subscriber_id AND s.removed_at IS NULL
WHERE e.address = :address
UNION
SELECT e.id FROM endpoints e JOIN subscribers s ON s.id = e.subscriber_id AND s.removed_at IS NULL
WHERE e.channel = 'email' AND lower(e.address) = lower(:address)
ORDER BY 1

-- name: subscriber_of
SELECT subscriber_id FROM endpoints WHERE id = :endpoint_id

-- name: subscribers
-- Those with ids from :low to :high, a row an endpoint.
SELECT s.id AS subscriber_id, s.name, s.created_at, e.id, e.channel, e.address, e.queue, e.secret, e.state, e.reason,
       e.consent, e.consented_at, e.language, e.format, e.bundled, e.paused_until, e.created_at AS endpoint_created_at,
       r.cadence, r.weekday, r.minute, r.timezone, r.quiet_from, r.quiet_until
FROM subscribers s
LEFT JOIN endpoints e ON e.subscriber_id = s.id
LEFT JOIN rhythms r ON r.id = e.rhythm_id
WHERE s.removed_at IS NULL AND s.id >= :low AND s.id <= :high
ORDER BY s.id, e.id

-- name: of_endpoints
-- The same of these endpoints alone.
SELECT s.id AS subscriber_id, s.name, s.created_at, e.id, e.channel, e.address, e.queue, e.secret, e.state, e.reason,
       e.consent, e.consented_at, e.language, e.format, e.bundled, e.paused_until, e.created_at AS endpoint_created_at,
       r.cadence, r.weekday, r.minute, r.timezone, r.quiet_from, r.quiet_until
FROM endpoints e
JOIN subscribers s ON s.id = e.subscriber_id
JOIN rhythms r ON r.id = e.rhythm_id
WHERE e.id IN (:ids)

-- name: follows_of_endpoints
SELECT endpoint_id, tag FROM follows WHERE endpoint_id IN (:ids) ORDER BY endpoint_id, created_at, tag

-- name: words_of_endpoints
SELECT endpoint_id, word, folded, excluded FROM words WHERE endpoint_id IN (:ids)
ORDER BY endpoint_id, created_at, folded

-- name: words
-- In the same order of endpoints. Few have words: those of an endpoint are sorted by themselves.
SELECT e.subscriber_id, e.id, w.word, w.folded, w.excluded
FROM endpoints e CROSS JOIN words w
WHERE w.endpoint_id = e.id AND e.subscriber_id >= :low AND e.subscriber_id <= :high
ORDER BY e.subscriber_id, e.id, w.created_at, w.folded

-- name: follows
-- In the same order of endpoints. CROSS JOIN makes the endpoints the outer loop, so that nothing is sorted.
SELECT e.subscriber_id, e.id, f.tag
FROM endpoints e CROSS JOIN follows f
WHERE f.endpoint_id = e.id AND e.subscriber_id >= :low AND e.subscriber_id <= :high
ORDER BY e.subscriber_id, e.id, f.created_at, f.tag

-- name: set_state
UPDATE endpoints SET state = :state, reason = :reason, paused_until = :until, changed_at = :now WHERE id = :id

-- name: provider_state
UPDATE endpoints SET state = :state, reason = :reason, paused_until = NULL, changed_at = :now
WHERE id = :id AND state <> 'suppressed'

-- name: provider_pause
UPDATE endpoints SET state = 'paused', reason = :reason, paused_until = NULL, changed_at = :now
WHERE id = :id AND state = 'active'

-- name: set_secret
UPDATE endpoints SET secret = :secret, changed_at = :now WHERE id = :id

-- name: opt_out
-- The first wish keeps its time; a provider's suppression becomes the reader's own.
UPDATE endpoints SET state = 'suppressed', reason = :reason, paused_until = NULL, changed_at = :now
WHERE id = :id AND (state <> 'suppressed' OR reason <> :reason)

-- name: confirm
UPDATE endpoints SET state = 'active', reason = '', consent = :consent, consented_at = :now, paused_until = NULL, changed_at = :now
WHERE id = :id

-- name: address_of
SELECT channel, address FROM endpoints WHERE id = :id

-- name: state_of
SELECT state FROM endpoints WHERE id = :id

-- name: standing_of
SELECT state, reason, paused_until FROM endpoints WHERE id = :id

-- name: pauses_over
SELECT id, consent FROM endpoints WHERE paused_until <= :now AND state = 'paused' ORDER BY paused_until LIMIT :page

-- name: set_queue
UPDATE endpoints SET queue = :queue, changed_at = :now WHERE id = :id AND queue <> :queue

-- name: set_address
UPDATE endpoints SET address = :address, changed_at = :now WHERE id = :id

-- name: remove_subscriber
UPDATE subscribers SET removed_at = :now WHERE id = :id

-- name: is_reached
-- Whether somebody is written to by a channel. By its first row: to count them all takes memory for each.
SELECT 1 FROM endpoints WHERE channel = :channel AND state = 'active' LIMIT 1

-- name: count_active
SELECT channel, COUNT(*) AS endpoints FROM endpoints WHERE state = 'active' GROUP BY channel ORDER BY channel
