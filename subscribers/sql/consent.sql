-- name: forget_asks
DELETE FROM asks WHERE at < :before

-- name: asks
SELECT COUNT(*) FROM asks WHERE who = :who AND at >= :since

-- name: add_ask
INSERT INTO asks (who, at) VALUES (:who, :now)

-- name: asked
SELECT c.endpoint_id, c.text_id, c.wish, COALESCE(t.text, '') AS text
FROM consents c LEFT JOIN consent_texts t ON t.id = c.text_id
WHERE c.id = :id AND c.step = 'asked'

-- name: later
-- The last step after what was asked, if there is one that is an answer.
SELECT step FROM consents WHERE endpoint_id = :endpoint_id AND id > :id AND step <> 'asked' ORDER BY id DESC LIMIT 1
