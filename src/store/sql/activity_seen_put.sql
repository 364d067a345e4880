-- revoked/activity_seen_put
INSERT INTO activity_seen (system_identifier, oid, role, known_at, seen_at, mark_us) VALUES
($1, $2, $3, $4, $5, $6)
ON CONFLICT (system_identifier, oid) DO UPDATE SET
    role = excluded.role, known_at = excluded.known_at, seen_at = excluded.seen_at, mark_us = excluded.mark_us
