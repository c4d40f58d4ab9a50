-- name: text
SELECT id FROM consent_texts WHERE text = :text

-- name: add_text
INSERT INTO consent_texts (text) VALUES (:text) RETURNING id

-- name: add
INSERT INTO consents (endpoint_id, step, basis, text_id, way, origin, wish, answers, at)
VALUES (:endpoint_id, :step, :basis, :text_id, :way, :origin, :wish, :answers, :at) RETURNING id

-- name: add_row
INSERT INTO consents (endpoint_id, step, basis, way, origin, at)
VALUES (:endpoint_id, :step, :basis, :way, :origin, :at)

-- name: last
SELECT step FROM consents WHERE endpoint_id = :endpoint_id ORDER BY id DESC LIMIT 1

-- name: proofs
SELECT c.at, c.step, c.basis, c.way, c.origin, COALESCE(t.text, '') AS text
FROM consents c LEFT JOIN consent_texts t ON t.id = c.text_id WHERE c.endpoint_id = :endpoint_id ORDER BY c.id
