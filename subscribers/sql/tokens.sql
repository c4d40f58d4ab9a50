-- name: keys
-- From the oldest to the newest, which signs.
SELECT id, secret, created_at FROM signing_keys ORDER BY id

-- name: add_key
INSERT INTO signing_keys (secret, created_at) VALUES (:secret, :now) RETURNING id
