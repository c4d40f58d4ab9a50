-- How the receivers of webhooks and robots are, of those that have failed or were tested. `failing_since` is when the
-- first attempt of a row of failures ended (NULL: the last one went well), `failures` how many there are in that row,
-- `reached` whether the receiver itself has answered in it. `sent_at` is kept from the first failure or test on.
-- `paused_at` is when the endpoint was paused for it.
CREATE TABLE endpoint_health (
  endpoint_id BIGINT PRIMARY KEY REFERENCES endpoints (id) ON DELETE CASCADE,
  failing_since BIGINT,
  failures BIGINT NOT NULL DEFAULT 0,
  reached INTEGER NOT NULL DEFAULT 0,
  failed_at BIGINT,
  answer TEXT NOT NULL DEFAULT '',
  sent_at BIGINT,
  paused_at BIGINT
);
CREATE INDEX endpoint_health_failing ON endpoint_health (failing_since) WHERE failing_since IS NOT NULL;
CREATE INDEX endpoint_health_paused ON endpoint_health (paused_at) WHERE paused_at IS NOT NULL;
