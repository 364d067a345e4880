-- revoked/notice_erase
UPDATE notice SET body = '', event_id = $3, subject = '', username = '', email = '', faults = '[]', settled_why = ''
WHERE source = $1 AND event_id = $2
