-- name: states
SELECT name, breaker, rest_ms, not_before, changed_at, reason FROM lanes WHERE name IN (:names)

-- name: count
INSERT INTO lanes (name, queue, sent, retried, failed, busy_ms)
VALUES (:name, :queue, :sent, :retried, :failed, :busy_ms)
ON CONFLICT (name) DO UPDATE SET
  queue = excluded.queue, sent = lanes.sent + excluded.sent, retried = lanes.retried + excluded.retried,
  failed = lanes.failed + excluded.failed, busy_ms = lanes.busy_ms + excluded.busy_ms

-- name: count_minute
INSERT INTO lane_minutes (minute, lane, sent, retried, failed, busy_ms)
VALUES (:minute, :name, :sent, :retried, :failed, :busy_ms)
ON CONFLICT (minute, lane) DO UPDATE SET
  sent = lane_minutes.sent + excluded.sent, retried = lane_minutes.retried + excluded.retried,
  failed = lane_minutes.failed + excluded.failed, busy_ms = lane_minutes.busy_ms + excluded.busy_ms

-- name: set_state
INSERT INTO lanes (name, queue, breaker, rest_ms, not_before, changed_at, reason)
VALUES (:name, :queue, :breaker, :rest_ms, :not_before, :changed_at, :reason)
ON CONFLICT (name) DO UPDATE SET
  breaker = excluded.breaker, rest_ms = excluded.rest_ms, not_before = excluded.not_before,
  changed_at = excluded.changed_at, reason = excluded.reason

-- name: half_open
UPDATE lanes SET breaker = 'half-open' WHERE name = :name AND breaker <> 'closed' AND not_before = :seen

-- name: known
SELECT name, queue, breaker, rest_ms, not_before, changed_at, reason, sent, retried, failed FROM lanes ORDER BY name

-- name: groups
-- The groups of a lane that rest, or had to: rows of their own, whose names begin with the lane's.
SELECT name, breaker, rest_ms, not_before, changed_at, reason FROM lanes
WHERE name > :name || '>' AND name < :name || '?' AND breaker <> 'closed'

-- name: wake_messages
-- What waits for a group's rest is due at once.
UPDATE messages SET due_at = :now WHERE state = 'queued' AND queue = :queue AND due_at > :now AND reason = :reason

-- name: wake
-- The breaker stays open, so that one message goes first; the next rest is a first one again.
UPDATE lanes SET rest_ms = 0, not_before = :now, changed_at = :now WHERE name = :name
