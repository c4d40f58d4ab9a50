-- name: public_issue
SELECT id, fingerprint FROM issues
WHERE bulletin = :bulletin AND ref = :ref AND state IN ('approved', 'sending', 'paused', 'sent')

-- name: english_columns
SELECT name_en FROM columns WHERE issue_id = :issue_id ORDER BY position
