-- How each source of issues stands. `failures` counts looks that failed one after the other, `failing_since` is of the
-- first of them; `next_at` is when the next look is due, `asked` 1 where a server asked for that time.
ALTER TABLE sources ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE sources ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN failing_since BIGINT;
ALTER TABLE sources ADD COLUMN last_error TEXT NOT NULL DEFAULT '';
ALTER TABLE sources ADD COLUMN next_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN asked BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN last_taken TEXT NOT NULL DEFAULT '';
ALTER TABLE sources ADD COLUMN taken_at BIGINT;

-- What a source has had: a document by its address, file name or place in a mailbox. `outcome` is taken, refused, same
-- (the content of another), passed (older than the first look went), page (it led to others) or failed; `mark` is what
-- the listing says of its version.
CREATE TABLE source_items (
  source TEXT NOT NULL,
  item TEXT NOT NULL,
  outcome TEXT NOT NULL,
  digest TEXT NOT NULL,
  etag TEXT NOT NULL,
  modified TEXT NOT NULL,
  mark TEXT NOT NULL,
  tries BIGINT NOT NULL,
  added_at BIGINT NOT NULL,
  asked_at BIGINT NOT NULL,
  PRIMARY KEY (source, item)
);
