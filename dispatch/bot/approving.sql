-- name: notices
-- Where those who may approve were told of an issue by a bot, the last first; `said` is what the channel wrote down of
-- the message that it made (`dispatch.channels.telegram.message_of`).
SELECT m.address, m.language, a.detail AS said FROM messages m
JOIN attempts a ON a.message_id = m.id AND a.outcome = 'sent'
WHERE m.key >= :low AND m.key < :high AND m.kind = 'notice' AND m.channel = 'telegram' AND m.queue = :queue
  AND m.state = 'sent' ORDER BY a.id DESC LIMIT :most

-- name: drop_notices
-- Nobody need be asked any more.
UPDATE messages SET state = 'cancelled', reason = 'somebody has decided', content = '', ended_at = :now
WHERE key >= :low AND key < :high AND kind = 'notice' AND state = 'queued'
