-- revoked/notices_erase: those about a subject that made no revocation
UPDATE notice SET
    body = '', event_id = id, subject = '', username = '', email = '', faults = '[]', settled_why = ''
WHERE subject = $1 AND revocation_id IS NULL
