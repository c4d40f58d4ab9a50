-- `{id}` and `{clustered}` are filled in by subscribers/database.py. The words of states, cadences, languages and
-- formats are checked in code (subscribers/model.py): their lists grow.

-- A person or a team. `removed_at` keeps the row for the ledger after a removal.
CREATE TABLE subscribers (
  id {id},
  name TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  removed_at BIGINT
);

-- When somebody wants to be written to. Few rhythms serve all endpoints, so that due times are worked out once
-- a rhythm. Minutes count from midnight in the time zone; -1 stands for "not set", so that UNIQUE sees it.
CREATE TABLE rhythms (
  id {id},
  cadence TEXT NOT NULL,
  weekday BIGINT NOT NULL CHECK (weekday BETWEEN -1 AND 6),
  minute BIGINT NOT NULL CHECK (minute BETWEEN -1 AND 1439),
  timezone TEXT NOT NULL,
  quiet_from BIGINT NOT NULL CHECK (quiet_from BETWEEN -1 AND 1439),
  quiet_until BIGINT NOT NULL CHECK (quiet_until BETWEEN -1 AND 1439),
  UNIQUE (cadence, weekday, minute, timezone, quiet_from, quiet_until)
);

-- One address on one channel. `queue` is where its messages wait. `consent` is the basis on which it is written to.
-- People are looked up by address, so it stands first in its index.
CREATE TABLE endpoints (
  id {id},
  subscriber_id BIGINT NOT NULL REFERENCES subscribers (id),
  channel TEXT NOT NULL,
  address TEXT NOT NULL,
  queue TEXT NOT NULL,
  secret TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  consent TEXT NOT NULL DEFAULT '',
  consented_at BIGINT,
  language TEXT NOT NULL,
  format TEXT NOT NULL,
  bundled INTEGER NOT NULL CHECK (bundled IN (0, 1)),
  rhythm_id BIGINT NOT NULL REFERENCES rhythms (id),
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  UNIQUE (address, channel)
);
-- A mailbox is one, however its letters are written.
CREATE UNIQUE INDEX endpoints_by_mailbox ON endpoints (lower(address)) WHERE channel = 'email';
CREATE INDEX endpoints_by_subscriber ON endpoints (subscriber_id);

-- Ordered by tag: routing reads the followers of a tag in one range.
CREATE TABLE follows (
  tag TEXT NOT NULL,
  endpoint_id BIGINT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tag, endpoint_id)
) {clustered};
-- In the order in which they are shown.
CREATE INDEX follows_by_endpoint ON follows (endpoint_id, created_at, tag);

-- Keys that sign links. The newest signs; all of them verify.
CREATE TABLE signing_keys (
  id {id},
  secret TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
