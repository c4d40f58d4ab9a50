-- name: public_issue
SELECT id, fingerprint FROM issues
WHERE bulletin = :bulletin AND ref = :ref AND state IN ('approved', 'sending', 'paused', 'sent')

-- name: columns
SELECT position, key, name_en FROM columns WHERE issue_id = :issue_id AND dropped = 0 ORDER BY position

-- name: public_issues
-- The newest first, a page after :skip of them.
SELECT i.bulletin, i.ref, i.title, i.year, i.number, i.total, i.date,
       (SELECT COUNT(*) FROM articles a WHERE a.issue_id = i.id) AS articles
FROM issues i WHERE i.state IN ('approved', 'sending', 'paused', 'sent')
ORDER BY i.date DESC NULLS LAST, i.id DESC LIMIT :page OFFSET :skip
