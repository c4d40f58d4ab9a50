-- What an issue has said so far, a row each time its content changed. `content` is JSON with the tags (codec.issue_json).
-- `state`: current, proposed (other content of an issue that is out already; readers know nothing of it), superseded,
-- dismissed. `original` is the hash of the file that it came from, "" where none is known.
-- Of a revision that took another one's place while the issue was out, `changes` are the articles of which readers are
-- told (see dispatch/revisions.py), and `owing` says that their messages are not all queued yet. Of one whose place was
-- taken so, `layout` says which article was which bit of a digest: deliveries name digests, bits and the revision.
CREATE TABLE revisions (
  issue_id BIGINT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
  revision INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  state TEXT NOT NULL,
  source TEXT NOT NULL,
  original TEXT NOT NULL DEFAULT '',
  added_at BIGINT NOT NULL,
  decided_at BIGINT,
  decided_by TEXT NOT NULL DEFAULT '',
  owing INTEGER NOT NULL DEFAULT 0,
  changes TEXT NOT NULL DEFAULT '',
  layout TEXT NOT NULL DEFAULT '',
  warnings TEXT NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (issue_id, revision)
);
CREATE INDEX revisions_owing ON revisions (issue_id, revision) WHERE owing = 1;

-- The files that issues came from, by the SHA-256 of their bytes; `name` is what the source called it. The bytes are in
-- the folder of originals, where there is one. No reference: a row outlives its issue until the file is gone, too.
CREATE TABLE originals (
  hash TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  suffix TEXT NOT NULL,
  bytes BIGINT NOT NULL,
  added_at BIGINT NOT NULL,
  issue_id BIGINT NOT NULL,
  revision INTEGER NOT NULL
);

-- Which revision was sent; 0 for what has not been sent, and for what was sent before revisions were counted.
ALTER TABLE deliveries ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;

-- A column that a revision has left out: its digests stay for the sake of their deliveries.
ALTER TABLE columns ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
