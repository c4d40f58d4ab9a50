-- name: forget_asks
DELETE FROM asks WHERE at < :before

-- name: asks
SELECT COUNT(*) FROM asks WHERE who = :who AND at >= :since

-- name: add_ask
INSERT INTO asks (who, at) VALUES (:who, :now)

-- name: asked
SELECT endpoint_id, text_id, wish FROM consents WHERE id = :id AND step = 'asked'

-- name: later
-- The last step after what was asked, if there is one that is an answer.
SELECT step FROM consents WHERE endpoint_id = :endpoint_id AND id > :id AND step <> 'asked' ORDER BY id DESC LIMIT 1
