-- name: public_issue
SELECT id, bulletin, ref FROM issues WHERE id = :id AND state IN ('approved', 'sending', 'paused', 'sent')

-- name: newest
SELECT id FROM issues WHERE state IN ('approved', 'sending', 'paused', 'sent')
ORDER BY COALESCE(date, '') DESC, id DESC LIMIT 1

-- name: before
-- The issue of the same bulletin that came out before one.
SELECT i.id FROM issues i JOIN issues o ON o.id = :id AND o.bulletin = i.bulletin
WHERE i.state IN ('approved', 'sending', 'paused', 'sent')
  AND (COALESCE(i.date, '') < COALESCE(o.date, '') OR (COALESCE(i.date, '') = COALESCE(o.date, '') AND i.id < o.id))
ORDER BY COALESCE(i.date, '') DESC, i.id DESC LIMIT 1

-- name: after
SELECT i.id FROM issues i JOIN issues o ON o.id = :id AND o.bulletin = i.bulletin
WHERE i.state IN ('approved', 'sending', 'paused', 'sent')
  AND (COALESCE(i.date, '') > COALESCE(o.date, '') OR (COALESCE(i.date, '') = COALESCE(o.date, '') AND i.id > o.id))
ORDER BY COALESCE(i.date, ''), i.id LIMIT 1

-- name: issues
-- A page of them after :skip, the newest first.
SELECT i.id, i.bulletin, i.title, i.ref, i.year, i.number, i.total FROM issues i
WHERE i.state IN ('approved', 'sending', 'paused', 'sent')
ORDER BY COALESCE(i.date, '') DESC, i.id DESC LIMIT :page OFFSET :skip

-- name: called
-- Those of a reference, or of a year and a number in it (0 for none), in a bulletin or in any ('').
SELECT i.id, i.bulletin, i.title, i.ref, i.year, i.number, i.total FROM issues i
WHERE i.state IN ('approved', 'sending', 'paused', 'sent') AND (:bulletin = '' OR i.bulletin = :bulletin)
  AND (i.ref = :ref OR (i.year = :year AND i.number = :number AND i.number > 0))
ORDER BY COALESCE(i.date, '') DESC, i.id DESC LIMIT :page

-- name: newest_column
-- Where a column last had articles: the issue, and the column's place in it.
SELECT i.id, c.position FROM issues i JOIN columns c ON c.issue_id = i.id
WHERE i.bulletin = :bulletin AND c.key = :key AND c.dropped = 0 AND i.state IN ('approved', 'sending', 'paused', 'sent')
  AND EXISTS (SELECT 1 FROM articles a WHERE a.issue_id = i.id AND a.column_position = c.position)
ORDER BY COALESCE(i.date, '') DESC, i.id DESC LIMIT 1

-- name: column_before
-- The same before an issue.
SELECT i.id, c.position FROM issues i JOIN columns c ON c.issue_id = i.id
JOIN issues o ON o.id = :id AND o.bulletin = i.bulletin
WHERE c.key = :key AND c.dropped = 0 AND i.state IN ('approved', 'sending', 'paused', 'sent')
  AND EXISTS (SELECT 1 FROM articles a WHERE a.issue_id = i.id AND a.column_position = c.position)
  AND (COALESCE(i.date, '') < COALESCE(o.date, '') OR (COALESCE(i.date, '') = COALESCE(o.date, '') AND i.id < o.id))
ORDER BY COALESCE(i.date, '') DESC, i.id DESC LIMIT 1

-- name: digest_column
-- The issue of a digest, and its column's key.
SELECT d.issue_id, c.key FROM digests d
JOIN columns c ON c.issue_id = d.issue_id AND c.position = d.column_position WHERE d.id = :id

-- name: column_digest
SELECT id FROM digests WHERE issue_id = :issue_id AND column_position = :column ORDER BY part LIMIT 1

-- name: places_with
-- The articles of a column, by their place in the issue, that carry one of some tags.
SELECT DISTINCT a.position FROM articles a
JOIN digest_articles da ON da.article_id = a.id
JOIN digest_tags g ON g.digest_id = da.digest_id AND g.bit = da.bit
WHERE a.issue_id = :issue_id AND a.column_position = :column AND g.tag IN (:tags) ORDER BY a.position
