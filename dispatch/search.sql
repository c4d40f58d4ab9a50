-- name: missing
-- Those of the newest issues first: what people look for most is found at once, however long the archive is.
SELECT a.id, a.title, a.credit, a.blocks FROM articles a
WHERE a.id IN (SELECT m.id FROM articles m JOIN issues i ON i.id = m.issue_id
               LEFT JOIN article_texts t ON t.article_id = m.id
               WHERE t.article_id IS NULL ORDER BY COALESCE(i.date, '') DESC, m.id DESC LIMIT :most)
ORDER BY a.id

-- name: unindexed
SELECT COUNT(*) AS articles FROM articles a LEFT JOIN article_texts t ON t.article_id = a.id
WHERE t.article_id IS NULL

-- name: add_text
INSERT INTO article_texts (article_id, title, text) VALUES (:id, :title, :text)

-- name: add_term
INSERT INTO article_terms (article_id, term) VALUES (:id, :term)

-- name: forget_texts
DELETE FROM article_texts WHERE article_id IN (:ids)

-- name: forget_terms
DELETE FROM article_terms WHERE article_id IN (:ids)

-- name: clear_texts
DELETE FROM article_texts

-- name: clear_terms
DELETE FROM article_terms

-- name: having_terms
SELECT t.article_id AS id, t.title, t.text, i.date
FROM (SELECT article_id FROM article_terms WHERE term IN (:terms) GROUP BY article_id HAVING COUNT(*) = :count) s
JOIN article_texts t ON t.article_id = s.article_id
JOIN articles a ON a.id = t.article_id
JOIN issues i ON i.id = a.issue_id
JOIN columns c ON c.issue_id = a.issue_id AND c.position = a.column_position
WHERE 1 = 1 {filter}

-- name: all_texts
SELECT t.article_id AS id, t.title, t.text, i.date
FROM article_texts t
JOIN articles a ON a.id = t.article_id
JOIN issues i ON i.id = a.issue_id
JOIN columns c ON c.issue_id = a.issue_id AND c.position = a.column_position
WHERE 1 = 1 {filter}

-- name: filter_bulletin
AND i.bulletin = :bulletin

-- name: filter_column
AND (c.key = :column OR c.name = :column)

-- name: filter_tags
-- Those with the tags are found once, and not looked for with each article.
AND a.id IN (SELECT da.article_id FROM digest_tags g JOIN digest_articles da ON da.digest_id = g.digest_id AND da.bit = g.bit
             WHERE g.tag IN (:tags))

-- name: filter_since
AND i.date >= :since

-- name: filter_until
AND i.date <= :until

-- name: filter_public
-- As on the pages (web/reading.sql).
AND i.state IN ('approved', 'sending', 'paused', 'sent')

-- name: shown
SELECT a.id, a.position, a.title, a.credit, a.blocks, a.parks, a.topics, i.bulletin, i.ref, i.date, c.name AS column
FROM articles a
JOIN issues i ON i.id = a.issue_id
JOIN columns c ON c.issue_id = a.issue_id AND c.position = a.column_position
WHERE a.id IN (:ids)
