-- Incidents: what was found to be wrong, from `seen_at` on. `told_at` is when those who see to it were told (NULL: not yet),
-- `gone_at` when it was first not found any more (NULL: it still is), `over_at` when that had lasted.
CREATE TABLE alarms (
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  seen_at BIGINT NOT NULL,
  told_at BIGINT,
  gone_at BIGINT,
  over_at BIGINT,
  PRIMARY KEY (key, seen_at)
);

-- Whether anything of an issue was not sent in time.
CREATE INDEX deliveries_expired ON deliveries (digest_id) WHERE state = 'expired';
