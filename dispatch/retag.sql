-- name: issues
-- All that can still reach a reader, the oldest first.
SELECT id FROM issues WHERE state <> 'cancelled' ORDER BY date NULLS FIRST, id

-- name: standing
-- What changes with everything that can change an issue: whose planning began, too, and the tags in its content.
SELECT i.state, i.planned_at, i.revision, r.revision AS known, r.state AS known_state, r.catalog,
       CASE WHEN r.revision = i.revision THEN r.content END AS content
FROM issues i LEFT JOIN revisions r ON r.issue_id = i.id WHERE i.id = :id ORDER BY r.revision

-- name: articles
SELECT a.id, a.position, a.column_position, da.digest_id, da.bit
FROM articles a JOIN digest_articles da ON da.article_id = a.id WHERE a.issue_id = :id ORDER BY a.position

-- name: tags
SELECT t.digest_id, t.bit, t.tag FROM digest_tags t JOIN digests g ON g.id = t.digest_id WHERE g.issue_id = :id

-- name: set_tags
UPDATE articles SET parks = :parks, topics = :topics WHERE id = :id

-- name: set_column
UPDATE columns SET key = :key, name_en = :name_en WHERE issue_id = :id AND position = :position

-- name: remove_tag
DELETE FROM digest_tags WHERE digest_id = :digest_id AND tag = :tag AND bit = :bit

-- name: keep_former
INSERT INTO former_tags (digest_id, tag, bit) VALUES (:digest_id, :tag, :bit) ON CONFLICT DO NOTHING

-- name: set_content
UPDATE revisions SET content = :content, catalog = :catalog WHERE issue_id = :id AND revision = :revision

-- name: tagged_otherwise
-- The issues that are tagged by another catalog than this one, or by one that nobody noted; also those of which what
-- waits for a decision is.
SELECT i.id, i.bulletin, i.ref FROM issues i LEFT JOIN revisions r ON r.issue_id = i.id AND r.revision = i.revision
WHERE i.state <> 'cancelled' AND (COALESCE(r.catalog, '') <> :catalog OR EXISTS (
  SELECT 1 FROM revisions p WHERE p.issue_id = i.id AND p.state = 'proposed' AND p.catalog <> :catalog))
ORDER BY i.date DESC NULLS LAST, i.id DESC

-- name: followers
-- The active endpoints that follow one of the tags.
SELECT COUNT(*) AS endpoints FROM (SELECT DISTINCT f.endpoint_id FROM follows f WHERE f.tag IN (:tags)) r
JOIN endpoints e ON e.id = r.endpoint_id WHERE e.state = 'active'

-- name: followers_by_these_only
-- The active endpoints that follow one of the tags and none of the others.
SELECT COUNT(*) AS endpoints FROM (SELECT DISTINCT f.endpoint_id FROM follows f WHERE f.tag IN (:tags)) r
JOIN endpoints e ON e.id = r.endpoint_id
WHERE e.state = 'active'
  AND NOT EXISTS (SELECT 1 FROM follows o WHERE o.endpoint_id = r.endpoint_id AND o.tag IN (:others))
