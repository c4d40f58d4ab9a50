-- name: of_endpoint
SELECT word, folded, excluded FROM words WHERE endpoint_id = :endpoint_id ORDER BY created_at, folded

-- name: add
INSERT INTO words (endpoint_id, folded, word, excluded, created_at)
VALUES (:endpoint_id, :folded, :word, :excluded, :now)
ON CONFLICT (endpoint_id, folded) DO UPDATE SET word = excluded.word, excluded = excluded.excluded

-- name: remove
DELETE FROM words WHERE endpoint_id = :endpoint_id AND folded = :folded
