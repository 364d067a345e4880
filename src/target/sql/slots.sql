-- revoked/slots: replication slots, and the process that uses each. A slot has no owner.
SELECT
    s.slot_name::text AS name,
    s.slot_type AS kind,
    s.database::text AS database,
    s.active_pid AS pid
FROM pg_catalog.pg_replication_slots AS s
ORDER BY s.slot_name
LIMIT $1
