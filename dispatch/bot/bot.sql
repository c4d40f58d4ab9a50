-- name: take_in
INSERT INTO bot_updates (bot, update_id, actor, body, added_at) VALUES (:bot, :update_id, :actor, :body, :now)
ON CONFLICT (bot, update_id) DO NOTHING

-- name: open
-- What is not handled yet, or not answered.
SELECT update_id, actor, body, replies, begun FROM bot_updates
WHERE bot = :bot AND (body <> '' OR replies <> '') ORDER BY update_id LIMIT :page

-- name: newest
SELECT update_id, added_at FROM bot_updates WHERE bot = :bot ORDER BY added_at DESC, update_id DESC LIMIT 1

-- name: is_open
SELECT 1 FROM bot_updates WHERE bot = :bot AND update_id = :update_id AND body <> ''

-- name: handled
-- Who acted is known no longer than something is to be said.
UPDATE bot_updates SET body = '', replies = :replies, begun = 0, actor = CASE WHEN :replies = '' THEN 0 ELSE actor END
WHERE bot = :bot AND update_id = :update_id

-- name: begun
-- Only one of two processes that think they are to speak goes on.
UPDATE bot_updates SET begun = :begun WHERE bot = :bot AND update_id = :update_id AND begun = :was AND replies <> ''

-- name: one
SELECT update_id, actor, body, replies, begun FROM bot_updates
WHERE bot = :bot AND update_id = :update_id AND (body <> '' OR replies <> '')

-- name: ended
UPDATE bot_updates SET body = '', replies = '', actor = 0 WHERE bot = :bot AND update_id = :update_id

-- name: prune
DELETE FROM bot_updates WHERE bot = :bot AND added_at < :before AND body = '' AND replies = ''

-- name: name_bot
INSERT INTO bots (bot, username) VALUES (:bot, :username)
ON CONFLICT (bot) DO UPDATE SET username = excluded.username WHERE bots.username <> excluded.username

-- name: sign
-- How the conversation of a bot goes. What was wrong goes on being wrong since the first time that it was said.
INSERT INTO bots (bot, username, name, updates, trouble, trouble_at)
VALUES (:bot, '', :name, :updates, :trouble, :trouble_at)
ON CONFLICT (bot) DO UPDATE SET name = excluded.name, updates = excluded.updates, trouble = excluded.trouble,
  trouble_at = CASE WHEN bots.trouble <> '' AND excluded.trouble <> '' THEN bots.trouble_at
                    ELSE excluded.trouble_at END

-- name: no_other_of_name
-- A name in the settings may get another token, and so be another bot.
UPDATE bots SET name = '' WHERE name = :name AND bot <> :bot

-- name: handled_at
UPDATE bots SET handled_at = :now WHERE bot = :bot

-- name: unknown_reply
UPDATE bots SET replies_unknown = replies_unknown + 1 WHERE bot = :bot

-- name: left_reply
UPDATE bots SET replies_unknown = replies_unknown + 1
WHERE bot = :bot AND EXISTS (SELECT 1 FROM bot_updates u
                             WHERE u.bot = :bot AND u.update_id = :update_id AND u.replies <> '' AND u.begun > 0)

-- name: bot_name
SELECT username FROM bots WHERE bot = :bot

-- name: data_given
-- When somebody last had their data.
SELECT MAX(at) FROM audit WHERE subject = 'endpoint' AND subject_id = :id AND action = :action
