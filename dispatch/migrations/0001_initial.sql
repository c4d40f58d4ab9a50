-- Issues as they were taken in. `ref` is the issue's name within its bulletin; `fingerprint` that of its content.
-- `planned_at` is set when all of an issue's deliveries are written: a plan cut short is taken up again.
CREATE TABLE issues (
  id INTEGER PRIMARY KEY,
  bulletin TEXT NOT NULL,
  ref TEXT NOT NULL,
  title TEXT NOT NULL,
  publisher TEXT NOT NULL,
  year INTEGER NOT NULL,
  number INTEGER NOT NULL,
  total INTEGER NOT NULL,
  date TEXT,
  state TEXT NOT NULL CHECK (state IN ('held', 'approved', 'sending', 'paused', 'sent', 'cancelled')),
  fingerprint TEXT NOT NULL,
  revision INTEGER NOT NULL DEFAULT 1,
  source TEXT NOT NULL,
  warnings TEXT NOT NULL,
  added_at INTEGER NOT NULL,
  approved_at INTEGER,
  approved_by TEXT NOT NULL DEFAULT '',
  publish_at INTEGER,
  planned_at INTEGER,
  ended_at INTEGER,
  UNIQUE (bulletin, ref)
);

CREATE TABLE columns (
  issue_id INTEGER NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  name_en TEXT NOT NULL,
  contents_name TEXT NOT NULL,
  PRIMARY KEY (issue_id, position)
);

-- `position` counts the articles of an issue from 1; blocks, parks and topics are JSON.
CREATE TABLE articles (
  id INTEGER PRIMARY KEY,
  issue_id INTEGER NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
  column_position INTEGER NOT NULL,
  position INTEGER NOT NULL,
  title TEXT NOT NULL,
  credit TEXT NOT NULL,
  blocks TEXT NOT NULL,
  parks TEXT NOT NULL,
  topics TEXT NOT NULL,
  UNIQUE (issue_id, position)
);

-- A column of at most 62 articles is one digest; a longer one is several parts.
CREATE TABLE digests (
  id INTEGER PRIMARY KEY,
  issue_id INTEGER NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
  column_position INTEGER NOT NULL,
  part INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  UNIQUE (issue_id, column_position, part)
);

CREATE TABLE digest_articles (
  digest_id INTEGER NOT NULL REFERENCES digests (id) ON DELETE CASCADE,
  article_id INTEGER NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
  bit INTEGER NOT NULL,
  PRIMARY KEY (digest_id, article_id)
);

-- Which article (by its bit) carries which tag.
CREATE TABLE digest_tags (
  digest_id INTEGER NOT NULL REFERENCES digests (id) ON DELETE CASCADE,
  tag TEXT NOT NULL,
  bit INTEGER NOT NULL,
  PRIMARY KEY (digest_id, tag, bit)
) WITHOUT ROWID;

-- What one send sends to one endpoint. `content` names digests and variants where no delivery does (tests).
-- `epoch` grows with each claim: who holds an older one settles nothing.
CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('digest', 'bundle', 'correction', 'confirm', 'notice', 'test')),
  endpoint_id INTEGER,
  channel TEXT NOT NULL,
  queue TEXT NOT NULL,
  address TEXT NOT NULL DEFAULT '',
  language TEXT NOT NULL DEFAULT '',
  content TEXT NOT NULL DEFAULT '',
  priority INTEGER NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'suppressed', 'cancelled', 'expired')),
  due_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  owner TEXT NOT NULL DEFAULT '',
  lease_until INTEGER NOT NULL DEFAULT 0,
  epoch INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  parts_done INTEGER NOT NULL DEFAULT 0,
  provider_id TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  ended_at INTEGER
);
CREATE INDEX messages_due ON messages (queue, priority, due_at, id) WHERE state = 'queued';
CREATE INDEX messages_leased ON messages (owner, lease_until) WHERE state = 'sending';

-- Who is owed which digest, once for ever. No reference to endpoints: the proof outlives the person's data.
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY,
  digest_id INTEGER NOT NULL REFERENCES digests (id),
  endpoint_id INTEGER NOT NULL,
  variant INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('planned', 'sent', 'failed', 'suppressed', 'cancelled', 'expired')),
  reason TEXT NOT NULL DEFAULT '',
  message_id INTEGER REFERENCES messages (id),
  planned_at INTEGER NOT NULL,
  ended_at INTEGER,
  UNIQUE (digest_id, endpoint_id)
);
CREATE INDEX deliveries_by_message ON deliveries (message_id);
CREATE INDEX deliveries_planned ON deliveries (digest_id) WHERE state = 'planned';

CREATE TABLE attempts (
  id INTEGER PRIMARY KEY,
  message_id INTEGER NOT NULL REFERENCES messages (id),
  number INTEGER NOT NULL,
  part INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('sent', 'retry', 'rejected')),
  code TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX attempts_by_message ON attempts (message_id);

-- What a source remembers between two looks: validators of a web address, for one.
CREATE TABLE sources (
  name TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  checked_at INTEGER NOT NULL
);

-- One row: what tells this installation's message ids from any other's.
CREATE TABLE installation (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  name TEXT NOT NULL
);
INSERT INTO installation (id, name) VALUES (1, lower(hex(randomblob(6))));
