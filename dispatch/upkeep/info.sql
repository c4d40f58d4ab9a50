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
-- The server's own estimates, scaled to the size of today: counting would read every row. It has none (-1) before a table
-- is first analysed. `data` is the room of the rows alone.
SELECT c.relname AS name, pg_total_relation_size(c.oid) AS size, pg_relation_size(c.oid) AS data,
       CASE WHEN c.reltuples >= 0 AND c.relpages > 0
            THEN c.reltuples / c.relpages * (pg_relation_size(c.oid) / current_setting('block_size')::bigint)
       END AS estimate
FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname
