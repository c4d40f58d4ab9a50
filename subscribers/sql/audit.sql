-- name: add
INSERT INTO audit (at, actor, way, action, subject, subject_id, detail)
VALUES (:at, :actor, :way, :action, :subject, :subject_id, :detail)

-- name: of_subject
-- The newest come first; before :before, for pages.
SELECT id, at, actor, way, action, subject, subject_id, detail FROM audit
WHERE subject = :subject AND subject_id IN (:ids) AND id < :before ORDER BY id DESC LIMIT :page

-- name: found
SELECT id, at, actor, way, action, subject, subject_id, detail FROM audit
WHERE id < :before AND at >= :since AND at < :until AND (:actor = '' OR actor = :actor)
  AND (:action = '' OR action = :action) AND (:subject = '' OR subject = :subject)
  AND (:subject_id = '' OR subject_id = :subject_id)
ORDER BY id DESC LIMIT :page

-- name: count_old
SELECT COUNT(*) FROM audit WHERE at < :before

-- name: prune
DELETE FROM audit WHERE at < :before AND id IN (SELECT id FROM audit WHERE at < :before ORDER BY at LIMIT :page)
