-- Who was seen to administer which chat of a bot: what a user is offered to manage. It gives no right: that is asked anew.
CREATE TABLE bot_managers (
  bot BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  chat_id BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (bot, user_id, chat_id)
);
CREATE INDEX bot_managers_chat ON bot_managers (bot, chat_id);

-- What is wrong, or was: one row an incident that is open, `key` says of what. `seen_at` is when it was noticed, `told_at`
-- when those who see to it were told (NULL: not yet).
CREATE TABLE alarms (
  key TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  seen_at BIGINT NOT NULL,
  told_at BIGINT
);
