-- What a lane remembers, whoever runs it: an open breaker and a not-before time outlive the process.
-- `not_before` was set at `changed_at`, so that a clock that was set back lengthens no rest; `rest_ms` is our own part
-- of it, which doubles.
-- `sent`, `retried` and `failed` count attempts since the installation; `busy_ms` is the time they took together.
CREATE TABLE lanes (
  name TEXT PRIMARY KEY,
  queue TEXT NOT NULL,
  breaker TEXT NOT NULL DEFAULT 'closed',
  rest_ms BIGINT NOT NULL DEFAULT 0,
  not_before BIGINT NOT NULL DEFAULT 0,
  reason TEXT NOT NULL DEFAULT '',
  changed_at BIGINT NOT NULL DEFAULT 0,
  sent BIGINT NOT NULL DEFAULT 0,
  retried BIGINT NOT NULL DEFAULT 0,
  failed BIGINT NOT NULL DEFAULT 0,
  busy_ms BIGINT NOT NULL DEFAULT 0
);

-- The same counts by the minute (since 1970), for rates; kept for two days.
CREATE TABLE lane_minutes (
  minute BIGINT NOT NULL,
  lane TEXT NOT NULL,
  sent BIGINT NOT NULL,
  retried BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  busy_ms BIGINT NOT NULL,
  PRIMARY KEY (minute, lane)
) {clustered};

-- What only one process may do at a time (`scheduler`, `web`, `lane/NAME/0`), and who does it until when.
-- Each running process holds `process/OWNER`.
CREATE TABLE leases (
  name TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL
);

-- Parts of an issue that a person has paused: a column (-1: all), a channel ('': all). A whole issue that is paused
-- says so in its state.
CREATE TABLE holds (
  issue_id BIGINT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
  column_position INTEGER NOT NULL,
  channel TEXT NOT NULL,
  held_at BIGINT NOT NULL,
  held_by TEXT NOT NULL,
  PRIMARY KEY (issue_id, column_position, channel)
);

-- A message that is paused lies out of the way of those that are due: since when, and for which digest's sake.
ALTER TABLE messages ADD COLUMN paused_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN paused_for BIGINT;
CREATE INDEX messages_paused ON messages (paused_for, channel, id) WHERE state = 'paused';

-- Sweeps over what is still owed of a digest go by id.
DROP INDEX deliveries_planned;
CREATE INDEX deliveries_planned ON deliveries (digest_id, id) WHERE state = 'planned';
