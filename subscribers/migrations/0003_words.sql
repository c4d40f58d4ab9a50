-- Which of the articles that an endpoint follows it gets: those that hold one of its words (if it has any that are not
-- `excluded`), and none of the excluded ones. `word` is as the reader wrote it, `folded` as it is looked for.
CREATE TABLE words (
  endpoint_id BIGINT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
  folded TEXT NOT NULL,
  word TEXT NOT NULL,
  excluded INTEGER NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (endpoint_id, folded)
) {clustered};
