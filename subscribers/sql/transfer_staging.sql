-- name: make_seen
-- Addresses of the file, and the line on which each stands first.
CREATE TABLE seen (word TEXT PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID

-- name: make_slices
CREATE TABLE slices (id INTEGER PRIMARY KEY, entries BLOB NOT NULL)

-- name: make_bad
-- A line can hold two rows where the file has other ends of lines than it seems.
CREATE TABLE bad (id INTEGER PRIMARY KEY, line INTEGER NOT NULL, titles TEXT NOT NULL, cells TEXT NOT NULL, problem TEXT NOT NULL)

-- name: seen
SELECT word, line FROM seen WHERE word IN (SELECT value FROM json_each(:words))

-- name: add_seen
INSERT INTO seen (word, line) VALUES (?, ?)

-- name: add_slice
INSERT INTO slices (entries) VALUES (:entries)

-- name: slices
SELECT entries FROM slices ORDER BY id

-- name: add_bad
INSERT INTO bad (line, titles, cells, problem) VALUES (:line, :titles, :cells, :problem)

-- name: bad
SELECT line, titles, cells, problem FROM bad ORDER BY line, id

-- name: bad_titles
SELECT titles FROM bad GROUP BY titles ORDER BY MIN(id)

-- name: make_prepared
CREATE TABLE prepared (id INTEGER PRIMARY KEY, slice BLOB NOT NULL)

-- name: add_prepared
INSERT INTO prepared (slice) VALUES (:slice)

-- name: forget_prepared
DELETE FROM prepared

-- name: prepared
SELECT slice FROM prepared ORDER BY id
