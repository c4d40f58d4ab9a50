-- name: foreign_sqlite
-- What in a file could do things by itself, or pass for a table of ours. Our schema has none of it.
SELECT type, name FROM sqlite_master
WHERE type IN ('trigger', 'view') OR sql LIKE 'CREATE VIRTUAL%'
UNION ALL
SELECT 'version', COALESCE(component, 'NULL') FROM schema_versions
WHERE typeof(component) <> 'text' OR typeof(version) <> 'integer' OR version < 1
LIMIT 1

-- name: has_versions_sqlite
SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = 'schema_versions'

-- name: has_versions_postgresql
SELECT to_regclass('schema_versions') IS NOT NULL AS found

-- name: sessions_postgresql
-- Who else is connected to the database that is to be replaced.
SELECT application_name, pid, usename FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY pid

-- name: drop_leases
-- Nobody works on a database that is being restored, whatever was going on when it was copied.
DELETE FROM leases

-- name: release_all
UPDATE messages SET state = 'queued', owner = '', lease_until = 0 WHERE state = 'sending'

-- What came after a backup is lost when it is restored, but the ids it used are out in the world: in message ids, by
-- which receivers know a repeat, and in links to unsubscribe. New rows leap over them.

-- name: leap_sqlite_begin
INSERT INTO sqlite_sequence (name, seq)
SELECT t.name, 0 FROM (SELECT 'messages' AS name UNION ALL SELECT 'endpoints') t
WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence s WHERE s.name = t.name)

-- name: leap_sqlite_messages
UPDATE sqlite_sequence SET seq = seq + 100000000 WHERE name = 'messages'

-- name: leap_sqlite_endpoints
UPDATE sqlite_sequence SET seq = seq + 100000 WHERE name = 'endpoints'

-- name: leap_postgresql_messages
SELECT setval(pg_get_serial_sequence('messages', 'id'),
              nextval(pg_get_serial_sequence('messages', 'id')) + 100000000) AS id

-- name: leap_postgresql_endpoints
SELECT setval(pg_get_serial_sequence('endpoints', 'id'),
              nextval(pg_get_serial_sequence('endpoints', 'id')) + 100000) AS id
