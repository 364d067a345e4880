-- revoked/notices_held: those that wait for a person, about one subject
SELECT id FROM notice WHERE subject = $1 AND outcome = 'quarantined' ORDER BY id LIMIT 1
