-- name: add
INSERT INTO bounces (key, message_id, endpoint_id, kind, status, diagnostic, source, standing, at)
VALUES (:key, :message_id, :endpoint_id, :kind, :status, :diagnostic, :source, :standing, :now)
ON CONFLICT (key) DO NOTHING

-- name: message
-- When it was sent; nothing while its sender has not written that down.
SELECT id, COALESCE(endpoint_id, 0) AS endpoint_id, ended_at FROM messages WHERE id = :id

-- name: begun_anew
-- Whether an endpoint has another address since, or somebody has made it active since: what is older says nothing of it.
SELECT 1 FROM audit
WHERE subject = 'endpoint' AND subject_id = :subject AND at > :since
  AND (action = 'moved' OR (action = 'state' AND detail LIKE '%"to":"active"%'))
LIMIT 1

-- name: unlooked
-- Endpoints with something that is not in their score yet.
SELECT DISTINCT endpoint_id FROM bounces WHERE standing = 'new' AND endpoint_id > :after ORDER BY endpoint_id LIMIT :page

-- name: look_at
UPDATE bounces SET standing = 'counted' WHERE endpoint_id = :endpoint AND standing = 'new'

-- name: arrived
-- The last message that must have arrived: it was accepted, and nothing came back in all the time in which it would have.
SELECT MAX(m.ended_at) FROM deliveries d JOIN messages m ON m.id = d.message_id
WHERE d.endpoint_id = :endpoint AND m.state = 'sent' AND m.ended_at > :since AND m.ended_at < :until
  AND NOT EXISTS (SELECT 1 FROM bounces b WHERE b.message_id = m.id)

-- name: score
-- On how many days something came back since. A block is about us, not about this reader: it would pause all of a
-- provider's readers for a DNS record of ours.
SELECT COUNT(DISTINCT at / 86400000) FROM bounces
WHERE endpoint_id = :endpoint AND kind = 'soft' AND standing <> 'spent' AND at > :since

-- name: last_words
SELECT status, diagnostic FROM bounces WHERE endpoint_id = :endpoint AND kind = 'soft' ORDER BY at DESC, id DESC LIMIT 1

-- name: spend
UPDATE bounces SET standing = 'spent' WHERE endpoint_id = :endpoint AND kind = 'soft' AND standing <> 'spent'

-- name: list
-- The newest come first; before :before, for pages.
SELECT b.id, b.at, b.kind, b.status, b.diagnostic, b.source, b.message_id, b.endpoint_id,
       COALESCE(e.address, '') AS address, COALESCE(e.state, '') AS state
FROM bounces b LEFT JOIN endpoints e ON e.id = b.endpoint_id
WHERE b.id < :before AND (:kind = '' OR b.kind = :kind) AND (:endpoint = 0 OR b.endpoint_id = :endpoint)
ORDER BY b.id DESC LIMIT :page

-- name: of_messages
SELECT message_id, endpoint_id, at, kind, status, diagnostic, source FROM bounces
WHERE message_id IN (:ids) AND message_id > 0 ORDER BY id

-- name: of_endpoints
-- Those that no message is known of.
SELECT message_id, endpoint_id, at, kind, status, diagnostic, source FROM bounces
WHERE endpoint_id IN (:ids) AND message_id = 0 ORDER BY id

-- name: kinds_since
SELECT kind, COUNT(*) AS bounces, MAX(at) AS latest FROM bounces WHERE at >= :since GROUP BY kind ORDER BY kind

-- name: last_block
SELECT diagnostic FROM bounces WHERE kind = 'block' AND at >= :since ORDER BY at DESC, id DESC LIMIT 1

-- name: strip_messages
-- What of a report is about the person; that something came back stays.
UPDATE bounces SET diagnostic = '' WHERE message_id IN (:ids) AND message_id > 0 AND diagnostic <> ''

-- name: strip_endpoints
UPDATE bounces SET diagnostic = '' WHERE endpoint_id IN (:ids) AND diagnostic <> ''

-- name: count_old
SELECT COUNT(*) FROM bounces WHERE at < :before

-- name: delete_old
DELETE FROM bounces WHERE at < :before AND id IN (SELECT id FROM bounces WHERE at < :before ORDER BY at LIMIT :page)

-- name: exists
SELECT 1 FROM endpoints WHERE id = :id
