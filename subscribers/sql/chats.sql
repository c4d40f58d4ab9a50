-- name: endpoints_of
-- A chat's endpoint and those of its topics, which are written `CHAT/TOPIC`: "0" is the character after "/".
SELECT id, address FROM endpoints
WHERE channel = 'telegram' AND (address = :chat OR (address >= :low AND address < :high))
ORDER BY id

-- name: follows_of
SELECT tag FROM follows WHERE endpoint_id = :id ORDER BY tag
