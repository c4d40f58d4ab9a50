-- By which catalog the articles of a revision were tagged: its fingerprint, "" where nobody noted it.
ALTER TABLE revisions ADD COLUMN catalog TEXT NOT NULL DEFAULT '';

-- What articles of issues that were out carried before they were tagged again: who got one by such a tag is told of its
-- corrections, too.
CREATE TABLE former_tags (
  digest_id BIGINT NOT NULL REFERENCES digests (id) ON DELETE CASCADE,
  tag TEXT NOT NULL,
  bit BIGINT NOT NULL,
  PRIMARY KEY (digest_id, tag, bit)
) {clustered};
