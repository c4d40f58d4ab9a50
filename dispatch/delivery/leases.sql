-- name: acquire
-- Whose lease it is afterwards is another question: `holder`.
INSERT INTO leases (name, owner, since, until) VALUES (:name, :owner, :now, :until) ON CONFLICT (name) DO NOTHING

-- name: holder
SELECT owner FROM leases WHERE name = :name

-- name: holders
SELECT name, owner FROM leases WHERE name IN (:names)

-- name: renew
UPDATE leases SET until = :until WHERE owner = :owner

-- name: names_of
SELECT name FROM leases WHERE owner = :owner

-- name: drop
DELETE FROM leases WHERE name = :name AND owner = :owner

-- name: drop_owner
DELETE FROM leases WHERE owner = :owner

-- name: drop_abandoned
-- Of a holder that never told it was there.
DELETE FROM leases
WHERE until <= :now AND NOT EXISTS (SELECT 1 FROM leases p WHERE p.name = 'process/' || leases.owner)

-- name: owners
-- Everybody who holds something, with the time until which they last said they are there (0: never).
SELECT o.owner, COALESCE((SELECT p.until FROM leases p WHERE p.name = 'process/' || o.owner), 0) AS until
FROM (SELECT owner FROM leases UNION SELECT owner FROM messages WHERE state = 'sending') o

-- name: abandoned
-- Whether some lease has run out whose holder never told it was there.
SELECT 1 FROM messages
WHERE state = 'sending' AND lease_until <= :now AND owner <> :self
  AND NOT EXISTS (SELECT 1 FROM leases p WHERE p.name = 'process/' || messages.owner)
UNION ALL
SELECT 1 FROM leases
WHERE until <= :now AND NOT EXISTS (SELECT 1 FROM leases p WHERE p.name = 'process/' || leases.owner)
LIMIT 1

-- name: release_abandoned
UPDATE messages SET state = 'queued', owner = '', lease_until = 0
WHERE state = 'sending' AND lease_until <= :now AND owner <> :self
  AND NOT EXISTS (SELECT 1 FROM leases p WHERE p.name = 'process/' || messages.owner)

-- name: release_orphans
UPDATE messages SET state = 'queued', owner = '', lease_until = 0
WHERE state = 'sending' AND owner = :owner AND queue = :queue

-- name: release_owner
UPDATE messages SET state = 'queued', owner = '', lease_until = 0 WHERE state = 'sending' AND owner = :owner
