-- name: owing
-- Revisions of which not all readers' messages are queued yet.
SELECT r.issue_id, r.revision, i.bulletin, i.ref FROM revisions r JOIN issues i ON i.id = r.issue_id
WHERE r.owing = 1 ORDER BY r.issue_id, r.revision

-- name: owing_changes
SELECT changes FROM revisions WHERE issue_id = :issue_id AND revision = :revision AND owing = 1

-- name: queued
-- No longer owing: each reader's message has its row.
UPDATE revisions SET owing = 0 WHERE issue_id = :issue_id AND revision = :revision

-- name: digests
SELECT id FROM digests WHERE issue_id = :issue_id ORDER BY column_position, part

-- name: plan
-- To whom an older text of these articles was sent, and to whom it may just be going out: the claim looks again.
INSERT INTO messages (key, kind, endpoint_id, digest_id, channel, queue, content, priority, state, due_at, expires_at,
                      created_at)
SELECT CAST(:prefix AS TEXT) || d.endpoint_id, 'correction', d.endpoint_id, d.digest_id,
       e.channel, e.queue, :content, 1, 'queued', p.due_at, p.expires_at, :now
FROM deliveries d
JOIN endpoints e ON e.id = d.endpoint_id AND e.state = 'active'
JOIN plan_due p ON p.rhythm_id = e.rhythm_id AND p.channel = e.channel
LEFT JOIN messages m ON m.id = d.message_id
WHERE d.digest_id = :digest_id AND d.endpoint_id > :low AND d.endpoint_id <= :high
  AND (d.state = 'sent' AND d.revision < :revision AND (d.variant & :bits) <> 0
       OR d.state = 'planned' AND (m.state = 'sending' OR m.parts_done > 0))
ON CONFLICT (key) DO NOTHING

-- name: count
-- Whom a proposed revision would be told, by channel, of one digest; the same endpoint may be met in several.
SELECT e.id, e.channel FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id AND e.state = 'active'
WHERE d.digest_id = :digest_id AND d.endpoint_id > :low AND d.endpoint_id <= :high
  AND d.state = 'sent' AND (d.variant & :bits) <> 0

-- name: changes
SELECT issue_id, revision, changes FROM revisions WHERE issue_id IN (:issues) AND changes <> '' ORDER BY revision

-- name: received
-- How the deliveries stand that a page of corrections is about.
SELECT d.endpoint_id, d.digest_id, d.variant, d.revision, d.state,
       CASE WHEN m.state = 'sending' OR m.parts_done > 0 THEN 1 ELSE 0 END AS begun
FROM deliveries d LEFT JOIN messages m ON m.id = d.message_id
WHERE d.endpoint_id IN (:endpoints) AND d.digest_id IN (:digests)

-- name: standing
-- What became of the corrections of a revision.
SELECT m.state, COUNT(*) AS messages FROM messages m WHERE m.key >= :low AND m.key < :high
GROUP BY m.state ORDER BY m.state

-- name: pause
UPDATE messages SET state = 'paused', paused_at = :now, paused_for = :digest
WHERE key >= :low AND key < :high AND state = 'queued' AND digest_id = :digest AND :channel IN ('', channel)

-- name: cancel
-- Those of a whole issue in a channel; of a column the claim ends what it meets.
UPDATE messages SET state = 'cancelled', reason = :reason, ended_at = :now
WHERE key >= :low AND key < :high AND state IN ('queued', 'paused') AND :channel IN ('', channel)
