-- revoked/page_due: pages that nobody looked at for long; what is removed is looked at no more
SELECT delivery, page_id, title, parent, version, sha256, attachments, filed_at, looked_at, finding, seen_version
FROM page WHERE receiver = $1 AND looked_at <= $2 AND filed_at > $3 AND finding <> 'removed'
ORDER BY looked_at, delivery LIMIT $4
