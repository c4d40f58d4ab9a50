-- What chat users have sent to a bot (its number, as in the token), before it is answered. An update that was handled has
-- no body, and when all replies to it were begun none of these either: the row stays for a while so that the same update
-- is known if it comes again. `replies` are calls of the Bot API as JSON; the first `begun` of them are not made again.
CREATE TABLE bot_updates (
  bot BIGINT NOT NULL,
  update_id BIGINT NOT NULL,
  actor BIGINT NOT NULL,
  body TEXT NOT NULL,
  replies TEXT NOT NULL DEFAULT '',
  begun BIGINT NOT NULL DEFAULT 0,
  added_at BIGINT NOT NULL,
  PRIMARY KEY (bot, update_id)
);
CREATE INDEX bot_updates_open ON bot_updates (bot, update_id) WHERE body <> '' OR replies <> '';

-- The groups and channels that a bot is in, as far as it was told. `name` is the @name of a public one.
CREATE TABLE bot_chats (
  bot BIGINT NOT NULL,
  chat_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  name TEXT NOT NULL,
  may_write BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (bot, chat_id)
);

-- Which chat a user manages from the private chat with a bot.
CREATE TABLE bot_managing (
  bot BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  address TEXT NOT NULL,
  title TEXT NOT NULL,
  PRIMARY KEY (bot, user_id)
);

-- The @names of the bots, as the Bot API told them when their conversation began.
CREATE TABLE bots (
  bot BIGINT NOT NULL PRIMARY KEY,
  username TEXT NOT NULL
);
