-- name: versions
SELECT component, version FROM schema_versions ORDER BY component

-- name: oldest_attempt
SELECT started_at FROM attempts ORDER BY id LIMIT 1

-- name: sqlite_tables
SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name

-- name: sqlite_pages
SELECT (SELECT page_size FROM pragma_page_size) AS page_size, (SELECT page_count FROM pragma_page_count) AS pages,
       (SELECT freelist_count FROM pragma_freelist_count) AS free_pages

-- name: postgresql_size
SELECT pg_database_size(current_database())

-- name: postgresql_tables
-- The server's own estimates: counting would read every row. It has none (-1) before a table is first analysed.
SELECT c.relname AS name, c.reltuples AS estimate, pg_total_relation_size(c.oid) AS size
FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname
