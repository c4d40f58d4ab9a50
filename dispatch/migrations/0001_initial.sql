-- Issues as they were taken in. `ref` is the issue's name within its bulletin; `fingerprint` that of its content.
-- `planned_at` is set when all of an issue's deliveries are written: a plan cut short is taken up again.
CREATE TABLE issues (
  id {id},
  bulletin TEXT NOT NULL,
  ref TEXT NOT NULL,
  title TEXT NOT NULL,
  publisher TEXT NOT NULL,
  year INTEGER NOT NULL,
  number BIGINT NOT NULL,
  total BIGINT NOT NULL,
  date TEXT,
  state TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  revision INTEGER NOT NULL DEFAULT 1,
  source TEXT NOT NULL,
  warnings TEXT NOT NULL,
  added_at BIGINT NOT NULL,
  approved_at BIGINT,
  approved_by TEXT NOT NULL DEFAULT '',
  publish_at BIGINT,
  planned_at BIGINT,
  ended_at BIGINT,
  UNIQUE (bulletin, ref)
);

CREATE TABLE columns (
  issue_id BIGINT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  name_en TEXT NOT NULL,
  contents_name TEXT NOT NULL,
  PRIMARY KEY (issue_id, position)
);

-- `position` counts the articles of an issue from 1; blocks, parks and topics are JSON.
CREATE TABLE articles (
  id {id},
  issue_id BIGINT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
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
  id {id},
  issue_id BIGINT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
  column_position INTEGER NOT NULL,
  part INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  UNIQUE (issue_id, column_position, part)
);

CREATE TABLE digest_articles (
  digest_id BIGINT NOT NULL REFERENCES digests (id) ON DELETE CASCADE,
  article_id BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
  bit BIGINT NOT NULL,
  PRIMARY KEY (digest_id, article_id)
);

-- Which article (by its bit) carries which tag.
CREATE TABLE digest_tags (
  digest_id BIGINT NOT NULL REFERENCES digests (id) ON DELETE CASCADE,
  tag TEXT NOT NULL,
  bit BIGINT NOT NULL,
  PRIMARY KEY (digest_id, tag, bit)
) {clustered};

-- What one send sends to one endpoint. `content` names digests and variants where no delivery does (tests).
-- `digest_id` is that of a single digest (NULL for the others).
-- `epoch` grows with each claim: who holds an older one settles nothing.
CREATE TABLE messages (
  id {id},
  key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  endpoint_id BIGINT,
  digest_id BIGINT,
  channel TEXT NOT NULL,
  queue TEXT NOT NULL,
  address TEXT NOT NULL DEFAULT '',
  language TEXT NOT NULL DEFAULT '',
  content TEXT NOT NULL DEFAULT '',
  priority INTEGER NOT NULL,
  state TEXT NOT NULL,
  due_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  owner TEXT NOT NULL DEFAULT '',
  lease_until BIGINT NOT NULL DEFAULT 0,
  epoch BIGINT NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  parts_done INTEGER NOT NULL DEFAULT 0,
  provider_id TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE INDEX messages_due ON messages (queue, priority, due_at, id) WHERE state = 'queued';
CREATE INDEX messages_leased ON messages (owner, lease_until) WHERE state = 'sending';

-- Who is owed which digest, once for ever. No reference to endpoints: the proof outlives the person's data.
CREATE TABLE deliveries (
  id {id},
  digest_id BIGINT NOT NULL REFERENCES digests (id),
  endpoint_id BIGINT NOT NULL,
  variant BIGINT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  message_id BIGINT REFERENCES messages (id),
  planned_at BIGINT NOT NULL,
  ended_at BIGINT,
  UNIQUE (digest_id, endpoint_id)
);
CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint_id);
CREATE INDEX deliveries_by_message ON deliveries (message_id);
CREATE INDEX deliveries_planned ON deliveries (digest_id) WHERE state = 'planned';

CREATE TABLE attempts (
  id {id},
  message_id BIGINT NOT NULL REFERENCES messages (id),
  number BIGINT NOT NULL,
  part INTEGER NOT NULL,
  lane TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  duration_ms INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  code TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX attempts_by_message ON attempts (message_id);

-- What a source remembers between two looks: validators of a web address, for one.
CREATE TABLE sources (
  name TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  checked_at BIGINT NOT NULL
);

-- One row: what tells this installation's message ids from any other's.
CREATE TABLE installation (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL
);
