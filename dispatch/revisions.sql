-- name: articles
SELECT id, column_position, position FROM articles WHERE issue_id = :id ORDER BY position

-- name: places
-- Which article is which bit of which digest, and what it carries there.
SELECT a.digest_id, a.article_id, a.bit, p.position FROM digest_articles a JOIN articles p ON p.id = a.article_id
WHERE p.issue_id = :id ORDER BY a.digest_id, a.bit

-- name: tags
-- What the articles carry, and what they carried before they were tagged again.
SELECT t.digest_id, t.bit, t.tag FROM digest_tags t JOIN digests g ON g.id = t.digest_id WHERE g.issue_id = :id
UNION ALL
SELECT t.digest_id, t.bit, t.tag FROM former_tags t JOIN digests g ON g.id = t.digest_id WHERE g.issue_id = :id

-- name: layouts
SELECT layout FROM revisions WHERE issue_id = :id AND layout <> '' ORDER BY revision

-- name: told
SELECT changes FROM revisions WHERE issue_id = :id AND changes <> '' ORDER BY revision

-- name: columns
SELECT position, dropped FROM columns WHERE issue_id = :id ORDER BY dropped, position

-- name: still_owed
-- How many are still to get an issue.
SELECT COUNT(*) AS deliveries FROM digests d JOIN deliveries v ON v.digest_id = d.id
WHERE d.issue_id = :id AND v.state = 'planned'

-- name: digests
SELECT id, part FROM digests WHERE issue_id = :id AND column_position = :column ORDER BY part

-- name: lift_articles
-- Out of the way: positions are given anew one by one, and no two may be the same meanwhile.
UPDATE articles SET position = -position, column_position = -2 - column_position WHERE issue_id = :id

-- name: lift_columns
UPDATE columns SET position = -2 - position WHERE issue_id = :id

-- name: lift_digests
UPDATE digests SET column_position = -2 - column_position WHERE issue_id = :id

-- name: lift_holds
-- -1 stands for all columns and stays.
UPDATE holds SET column_position = -2 - column_position WHERE issue_id = :id AND column_position >= 0

-- name: lift_cancels
UPDATE cancels SET column_position = -2 - column_position WHERE issue_id = :id AND column_position >= 0

-- name: put_column
UPDATE columns SET position = :to, dropped = :dropped WHERE issue_id = :id AND position = -2 - :from

-- name: put_digests
UPDATE digests SET column_position = :to WHERE issue_id = :id AND column_position = -2 - :from

-- name: put_holds
UPDATE holds SET column_position = :to WHERE issue_id = :id AND column_position = -2 - :from

-- name: put_cancels
UPDATE cancels SET column_position = :to WHERE issue_id = :id AND column_position = -2 - :from

-- name: name_column
UPDATE columns SET key = :key, name = :name, name_en = :name_en, contents_name = :contents_name
WHERE issue_id = :id AND position = :position

-- name: change_article
UPDATE articles SET column_position = :column, position = :position, title = :title, credit = :credit, blocks = :blocks,
                    parks = :parks, topics = :topics
WHERE id = :id

-- name: delete_article
DELETE FROM articles WHERE id = :id

-- name: take_out
DELETE FROM digest_articles WHERE article_id = :article

-- name: clear_tags
DELETE FROM digest_tags WHERE digest_id IN (SELECT id FROM digests WHERE issue_id = :id)

-- name: set_parts
UPDATE digests SET parts = :parts WHERE issue_id = :id AND column_position = :column

-- name: let_stand
-- The one that was current, with where its articles stood.
UPDATE revisions SET state = 'superseded', layout = :layout WHERE issue_id = :id AND revision = :revision

-- name: make_current
UPDATE revisions SET state = 'current', decided_at = :now, decided_by = :by, changes = :changes, owing = :owing
WHERE issue_id = :id AND revision = :revision
