-- name: followed
-- Each tag that is followed, found one after the other in the index: as many steps as tags, however many follow them.
WITH RECURSIVE tags (tag) AS (
  SELECT MIN(tag) FROM follows
  UNION ALL
  SELECT (SELECT MIN(f.tag) FROM follows f WHERE f.tag > tags.tag) FROM tags WHERE tags.tag IS NOT NULL
)
SELECT tag FROM tags WHERE tag IS NOT NULL

-- name: followers
SELECT COUNT(*) AS endpoints, COALESCE(SUM(CASE WHEN e.state = 'active' THEN 1 ELSE 0 END), 0) AS active
FROM follows f JOIN endpoints e ON e.id = f.endpoint_id WHERE f.tag = :tag
