-- name: load
SELECT state, kind, checked_at, failures, failing_since, last_error, next_at, asked, last_taken, taken_at
FROM sources WHERE name = :name

-- name: all
SELECT name, kind, checked_at, failures, failing_since, last_error, next_at, asked, last_taken, taken_at
FROM sources ORDER BY name

-- name: save
INSERT INTO sources (name, state, kind, checked_at, failures, failing_since, last_error, next_at, asked, last_taken,
                     taken_at)
VALUES (:name, :state, :kind, :checked_at, :failures, :failing_since, :last_error, :next_at, :asked, :last_taken,
        :taken_at)
ON CONFLICT (name) DO UPDATE SET
  state = excluded.state, kind = excluded.kind, checked_at = excluded.checked_at, failures = excluded.failures,
  failing_since = excluded.failing_since, last_error = excluded.last_error, next_at = excluded.next_at,
  asked = excluded.asked, last_taken = excluded.last_taken, taken_at = excluded.taken_at

-- name: settle
-- A source that the settings have no longer fails no longer.
UPDATE sources SET failures = 0, failing_since = NULL, last_error = '' WHERE name = :name

-- name: items
SELECT item, outcome, digest, etag, modified, mark, tries, added_at, asked_at FROM source_items WHERE source = :source

-- name: save_item
INSERT INTO source_items (source, item, outcome, digest, etag, modified, mark, tries, added_at, asked_at)
VALUES (:source, :item, :outcome, :digest, :etag, :modified, :mark, :tries, :added_at, :asked_at)
ON CONFLICT (source, item) DO UPDATE SET
  outcome = excluded.outcome, digest = excluded.digest, etag = excluded.etag, modified = excluded.modified,
  mark = excluded.mark, tries = excluded.tries, asked_at = excluded.asked_at

-- name: oldest_kept
-- When the last of those was added that are kept.
SELECT added_at FROM source_items WHERE source = :source ORDER BY added_at DESC LIMIT 1 OFFSET :most

-- name: forget
DELETE FROM source_items WHERE source = :source AND added_at <= :before
