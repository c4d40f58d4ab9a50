-- What the directory holds of one person. Removed subscribers count here: their data is there until it is erased.

-- name: subscriber
SELECT id, name, created_at, removed_at FROM subscribers WHERE id = :id

-- name: formerly
SELECT id FROM subscribers WHERE was_of = :id ORDER BY id

-- name: subscriber_of
SELECT subscriber_id FROM endpoints WHERE id = :id

-- name: subscribers_at
SELECT e.subscriber_id, e.id FROM endpoints e WHERE e.address = :address
UNION
SELECT e.subscriber_id, e.id FROM endpoints e WHERE e.channel = 'email' AND lower(e.address) = lower(:address)
ORDER BY 2

-- name: endpoints
SELECT e.id, e.channel, e.address, e.queue, e.secret, e.state, e.reason, e.consent, e.consented_at, e.language, e.format,
       e.bundled, e.paused_until, e.created_at, e.changed_at, r.cadence, r.weekday, r.minute, r.timezone, r.quiet_from,
       r.quiet_until
FROM endpoints e JOIN rhythms r ON r.id = e.rhythm_id WHERE e.subscriber_id = :id ORDER BY e.id

-- name: follows
SELECT tag, created_at FROM follows WHERE endpoint_id = :id ORDER BY created_at, tag

-- name: words
SELECT word, excluded, created_at FROM words WHERE endpoint_id = :id ORDER BY created_at, folded

-- name: firsts
SELECT tag FROM firsts WHERE endpoint_id = :id ORDER BY tag

-- name: consents
SELECT c.id, c.at, c.step, c.basis, c.way, c.origin, c.wish, c.answers, COALESCE(t.text, '') AS text
FROM consents c LEFT JOIN consent_texts t ON t.id = c.text_id WHERE c.endpoint_id = :id ORDER BY c.id

-- name: stop
-- 0 is earlier than any removal: what is to be erased comes first, whatever is kept for how long.
UPDATE subscribers SET removed_at = 0 WHERE id = :id AND COALESCE(removed_at, 1) <> 0

-- name: stop_endpoints
UPDATE endpoints SET state = 'suppressed', reason = :reason, paused_until = NULL, changed_at = :now
WHERE subscriber_id = :id

-- name: drop_follows
DELETE FROM follows WHERE endpoint_id IN (:ids)

-- name: drop_words
DELETE FROM words WHERE endpoint_id IN (:ids)

-- name: drop_firsts
DELETE FROM firsts WHERE endpoint_id IN (:ids)

-- name: drop_consents
DELETE FROM consents WHERE endpoint_id IN (:ids)

-- name: drop_endpoints
DELETE FROM endpoints WHERE subscriber_id = :id

-- name: drop_subscriber
DELETE FROM subscribers WHERE id = :id

-- name: blank_audit
-- Who did what and when stays, with the ids; what it said goes.
UPDATE audit SET detail = ''
WHERE subject = :subject AND subject_id IN (:ids) AND detail <> '' AND NOT (subject = 'subscriber' AND action = 'erased')

-- name: to_erase
-- Those whose erasure was begun, and those removed long ago.
SELECT id FROM subscribers WHERE removed_at IS NOT NULL AND removed_at < :before AND id > :after ORDER BY id LIMIT :page

-- name: count_to_erase
SELECT COUNT(*) FROM subscribers WHERE removed_at IS NOT NULL AND removed_at < :before

-- name: never_confirmed
-- Addresses that nobody has confirmed, nor asked for again since; and those whose end was begun.
SELECT e.id FROM endpoints e JOIN subscribers s ON s.id = e.subscriber_id AND s.removed_at IS NULL
WHERE e.id > :after AND e.changed_at < :before
  AND (e.state = 'pending' OR (e.state = 'gone' AND e.reason = :reason))
  AND NOT EXISTS (SELECT 1 FROM consents c WHERE c.endpoint_id = e.id AND c.at >= :before)
ORDER BY e.id LIMIT :page

-- name: give_up
UPDATE endpoints SET state = 'gone', reason = :reason WHERE id = :id AND state = 'pending'

-- name: given_up
SELECT e.id, e.channel, e.address, e.queue, e.subscriber_id, s.name
FROM endpoints e JOIN subscribers s ON s.id = e.subscriber_id
WHERE e.id = :id AND e.state = 'gone' AND e.reason = :reason

-- name: drop_endpoint
DELETE FROM endpoints WHERE id = :id AND state = 'gone' AND reason = :reason

-- name: endpoints_left
SELECT COUNT(*) FROM endpoints WHERE subscriber_id = :id

-- name: queue_used
SELECT 1 FROM endpoints WHERE queue = :queue LIMIT 1

-- name: name_used
-- Whether the words of a name stand somewhere else, too: in another's name, or in an article.
SELECT 1 FROM subscribers WHERE name LIKE :pattern LIMIT 1
