-- name: save
INSERT INTO bot_chats (bot, chat_id, kind, title, name, may_write, changed_at)
VALUES (:bot, :chat_id, :kind, :title, :name, :may_write, :now)
ON CONFLICT (bot, chat_id) DO UPDATE SET kind = excluded.kind, title = excluded.title, name = excluded.name,
  may_write = excluded.may_write, changed_at = excluded.changed_at

-- name: met
INSERT INTO bot_chats (bot, chat_id, kind, title, name, may_write, changed_at)
VALUES (:bot, :chat_id, :kind, :title, :name, :may_write, :now)
ON CONFLICT (bot, chat_id) DO NOTHING

-- name: drop
DELETE FROM bot_chats WHERE bot = :bot AND chat_id = :chat_id

-- name: drop_managers
DELETE FROM bot_managers WHERE bot = :bot AND chat_id = :chat_id

-- name: drop_managing
-- Of the chat and its topics, which are written `CHAT/TOPIC`: "0" is the character after "/".
DELETE FROM bot_managing WHERE bot = :bot AND (address = :chat OR (address >= :low AND address < :high))

-- name: move
UPDATE bot_chats SET chat_id = :new, kind = 'supergroup', changed_at = :now
WHERE bot = :bot AND chat_id = :old
  AND NOT EXISTS (SELECT 1 FROM bot_chats there WHERE there.bot = :bot AND there.chat_id = :new)

-- name: move_managers
INSERT INTO bot_managers (bot, user_id, chat_id, seen_at)
SELECT m.bot, m.user_id, CAST(:new AS BIGINT), m.seen_at FROM bot_managers m
WHERE m.bot = :bot AND m.chat_id = :old
ON CONFLICT (bot, user_id, chat_id) DO NOTHING

-- name: move_managing
UPDATE bot_managing SET address = CAST(:new AS TEXT) || SUBSTR(address, LENGTH(CAST(:old AS TEXT)) + 1)
WHERE bot = :bot AND (address = :old OR (address >= :low AND address < :high))

-- name: seen_managing
INSERT INTO bot_managers (bot, user_id, chat_id, seen_at) VALUES (:bot, :user_id, :chat_id, :now)
ON CONFLICT (bot, user_id, chat_id) DO UPDATE SET seen_at = excluded.seen_at

-- name: managed_by
-- The chats that a user was seen to administer, the last one first.
SELECT c.chat_id, c.kind, c.title, c.may_write FROM bot_managers m
JOIN bot_chats c ON c.bot = m.bot AND c.chat_id = m.chat_id
WHERE m.bot = :bot AND m.user_id = :user_id ORDER BY m.seen_at DESC, c.chat_id LIMIT :most

-- name: managing
SELECT address, title FROM bot_managing WHERE bot = :bot AND user_id = :user_id

-- name: manage
INSERT INTO bot_managing (bot, user_id, address, title) VALUES (:bot, :user_id, :address, :title)
ON CONFLICT (bot, user_id) DO UPDATE SET address = excluded.address, title = excluded.title

-- name: manage_none
DELETE FROM bot_managing WHERE bot = :bot AND user_id = :user_id

-- name: seen_where
SELECT chat_id FROM bot_managers WHERE bot = :bot AND user_id = :user_id

-- name: seen_nowhere
DELETE FROM bot_managers WHERE bot = :bot AND user_id = :user_id
