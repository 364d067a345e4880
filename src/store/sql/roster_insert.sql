-- revoked/roster_insert
INSERT INTO roster (system_identifier, oid, name, first_seen_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (system_identifier, oid, name) DO NOTHING
