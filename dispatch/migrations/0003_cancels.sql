-- Parts of an issue that a person has cancelled: a column (-1: all), a channel ('': all); also the whole of one, whose
-- state says so too. They are kept: another try of what failed looks here.
-- Deliveries are ended digest by digest; up to `delivery_id` of `digest_id` that is done, and all of it at `done_at`.
CREATE TABLE cancels (
  issue_id BIGINT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
  column_position INTEGER NOT NULL,
  channel TEXT NOT NULL,
  cancelled_at BIGINT NOT NULL,
  cancelled_by TEXT NOT NULL,
  digest_id BIGINT NOT NULL DEFAULT 0,
  delivery_id BIGINT NOT NULL DEFAULT 0,
  done_at BIGINT,
  PRIMARY KEY (issue_id, column_position, channel)
);
