-- name: standing
-- What the text of a digest depends on, and whether it may be read. A held issue's goes out as a test only.
SELECT i.state, i.fingerprint, i.revision FROM digests d JOIN issues i ON i.id = d.issue_id WHERE d.id = :id
