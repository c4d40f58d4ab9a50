-- What the ledger holds of an endpoint's person. Messages are found by their keys, which have the endpoint in them, and
-- not by endpoint_id, which no index has: `digest:DIGEST:ENDPOINT`, `bundle:ENDPOINT:TIME`; those of other kinds are few.

-- name: deliveries
SELECT id, digest_id, message_id FROM deliveries
WHERE endpoint_id = :endpoint AND id > :after ORDER BY id LIMIT :page

-- name: by_key
SELECT id FROM messages WHERE key IN (:keys)

-- name: between
SELECT id FROM messages WHERE key >= :low AND key < :high

-- name: other_kinds
-- Of the rest: what goes to the endpoint, and to the bare address.
SELECT id FROM messages
WHERE (key < 'bundle:' OR (key >= 'bundle;' AND key < 'digest:') OR key >= 'digest;')
  AND (endpoint_id IN (:endpoints) OR (endpoint_id IS NULL AND lower(address) IN (:addresses)))

-- name: messages
SELECT id, key, kind, endpoint_id, digest_id, channel, queue, address, language, content, priority, state, due_at,
       expires_at, attempts, parts_done, provider_id, reason, created_at, ended_at, paused_at
FROM messages WHERE id IN (:ids) ORDER BY id

-- name: attempts
SELECT message_id, number, part, lane, started_at, duration_ms, outcome, code, detail
FROM attempts WHERE message_id IN (:ids) ORDER BY id

-- name: end_waiting
-- Those that wait, and those whose sender's time is over: with a later epoch it can settle nothing.
UPDATE messages SET state = 'suppressed', owner = '', lease_until = 0, epoch = epoch + 1, ended_at = :now
WHERE id IN (:ids) AND (state IN ('queued', 'paused') OR (state = 'sending' AND lease_until <= :now))

-- name: end_owed
UPDATE deliveries SET state = 'suppressed', ended_at = :now
WHERE endpoint_id IN (:endpoints) AND state = 'planned' AND NOT EXISTS (
  SELECT 1 FROM messages m WHERE m.id = deliveries.message_id AND m.state IN ('queued', 'paused', 'sending'))

-- name: sending
SELECT COUNT(*) FROM messages WHERE id IN (:ids) AND state = 'sending'

-- name: strip_deliveries
UPDATE deliveries SET reason = '' WHERE id IN (:ids) AND reason <> ''

-- name: strip_messages
UPDATE messages SET reason = '', provider_id = '', address = '', content = '', queue = channel
WHERE id IN (:ids)

-- name: strip_attempts
UPDATE attempts SET detail = '', lane = COALESCE((
  SELECT m.channel FROM messages m WHERE m.id = attempts.message_id AND m.channel NOT IN ('email', 'telegram')), lane)
WHERE message_id IN (:ids)

-- name: reasons_of_lanes
SELECT name, reason FROM lanes WHERE reason <> ''

-- name: blank_lane
UPDATE lanes SET reason = '' WHERE name = :name AND reason = :reason

-- name: drop_minutes
DELETE FROM lane_minutes WHERE lane IN (SELECT name FROM lanes WHERE queue = :queue)

-- name: drop_lanes
DELETE FROM lanes WHERE queue = :queue

-- name: public_name
SELECT 1 FROM articles WHERE title LIKE :pattern OR credit LIKE :pattern OR blocks LIKE :pattern LIMIT 1

-- name: chats
-- What a bot knows of the chats themselves, by their ids or public names.
SELECT bot, chat_id, kind, title, name, may_write, changed_at FROM bot_chats
WHERE chat_id IN (:chats) OR (name <> '' AND '@' || lower(name) IN (:names)) ORDER BY bot, chat_id

-- name: managed
-- Which chats their users manage from the private chat, or who manages these.
SELECT bot, user_id, address, title FROM bot_managing
WHERE user_id IN (:chats) OR address IN (:addresses) ORDER BY bot, user_id

-- name: unanswered
SELECT bot, update_id, actor, body, replies, begun, added_at FROM bot_updates WHERE actor IN (:chats)
ORDER BY bot, update_id

-- name: drop_chats
DELETE FROM bot_chats WHERE chat_id IN (:chats) OR (name <> '' AND '@' || lower(name) IN (:names))

-- name: drop_managed
DELETE FROM bot_managing WHERE user_id IN (:chats) OR address IN (:addresses)

-- name: blank_unanswered
-- The number stays, by which the same update is known when it comes again.
UPDATE bot_updates SET actor = 0, body = '', replies = '' WHERE actor IN (:chats)

-- name: managers
-- Which chats their users were seen to administer, or who was seen to administer these.
SELECT bot, user_id, chat_id, seen_at FROM bot_managers WHERE user_id IN (:chats) OR chat_id IN (:chats)
ORDER BY bot, user_id, chat_id

-- name: drop_managers
DELETE FROM bot_managers WHERE user_id IN (:chats) OR chat_id IN (:chats)
