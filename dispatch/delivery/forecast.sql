-- name: with_words
-- Whom a digest is routed to that has words of its own, which choose among its articles.
SELECT r.endpoint_id, r.channel, r.variant, r.rhythm_id FROM ({route}) r
WHERE r.endpoint_id IN (SELECT w.endpoint_id FROM words w WHERE w.endpoint_id > :low AND w.endpoint_id <= :high)
