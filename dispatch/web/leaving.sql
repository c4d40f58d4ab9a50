-- name: reader
-- What a page may know of an endpoint, and whether it follows :tag.
SELECT e.language, e.state, e.channel, e.address,
       EXISTS (SELECT 1 FROM follows f WHERE f.tag = :tag AND f.endpoint_id = e.id) AS follows
FROM endpoints e WHERE e.id = :id

-- name: reasons_told
SELECT COUNT(*) FROM audit WHERE subject = 'endpoint' AND subject_id = :id AND action = :action
