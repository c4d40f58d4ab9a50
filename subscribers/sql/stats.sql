-- name: standings
-- One look at all endpoints.
SELECT e.channel, e.state, e.language, e.format, r.cadence, COUNT(*) AS endpoints
FROM endpoints e
JOIN subscribers s ON s.id = e.subscriber_id
JOIN rhythms r ON r.id = e.rhythm_id
WHERE s.removed_at IS NULL
GROUP BY e.channel, e.state, e.language, e.format, r.cadence

-- name: subscribers
SELECT COUNT(*) FROM subscribers WHERE removed_at IS NULL

-- name: follows
-- Those of removed subscribers are deleted; of endpoints that nothing is sent to they stay.
SELECT tag, COUNT(*) AS endpoints FROM follows GROUP BY tag

-- name: domains
-- What is left after the last @: rtrim takes away all that is none.
SELECT substr(e.address, length(rtrim(e.address, replace(e.address, '@', ''))) + 1) AS domain, COUNT(*) AS endpoints
FROM endpoints e JOIN subscribers s ON s.id = e.subscriber_id
WHERE s.removed_at IS NULL AND e.channel = 'email'
GROUP BY 1 ORDER BY endpoints DESC, domain LIMIT :most

-- name: added
-- By quarters of an hour, of which every time zone's days are made.
SELECT e.created_at / 900000 AS quarter, COUNT(*) AS endpoints FROM endpoints e
WHERE e.created_at >= :since GROUP BY 1

-- name: confirmed
SELECT c.at / 900000 AS quarter, COUNT(DISTINCT c.endpoint_id) AS endpoints FROM consents c
WHERE c.step = 'given' AND c.at >= :since GROUP BY 1

-- name: withdrawn
SELECT c.at / 900000 AS quarter, COUNT(DISTINCT c.endpoint_id) AS endpoints FROM consents c
WHERE c.step = 'withdrawn' AND c.basis = :opted_out AND c.at >= :since GROUP BY 1

-- name: removed
-- Whoever opted out before is counted there.
SELECT s.removed_at / 900000 AS quarter, COUNT(*) AS endpoints
FROM subscribers s JOIN endpoints e ON e.subscriber_id = s.id
WHERE s.removed_at >= :since AND e.state <> 'suppressed' GROUP BY 1
