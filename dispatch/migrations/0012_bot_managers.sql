-- Who was seen to administer which chat of a bot: what a user is offered to manage. It gives no right: that is asked anew.
CREATE TABLE bot_managers (
  bot BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  chat_id BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (bot, user_id, chat_id)
);
CREATE INDEX bot_managers_chat ON bot_managers (bot, chat_id);
