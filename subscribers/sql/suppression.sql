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

-- name: endpoints
-- Endpoints to which nothing goes, by their ids; and by whose act, as far as the record goes back.
SELECT e.id, e.channel, e.address, e.reason, e.changed_at AS since,
       (SELECT a.actor FROM audit a WHERE a.subject = 'endpoint' AND a.subject_id = CAST(e.id AS TEXT)
        AND a.action = 'state' ORDER BY a.id DESC LIMIT 1) AS actor,
       (SELECT a.way FROM audit a WHERE a.subject = 'endpoint' AND a.subject_id = CAST(e.id AS TEXT)
        AND a.action = 'state' ORDER BY a.id DESC LIMIT 1) AS way
FROM endpoints e
WHERE e.state = 'suppressed' AND e.id > :after AND (:channel = '' OR e.channel = :channel)
ORDER BY e.id LIMIT :page

-- name: hashes
SELECT address_hash, reason, at AS since FROM suppressions WHERE address_hash > :after ORDER BY address_hash LIMIT :page

-- name: by_reason
SELECT reason, COUNT(*) AS addresses, MAX(at) AS latest FROM suppressions GROUP BY reason ORDER BY reason
