-- name: known
-- The issue that a file gave, and which revision of it.
SELECT o.issue_id, o.revision, i.bulletin, i.ref FROM originals o JOIN issues i ON i.id = o.issue_id
WHERE o.hash = :hash

-- name: original
SELECT * FROM originals WHERE hash = :hash

-- name: add
-- What was read again may give another revision than it did.
INSERT INTO originals (hash, name, suffix, bytes, added_at, issue_id, revision)
VALUES (:hash, :name, :suffix, :bytes, :now, :issue_id, :revision)
ON CONFLICT (hash) DO UPDATE SET issue_id = excluded.issue_id, revision = excluded.revision

-- name: of_revision
-- The first that gave it: other files may have given the same.
SELECT * FROM originals WHERE issue_id = :issue_id AND revision = :revision ORDER BY added_at, hash LIMIT 1

-- name: forsaken
SELECT hash FROM originals o WHERE NOT EXISTS (SELECT 1 FROM issues i WHERE i.id = o.issue_id) ORDER BY hash LIMIT :page

-- name: forget
DELETE FROM originals WHERE hash IN (:ids)
