-- Until when a paused endpoint is paused (NULL: until somebody says so).
ALTER TABLE endpoints ADD COLUMN paused_until BIGINT;
CREATE INDEX endpoints_paused ON endpoints (paused_until) WHERE paused_until IS NOT NULL;

-- An endpoint that is taken away from its subscriber gets a subscriber of its own, who is removed: this is whose it was,
-- for the day on which they want to see or erase what is kept of them.
ALTER TABLE subscribers ADD COLUMN was_of BIGINT;
CREATE INDEX subscribers_was_of ON subscribers (was_of) WHERE was_of IS NOT NULL;

-- What somebody began to follow and wants the newest digest of, as soon as their endpoint is active.
CREATE TABLE firsts (
  endpoint_id BIGINT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
  tag TEXT NOT NULL,
  PRIMARY KEY (endpoint_id, tag)
) {clustered};

-- Words that people have agreed to, each once.
CREATE TABLE consent_texts (
  id {id},
  text TEXT NOT NULL UNIQUE
);

-- How somebody came to be written to, step by step: asked (a confirmation is on its way), given, withdrawn. Rows are
-- added and never changed. `basis` says it in words; `origin` is the network address it came from, or the file; `wish`
-- is what applies when what was asked is confirmed (JSON); `answers` is the row that a yes answers.
CREATE TABLE consents (
  id {id},
  endpoint_id BIGINT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
  step TEXT NOT NULL,
  basis TEXT NOT NULL,
  text_id BIGINT REFERENCES consent_texts (id),
  way TEXT NOT NULL,
  origin TEXT NOT NULL DEFAULT '',
  wish TEXT NOT NULL DEFAULT '',
  answers BIGINT,
  at BIGINT NOT NULL
);
CREATE INDEX consents_by_endpoint ON consents (endpoint_id, id);

-- Addresses to which nothing goes, though no endpoint has them any more: keyed hashes, for they outlive the person's
-- data.
CREATE TABLE suppressions (
  address_hash TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  at BIGINT NOT NULL
);

-- One row: the key of these hashes, and of those in `asks`.
CREATE TABLE hash_key (
  id INTEGER PRIMARY KEY,
  secret TEXT NOT NULL
);

-- Confirmations that strangers asked for lately, by the hash of the address and of the network, to keep count.
CREATE TABLE asks (
  id {id},
  who TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX asks_by_who ON asks (who, at);
CREATE INDEX asks_by_time ON asks (at);

-- Who changed what, when and by which way (command, file, page, mail, bot, provider, schedule). `subject` is a kind
-- of thing (subscriber, endpoint, issue, …) and `subject_id` which one ('' where there is but one). `detail` is JSON.
CREATE TABLE audit (
  id {id},
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  way TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  subject_id TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT ''
);
CREATE INDEX audit_by_subject ON audit (subject, subject_id, id);
CREATE INDEX audit_by_time ON audit (at);

-- What was known of consent before it was kept step by step.
INSERT INTO consents (endpoint_id, step, basis, way, at)
SELECT id, 'given', consent, 'command', COALESCE(consented_at, created_at) FROM endpoints WHERE consent <> '' ORDER BY id;
INSERT INTO consents (endpoint_id, step, basis, way, at)
SELECT id, 'withdrawn', reason, 'page', changed_at FROM endpoints
WHERE state = 'suppressed' AND reason = 'unsubscribed by the reader' ORDER BY id;
