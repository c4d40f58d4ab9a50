-- name: key
SELECT secret FROM hash_key

-- name: add_key
INSERT INTO hash_key (id, secret) VALUES (1, :secret) ON CONFLICT (id) DO NOTHING

-- name: suppress
INSERT INTO suppressions (address_hash, reason, at) VALUES (:address_hash, :reason, :now)
ON CONFLICT (address_hash) DO UPDATE SET reason = excluded.reason, at = excluded.at

-- name: lift
DELETE FROM suppressions WHERE address_hash = :address_hash

-- name: any
SELECT 1 FROM suppressions LIMIT 1

-- name: reasons
SELECT address_hash, reason FROM suppressions WHERE address_hash IN (:hashes)
