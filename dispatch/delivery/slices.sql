-- name: digests
SELECT id FROM digests ORDER BY id

-- name: digests_of
SELECT id FROM digests WHERE issue_id = :issue ORDER BY id

-- name: count
SELECT COUNT(*) FROM deliveries WHERE digest_id = :digest

-- name: edge
-- Where the next slice ends, from an index alone.
SELECT COUNT(*) AS size, MAX(p.endpoint_id) AS high
FROM (SELECT d.endpoint_id FROM deliveries d WHERE d.digest_id = :digest AND d.endpoint_id > :low
      ORDER BY d.endpoint_id LIMIT :size) p
