-- revoked/page_put: one page for each delivery; one that was removed is filed again as another
INSERT INTO page (
    delivery, receiver, page_id, title, parent, version, sha256, attachments, filed_at, looked_at, finding, seen_version
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, 'filed', $6)
ON CONFLICT (delivery) DO UPDATE SET
    page_id = excluded.page_id, title = excluded.title, parent = excluded.parent, version = excluded.version,
    sha256 = excluded.sha256, attachments = excluded.attachments, filed_at = excluded.filed_at,
    looked_at = excluded.looked_at, finding = excluded.finding, seen_version = excluded.seen_version
