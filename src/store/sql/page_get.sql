-- revoked/page_get
SELECT delivery, page_id, title, parent, version, sha256, attachments, filed_at, looked_at, finding, seen_version
FROM page WHERE delivery = $1
