-- name: issue
SELECT * FROM issues WHERE bulletin = :bulletin AND ref = :ref

-- name: issues_called
SELECT id, bulletin, ref FROM issues WHERE ref = :ref AND (:bulletin = '' OR bulletin = :bulletin) ORDER BY bulletin

-- name: issues
SELECT i.*, (SELECT COUNT(*) FROM columns c WHERE c.issue_id = i.id AND c.dropped = 0) AS columns,
       (SELECT COUNT(*) FROM articles a WHERE a.issue_id = i.id) AS articles,
       (SELECT COALESCE(MAX(r.revision), 0) FROM revisions r WHERE r.issue_id = i.id AND r.state = 'proposed') AS proposed
FROM issues i WHERE :state = '' OR i.state = :state ORDER BY i.date DESC NULLS LAST, i.id DESC

-- name: issue_by_id
SELECT * FROM issues WHERE id = :id

-- name: bulletins
SELECT DISTINCT bulletin FROM issues ORDER BY bulletin

-- name: add_issue
INSERT INTO issues (bulletin, ref, title, publisher, year, number, total, date, state, fingerprint, revision, source,
                    warnings, added_at)
VALUES (:bulletin, :ref, :title, :publisher, :year, :number, :total, :date, :state, :fingerprint, :revision, :source,
        :warnings, :now)
RETURNING id

-- name: clear_columns
DELETE FROM columns WHERE issue_id = :id

-- name: clear_articles
DELETE FROM articles WHERE issue_id = :id

-- name: clear_digests
DELETE FROM digests WHERE issue_id = :id

-- name: change_issue
-- To other content. The name it goes by, and so bulletin and total, stay.
UPDATE issues SET title = :title, publisher = :publisher, year = :year, number = :number, date = :date,
                  fingerprint = :fingerprint, revision = :revision, source = :source, warnings = :warnings
WHERE id = :id

-- name: add_column
INSERT INTO columns (issue_id, position, key, name, name_en, contents_name)
VALUES (:issue_id, :position, :key, :name, :name_en, :contents_name)

-- name: add_article
INSERT INTO articles (issue_id, column_position, position, title, credit, blocks, parks, topics)
VALUES (:issue_id, :column_position, :position, :title, :credit, :blocks, :parks, :topics)
RETURNING id

-- name: add_digest
INSERT INTO digests (issue_id, column_position, part, parts) VALUES (:issue_id, :column_position, :part, :parts)
RETURNING id

-- name: add_digest_article
INSERT INTO digest_articles (digest_id, article_id, bit) VALUES (:digest_id, :article_id, :bit)

-- name: add_digest_tag
INSERT INTO digest_tags (digest_id, tag, bit) VALUES (:digest_id, :tag, :bit)

-- name: columns
SELECT position, key, name, name_en, contents_name FROM columns
WHERE issue_id = :issue_id AND dropped = 0 ORDER BY position

-- name: articles
SELECT id, column_position, position, title, credit, blocks, parks, topics FROM articles
WHERE issue_id = :issue_id ORDER BY position

-- name: digests
-- Those with articles: of what a revision has left out only the deliveries speak.
SELECT d.id, d.part, d.parts, c.name AS column_name, c.key AS column_key
FROM digests d JOIN columns c ON c.issue_id = d.issue_id AND c.position = d.column_position
WHERE d.issue_id = :issue_id AND EXISTS (SELECT 1 FROM digest_articles a WHERE a.digest_id = d.id)
ORDER BY d.column_position, d.part

-- name: digest
SELECT d.id, d.issue_id, d.part, d.parts, c.name AS column_name, c.name_en AS column_en, i.bulletin, i.ref, i.title,
       i.publisher, i.year, i.number, i.total, i.date, i.revision
FROM digests d
JOIN columns c ON c.issue_id = d.issue_id AND c.position = d.column_position
JOIN issues i ON i.id = d.issue_id
WHERE d.id = :id

-- name: digest_articles
SELECT a.title, a.credit, a.blocks, a.parks, a.topics, a.position, da.bit
FROM digest_articles da JOIN articles a ON a.id = da.article_id
WHERE da.digest_id = :id ORDER BY a.position

-- name: digest_tags
SELECT tag, bit FROM digest_tags WHERE digest_id = :id ORDER BY tag, bit

-- name: set_state
UPDATE issues SET state = :to WHERE id = :id AND state = :from

-- name: approve
UPDATE issues SET state = 'approved', approved_at = :now, approved_by = :by WHERE id = :id AND state = 'held'

-- name: source
SELECT state FROM sources WHERE name = :name

-- name: set_source
INSERT INTO sources (name, state, checked_at) VALUES (:name, :state, :now)
ON CONFLICT (name) DO UPDATE SET state = excluded.state, checked_at = excluded.checked_at

-- name: add_revision
INSERT INTO revisions (issue_id, revision, fingerprint, state, source, original, added_at, warnings, content)
VALUES (:issue_id, :revision, :fingerprint, :state, :source, :original, :now, :warnings, :content)

-- name: revisions
SELECT r.issue_id, r.revision, r.fingerprint, r.state, r.source, r.original, r.added_at, r.decided_at, r.decided_by,
       r.owing
FROM revisions r WHERE r.issue_id = :id ORDER BY r.revision

-- name: revision
SELECT * FROM revisions WHERE issue_id = :id AND revision = :revision

-- name: set_revision_state
UPDATE revisions SET state = :to, decided_by = :by, decided_at = :now
WHERE issue_id = :id AND revision = :revision

-- name: supersede
-- Whatever is in a state: the one current or the one proposed.
UPDATE revisions SET state = 'superseded' WHERE issue_id = :id AND state = :from
