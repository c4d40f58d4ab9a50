-- name: tags
-- What the articles of an issue carry.
SELECT a.id, a.position, a.title, c.name AS column_name, t.tag
FROM articles a
JOIN columns c ON c.issue_id = a.issue_id AND c.position = a.column_position
LEFT JOIN digest_articles d ON d.article_id = a.id
LEFT JOIN digest_tags t ON t.digest_id = d.digest_id AND t.bit = d.bit
WHERE a.issue_id = :id ORDER BY a.position

-- name: followed
-- For each tag of an issue whether an active endpoint follows it: found at the first one. Written so that no planner
-- makes a join of it, which would read all that is followed.
SELECT g.tag, (
  SELECT 1 FROM follows f
  WHERE f.tag = g.tag AND (SELECT e.state FROM endpoints e WHERE e.id = f.endpoint_id) = 'active'
  LIMIT 1
) AS followed
FROM (
  SELECT DISTINCT t.tag FROM digest_tags t JOIN digests d ON d.id = t.digest_id WHERE d.issue_id = :id
) g
