-- revoked/replayed: up to where a standby has replayed.
SELECT
    pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_replay_lsn(), '0/0')::int8 AS position
LIMIT $1
