-- name: installation
SELECT name FROM installation

-- name: name_installation
INSERT INTO installation (id, name) VALUES (1, :name) ON CONFLICT (id) DO NOTHING

-- name: to_plan
-- Approved issues whose time has come, and those whose plan was cut short.
SELECT id, bulletin, ref, state FROM issues
WHERE (state = 'approved' AND COALESCE(publish_at, 0) <= :now) OR (state = 'sending' AND planned_at IS NULL)
ORDER BY id

-- name: begin_plan
UPDATE issues SET state = 'sending', ended_at = NULL WHERE id = :id AND state = 'approved'

-- name: issue_state
SELECT state FROM issues WHERE id = :id

-- name: end_plan
UPDATE issues SET planned_at = :now WHERE id = :id AND state = 'sending'

-- name: highest_endpoint
SELECT COALESCE(MAX(id), 0) FROM endpoints

-- name: create_plan_due
CREATE TEMP TABLE IF NOT EXISTS plan_due (
  rhythm_id BIGINT NOT NULL, channel TEXT NOT NULL, due_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
  PRIMARY KEY (rhythm_id, channel)
) {on_commit_drop}

-- name: clear_plan_due
DELETE FROM plan_due

-- name: add_plan_due
INSERT INTO plan_due (rhythm_id, channel, due_at, expires_at) VALUES (:rhythm_id, :channel, :due_at, :expires_at)

-- name: plan_deliveries
-- The place in braces takes the SELECT of subscribers.routing.
INSERT INTO deliveries (digest_id, endpoint_id, variant, state, planned_at)
SELECT :digest_id, r.endpoint_id, r.variant, 'planned', :now FROM ({route}) r WHERE true
ON CONFLICT (digest_id, endpoint_id) DO NOTHING

-- name: count_route
SELECT r.channel, r.variant, COUNT(*) AS endpoints FROM ({route}) r
GROUP BY r.channel, r.variant ORDER BY r.channel, r.variant

-- name: bundled
-- Whether somebody of a slice wants bundles: most want none, and then nobody need be asked.
SELECT 1 FROM endpoints WHERE id > :low AND id <= :high AND bundled = 1 LIMIT 1

-- name: plan_bundles
-- One message for all that an endpoint is owed at one time.
INSERT INTO messages (key, kind, endpoint_id, channel, queue, priority, state, due_at, expires_at, created_at)
SELECT 'bundle:' || d.endpoint_id || ':' || p.due_at, 'bundle', d.endpoint_id, e.channel, e.queue, 1, 'queued',
       p.due_at, p.expires_at, :now
FROM deliveries d
JOIN endpoints e ON e.id = d.endpoint_id AND e.bundled = 1
JOIN plan_due p ON p.rhythm_id = e.rhythm_id AND p.channel = e.channel
WHERE d.digest_id = :digest_id AND d.endpoint_id > :low AND d.endpoint_id <= :high
  AND d.message_id IS NULL AND d.state = 'planned'
ON CONFLICT (key) DO NOTHING

-- name: lock_bundles
-- Those that are queued stay so until the deliveries have joined them.
SELECT m.id FROM deliveries d
JOIN endpoints e ON e.id = d.endpoint_id AND e.bundled = 1
JOIN plan_due p ON p.rhythm_id = e.rhythm_id AND p.channel = e.channel
JOIN messages m ON m.key = 'bundle:' || e.id || ':' || p.due_at AND m.state = 'queued'
WHERE d.digest_id = :digest_id AND d.endpoint_id > :low AND d.endpoint_id <= :high
  AND d.message_id IS NULL AND d.state = 'planned'
ORDER BY m.id {lock_messages}

-- name: join_bundles
-- A bundle that is on its way already takes nothing more: what is left gets a message of its own.
UPDATE deliveries SET message_id = (
  SELECT m.id FROM endpoints e
  JOIN plan_due p ON p.rhythm_id = e.rhythm_id AND p.channel = e.channel
  JOIN messages m ON m.key = 'bundle:' || e.id || ':' || p.due_at AND m.state = 'queued'
  WHERE e.id = deliveries.endpoint_id AND e.bundled = 1)
WHERE digest_id = :digest_id AND endpoint_id > :low AND endpoint_id <= :high
  AND message_id IS NULL AND state = 'planned'

-- name: plan_messages
INSERT INTO messages (key, kind, endpoint_id, digest_id, channel, queue, priority, state, due_at, expires_at,
                      created_at)
SELECT 'digest:' || d.digest_id || ':' || d.endpoint_id, 'digest', d.endpoint_id, d.digest_id, e.channel, e.queue, 1,
       'queued', p.due_at, p.expires_at, :now
FROM deliveries d
JOIN endpoints e ON e.id = d.endpoint_id
JOIN plan_due p ON p.rhythm_id = e.rhythm_id AND p.channel = e.channel
WHERE d.digest_id = :digest_id AND d.endpoint_id > :low AND d.endpoint_id <= :high
  AND d.message_id IS NULL AND d.state = 'planned'
ON CONFLICT (key) DO NOTHING

-- name: join_messages
UPDATE deliveries SET message_id = (
  SELECT m.id FROM messages m WHERE m.key = 'digest:' || deliveries.digest_id || ':' || deliveries.endpoint_id)
WHERE digest_id = :digest_id AND endpoint_id > :low AND endpoint_id <= :high
  AND message_id IS NULL AND state = 'planned'

-- name: first_edge
-- The last endpoint of the next page of those that are active and want the newest digest of something.
SELECT MAX(p.endpoint_id) FROM (
  SELECT DISTINCT f.endpoint_id FROM firsts f JOIN endpoints e ON e.id = f.endpoint_id AND e.state = 'active'
  ORDER BY f.endpoint_id LIMIT :page) p

-- name: plan_firsts
-- To each of them the newest digest that carries something of it: of the issue with the latest date and the highest
-- number its first column. What they follow no more counts for nothing, and what was cancelled is no digest any more.
-- CROSS JOIN keeps SQLite at the few that want something: all that carry a tag, or all that follow one, are many.
INSERT INTO deliveries (digest_id, endpoint_id, variant, state, planned_at)
WITH wanted AS (
  SELECT f.endpoint_id, e.channel, f.tag
  FROM firsts f
  CROSS JOIN endpoints e
  CROSS JOIN follows w
  WHERE f.endpoint_id <= :last AND e.id = f.endpoint_id AND e.state = 'active'
    AND w.tag = f.tag AND w.endpoint_id = f.endpoint_id),
published AS (
  SELECT g.id, g.issue_id, g.column_position,
         ROW_NUMBER() OVER (ORDER BY COALESCE(i.date, '') DESC, i.total DESC, i.id DESC, g.column_position, g.part) AS place
  FROM digests g JOIN issues i ON i.id = g.issue_id WHERE i.state IN ('sending', 'sent')),
newest AS (
  SELECT t.tag, s.channel, MIN(p.place) AS place
  FROM (SELECT DISTINCT tag, channel FROM wanted) s
  JOIN digest_tags t ON t.tag = s.tag
  JOIN published p ON p.id = t.digest_id
  WHERE NOT EXISTS (
    SELECT 1 FROM cancels x WHERE x.issue_id = p.issue_id AND x.column_position IN (-1, p.column_position)
      AND x.channel IN ('', s.channel))
  GROUP BY t.tag, s.channel),
chosen AS (
  SELECT w.endpoint_id, MIN(n.place) AS place
  FROM wanted w JOIN newest n ON n.tag = w.tag AND n.channel = w.channel GROUP BY w.endpoint_id)
SELECT p.id, c.endpoint_id, CAST(SUM(DISTINCT t.bit) AS BIGINT), 'planned', :now
FROM chosen c
CROSS JOIN published p
CROSS JOIN follows o
CROSS JOIN digest_tags t
WHERE p.place = c.place AND o.endpoint_id = c.endpoint_id AND t.digest_id = p.id AND t.tag = o.tag
GROUP BY p.id, c.endpoint_id
ON CONFLICT (digest_id, endpoint_id) DO NOTHING

-- name: plan_first_messages
INSERT INTO messages (key, kind, endpoint_id, digest_id, channel, queue, priority, state, due_at, expires_at,
                      created_at)
SELECT 'digest:' || d.digest_id || ':' || d.endpoint_id, 'digest', d.endpoint_id, d.digest_id, e.channel, e.queue, 1,
       'queued', p.due_at, p.expires_at, :now
FROM (SELECT DISTINCT f.endpoint_id FROM firsts f WHERE f.endpoint_id <= :last) f
CROSS JOIN deliveries d
CROSS JOIN endpoints e
JOIN plan_due p ON p.rhythm_id = e.rhythm_id AND p.channel = e.channel
WHERE d.endpoint_id = f.endpoint_id AND d.message_id IS NULL AND d.state = 'planned' AND e.id = d.endpoint_id
ON CONFLICT (key) DO NOTHING

-- name: join_first_messages
-- By the index of endpoints: without a message are all whose time of keeping is over, too.
UPDATE deliveries SET message_id = (
  SELECT m.id FROM messages m WHERE m.key = 'digest:' || deliveries.digest_id || ':' || deliveries.endpoint_id)
WHERE endpoint_id IN (SELECT f.endpoint_id FROM firsts f WHERE f.endpoint_id <= :last)
  AND COALESCE(message_id, 0) = 0 AND state = 'planned'

-- name: use_firsts
-- Who is not active yet keeps theirs.
DELETE FROM firsts WHERE endpoint_id <= :last
  AND EXISTS (SELECT 1 FROM endpoints e WHERE e.id = firsts.endpoint_id AND e.state = 'active')

-- name: add_message
INSERT INTO messages (key, kind, endpoint_id, channel, queue, address, language, content, priority, state, due_at,
                      expires_at, created_at)
VALUES (:key, :kind, :endpoint_id, :channel, :queue, :address, :language, :content, :priority, 'queued', :due_at,
        :expires_at, :now)
RETURNING id

-- name: drop_notices
-- What waits about an older reading of an issue.
UPDATE messages SET state = 'cancelled', reason = 'a newer reading took its place', content = '', ended_at = :now
WHERE key >= :low AND key < :high AND state = 'queued'

-- name: add_notice
-- One a key: who was told is not told again.
INSERT INTO messages (key, kind, channel, queue, address, language, content, priority, state, due_at, expires_at,
                      created_at)
VALUES (:key, :kind, :channel, :queue, :address, :language, :content, :priority, 'queued', :due_at, :expires_at, :now)
ON CONFLICT (key) DO NOTHING

-- name: requeue
-- What waits for an endpoint waits in another queue.
UPDATE messages SET queue = :queue WHERE endpoint_id = :endpoint_id AND state IN ('queued', 'paused')

-- name: due_queues
-- The queues with something due. Each step jumps to the next name in the index, so that a long queue costs nothing.
WITH RECURSIVE names (queue) AS (
  SELECT MIN(queue) FROM messages WHERE state = 'queued'
  UNION ALL
  SELECT (SELECT MIN(m.queue) FROM messages m WHERE m.state = 'queued' AND m.queue > names.queue)
  FROM names WHERE names.queue IS NOT NULL
)
-- The earliest of each, rather than whether there is one: that PostgreSQL looks up in the index, too.
SELECT queue FROM names WHERE queue IS NOT NULL AND (
  (SELECT MIN(m.due_at) FROM messages m
   WHERE m.state = 'queued' AND m.queue = names.queue AND m.priority = 0) <= :now
  OR (SELECT MIN(m.due_at) FROM messages m
      WHERE m.state = 'queued' AND m.queue = names.queue AND m.priority = 1) <= :now)

-- name: claim
-- The lease: `owner` may send until `lease_until`; with a later `epoch` somebody else has taken over. MATERIALIZED,
-- here and below: PostgreSQL may run a subquery with a LIMIT once a row, and would take more than the page.
UPDATE messages SET state = 'sending', owner = :owner, lease_until = :lease_until, epoch = epoch + 1
WHERE id IN (
  WITH page AS MATERIALIZED (
    SELECT id FROM messages
    WHERE state = 'queued' AND queue = :queue AND priority = :priority AND due_at <= :now
    ORDER BY due_at, id LIMIT :page {skip_locked})
  SELECT id FROM page)
  AND state = 'queued'
RETURNING id, epoch, kind, endpoint_id, expires_at, attempts, parts_done, reason, content, begun

-- name: claim_only
-- The concatenation keeps the index of the queue out of it: few ids are looked up, however long the queue is.
UPDATE messages SET state = 'sending', owner = :owner, lease_until = :lease_until, epoch = epoch + 1
WHERE id IN (
  WITH page AS MATERIALIZED (
    SELECT id FROM messages
    WHERE id IN (:ids) AND state = 'queued' AND queue || '' = :queue AND due_at <= :now
    ORDER BY id LIMIT :page {skip_locked})
  SELECT id FROM page)
  AND state = 'queued'
RETURNING id, epoch, kind, endpoint_id, expires_at, attempts, parts_done, reason, content, begun

-- name: queues_of
SELECT DISTINCT queue FROM messages WHERE id IN (:ids) AND state = 'queued'
  AND due_at <= :now

-- name: addressed
-- A message to a bare address, with the secret of the endpoint there, if any.
SELECT m.channel, m.queue, m.address, m.language, m.content, e.secret
FROM messages m LEFT JOIN endpoints e ON e.address = m.address AND e.channel = m.channel WHERE m.id = :id

-- name: claimed_endpoints
-- The subscriber is looked up row by row, whatever a database without statistics thinks of joins. Without a name there
-- is none any more: they were removed.
SELECT e.id, e.channel, e.queue, e.address, e.secret, e.state, e.reason, e.language, e.format, e.rhythm_id,
       (SELECT s.name FROM subscribers s WHERE s.id = e.subscriber_id AND s.removed_at IS NULL) AS name
FROM endpoints e WHERE e.id IN (:ids)

-- name: channels_among
SELECT DISTINCT chat_id FROM bot_chats WHERE chat_id IN (:ids) AND kind = 'channel'

-- name: chats_among
SELECT DISTINCT address FROM endpoints WHERE channel = 'telegram' AND address IN (:chats)

-- name: claimed_deliveries
-- Whether one is still owed is looked at afterwards: asked here, it leads a database without statistics to the index of
-- all that is planned.
SELECT message_id, id, digest_id, variant, state FROM deliveries WHERE message_id IN (:ids)

-- name: claimed_digests
-- In the order of the issue's columns.
SELECT g.id, g.column_position, g.part, i.id AS issue_id, i.state, i.revision
FROM digests g JOIN issues i ON i.id = g.issue_id WHERE g.id IN (:ids)

-- name: digests_tags
SELECT digest_id, tag, bit FROM digest_tags WHERE digest_id IN (:ids)

-- name: claimed_follows
-- What the readers follow now: few tags each, where a digest carries many.
SELECT endpoint_id, tag FROM follows WHERE endpoint_id IN (:ids)

-- name: claimed_words
SELECT endpoint_id, folded, excluded FROM words WHERE endpoint_id IN (:ids)

-- name: digests_texts
-- What words are looked for in.
SELECT d.digest_id, d.bit, a.title, a.credit, a.blocks
FROM digest_articles d JOIN articles a ON a.id = d.article_id WHERE d.digest_id IN (:ids) ORDER BY d.digest_id, d.bit

-- name: holds
SELECT issue_id, column_position, channel FROM holds

-- name: cancels
SELECT c.issue_id, c.column_position, c.channel FROM cancels c
WHERE c.issue_id IN (SELECT g.issue_id FROM digests g WHERE g.id IN (:ids))

-- name: pause_claimed
UPDATE messages SET state = 'paused', owner = '', lease_until = 0, paused_at = :now, paused_for = :digest
WHERE id = :id AND epoch = :epoch AND state = 'sending'

-- name: put_off
UPDATE messages SET state = 'queued', owner = '', lease_until = 0, due_at = :due_at
WHERE id = :id AND epoch = :epoch AND state = 'sending'

-- name: put_off_for
-- The same, and why.
UPDATE messages SET state = 'queued', owner = '', lease_until = 0, due_at = :due_at, reason = COALESCE(:reason, reason)
WHERE id = :id AND epoch = :epoch AND state = 'sending'

-- name: split_off
-- A bundle of which a part is paused goes out without it: the part has a message of its own from now on.
INSERT INTO messages (key, kind, endpoint_id, digest_id, channel, queue, priority, state, due_at, expires_at,
                      created_at, paused_at, paused_for)
SELECT 'digest:' || d.digest_id || ':' || d.endpoint_id, 'digest', d.endpoint_id, d.digest_id, m.channel, m.queue,
       m.priority, 'paused', m.due_at, m.expires_at, :now, :now, d.digest_id
FROM deliveries d JOIN messages m ON m.id = d.message_id WHERE d.id = :id
ON CONFLICT (key) DO NOTHING
RETURNING id

-- name: move_delivery
UPDATE deliveries SET message_id = :message_id WHERE id = :id AND state = 'planned'

-- name: release
-- Back into the queue, uncounted: the lane was at fault, or the sender is stopping.
UPDATE messages SET state = 'queued', owner = '', lease_until = 0, reason = COALESCE(:reason, reason)
WHERE id = :id AND epoch = :epoch AND state = 'sending'

-- name: expired
UPDATE messages SET state = 'sending', epoch = epoch + 1
WHERE state = 'queued' AND id IN (
  WITH page AS MATERIALIZED (
    SELECT id FROM messages WHERE state = 'queued' AND queue = :queue AND expires_at <= :now LIMIT :page)
  SELECT id FROM page)
RETURNING id, epoch, reason, parts_done

-- name: waiting_message
UPDATE messages SET state = 'sending', epoch = epoch + 1 WHERE id = :id AND state = 'queued'
RETURNING id, epoch, reason, parts_done

-- name: ends
SELECT id, state, reason FROM messages WHERE id IN (:ids) ORDER BY id

-- name: settle_part
-- From the first part on a message stays what it is: `content` says of what it is made.
UPDATE messages SET parts_done = :parts_done, content = :content, begun = 0
WHERE id = :id AND epoch = :epoch AND state = 'sending'

-- name: settle_retry
UPDATE messages SET state = 'queued', owner = '', lease_until = 0, due_at = :due_at, attempts = attempts + 1,
                    reason = :reason, begun = 0
WHERE id = :id AND epoch = :epoch AND state = 'sending'

-- name: settle_release
-- Back into the queue, uncounted, after a send of which it is known that it came to nothing.
UPDATE messages SET state = 'queued', owner = '', lease_until = 0, reason = :reason, begun = 0
WHERE id = :id AND epoch = :epoch AND state = 'sending'

-- name: begin
-- A part is about to be sent: counted from 1.
UPDATE messages SET begun = :begun WHERE id = :id AND epoch = :epoch AND state = 'sending'

-- name: count_unknown
-- What became of the part that was begun nobody knows.
UPDATE messages SET begun = 0, attempts = attempts + 1, reason = :reason
WHERE id = :id AND epoch = :epoch AND state = 'sending'

-- name: settle_end
-- The content of what goes to a bare address holds the secret that signed it, which nobody needs any more.
UPDATE messages SET state = :state, owner = '', lease_until = 0, reason = :reason, provider_id = :provider_id,
                    attempts = attempts + :counted, parts_done = :parts_done, ended_at = :now, begun = 0,
                    content = CASE WHEN kind IN ('test', 'notice', 'alarm', 'paused') THEN '' ELSE content END
WHERE id = :id AND epoch = :epoch AND state = 'sending'

-- name: settle_deliveries
UPDATE deliveries SET state = :state, reason = :reason, ended_at = :now WHERE message_id = :id AND state = 'planned'

-- name: settle_delivery
UPDATE deliveries SET state = :state, reason = :reason, variant = :variant, revision = :revision, ended_at = :now
WHERE id = :id AND state = 'planned'

-- name: add_attempt
INSERT INTO attempts (message_id, number, part, lane, started_at, duration_ms, outcome, code, detail)
VALUES (:message_id, :number, :part, :lane, :started_at, :duration_ms, :outcome, :code, :detail)

-- name: owed_of_issue
SELECT COUNT(*) FROM deliveries d JOIN digests g ON g.id = d.digest_id WHERE g.issue_id = :issue AND d.state = 'planned'

-- name: reopen_issues
-- What is owed again of an issue that was sent makes it one that is being sent.
UPDATE issues SET state = 'sending', ended_at = NULL
WHERE state = 'sent' AND EXISTS (
  SELECT 1 FROM digests g JOIN deliveries d ON d.digest_id = g.id AND d.state = 'planned'
  WHERE g.issue_id = issues.id)

-- name: to_finish
SELECT 1 FROM issues
WHERE state = 'sending' AND planned_at IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM digests g JOIN deliveries d ON d.digest_id = g.id AND d.state = 'planned'
  WHERE g.issue_id = issues.id)
LIMIT 1

-- name: end_holds
-- What has ended needs no pause any more.
DELETE FROM holds WHERE issue_id IN (SELECT id FROM issues WHERE state IN ('sent', 'cancelled'))

-- name: finish_issues
UPDATE issues SET state = 'sent', ended_at = :now
WHERE state = 'sending' AND planned_at IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM digests g JOIN deliveries d ON d.digest_id = g.id AND d.state = 'planned'
  WHERE g.issue_id = issues.id)

-- name: waiting
SELECT queue, COUNT(*) AS messages, CAST(SUM(CASE WHEN due_at <= :now THEN 1 ELSE 0 END) AS BIGINT) AS due, MIN(due_at) AS next_at
FROM messages WHERE state = 'queued' GROUP BY queue ORDER BY queue

-- name: keys_since
-- How many messages with a key between two were made since.
SELECT COUNT(*) FROM messages WHERE key >= :low AND key < :high AND created_at > :since

-- name: move_deliveries
-- What is owed to an endpoint that ended, and not to the one that goes on for it: digests in messages of their own.
UPDATE deliveries SET endpoint_id = :into
WHERE endpoint_id = :ended AND state = 'planned'
  AND message_id IN (SELECT m.id FROM messages m WHERE m.kind = 'digest' AND m.state IN ('queued', 'paused', 'sending'))
  AND digest_id NOT IN (SELECT d.digest_id FROM deliveries d WHERE d.endpoint_id = :into)

-- name: move_messages
-- The messages of these. Their keys name the endpoint.
UPDATE messages SET endpoint_id = :into, key = 'digest:' || digest_id || ':' || CAST(:into AS BIGINT)
WHERE kind = 'digest' AND endpoint_id = :ended AND state IN ('queued', 'paused', 'sending')
  AND id IN (SELECT d.message_id FROM deliveries d WHERE d.endpoint_id = :into AND d.state = 'planned')

-- name: put_off_chat
-- A chat's messages, those of its topics too, which are written `CHAT/TOPIC`: "0" is the character after "/".
UPDATE messages SET due_at = :due_at
WHERE state = 'queued' AND due_at < :due_at AND id IN (
  SELECT d.message_id FROM endpoints e JOIN deliveries d ON d.endpoint_id = e.id
  WHERE d.state = 'planned' AND e.channel = :channel
    AND (e.address = :chat OR (e.address >= :low AND e.address < :high)))
