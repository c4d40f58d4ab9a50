-- Mail that came back after it was accepted, complaints about it, and what was refused for now in the end. `kind` is
-- hard, soft, block or complaint; `status` an enhanced code (RFC 3463) or ''; `source` smtp (refused in the session),
-- imap, maildir, listener or file. `key` makes that a report counts once, however often it comes. `standing` is how a
-- row stands in the endpoint's score: new (not looked at yet), counted, spent (a pause has come of it).
-- No reference to messages: a report may outlive one, and the endpoint is 0 where none is known.
CREATE TABLE bounces (
  id {id},
  key TEXT NOT NULL UNIQUE,
  message_id BIGINT NOT NULL,
  endpoint_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT '',
  diagnostic TEXT NOT NULL DEFAULT '',
  source TEXT NOT NULL,
  standing TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX bounces_by_message ON bounces (message_id);
CREATE INDEX bounces_by_endpoint ON bounces (endpoint_id, at);
CREATE INDEX bounces_by_time ON bounces (at);
CREATE INDEX bounces_new ON bounces (endpoint_id) WHERE standing = 'new';
