-- name: forget_asks
DELETE FROM asks WHERE at < :before

-- name: asks
SELECT COUNT(*) FROM asks WHERE who = :who AND at >= :since

-- name: add_ask
INSERT INTO asks (who, at) VALUES (:who, :now)

-- name: asked
SELECT c.endpoint_id, c.text_id, c.wish, COALESCE(t.text, '') AS text
FROM consents c
JOIN endpoints e ON e.id = c.endpoint_id
JOIN subscribers s ON s.id = e.subscriber_id AND s.removed_at IS NULL
LEFT JOIN consent_texts t ON t.id = c.text_id
WHERE c.id = :id AND c.step = 'asked'

-- name: later
-- The last step after what was asked that answers it: a yes to just this, or leaving.
SELECT step FROM consents
WHERE endpoint_id = :endpoint_id AND id > :id
  AND (step = 'withdrawn' OR (step = 'given' AND answers = :id))
ORDER BY id DESC LIMIT 1

-- name: requests
SELECT c.id, c.endpoint_id, c.at, c.way, c.origin, c.wish, COALESCE(t.text, '') AS text,
       (SELECT a.step FROM consents a WHERE a.endpoint_id = c.endpoint_id AND a.id > c.id
          AND (a.step = 'withdrawn' OR (a.step = 'given' AND a.answers = c.id)) ORDER BY a.id DESC LIMIT 1) AS answer
FROM consents c LEFT JOIN consent_texts t ON t.id = c.text_id
WHERE c.id IN (:ids) AND c.step = 'asked'

-- name: waits
-- Whether the last step is a question, and a young one.
SELECT 1 FROM consents WHERE endpoint_id = :endpoint_id AND step = 'asked' AND at >= :since
  AND id = (SELECT MAX(l.id) FROM consents l WHERE l.endpoint_id = :endpoint_id)

-- name: last_asked
SELECT id FROM consents WHERE endpoint_id = :endpoint_id AND step = 'asked' ORDER BY id DESC LIMIT 1
