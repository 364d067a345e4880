-- revoked/receivers: how many connections take WAL from this server as standbys do, and whether it takes WAL itself. A
-- connection for replication without a database is physical. A base backup is none; what is streamed beside it is, since
-- nobody can tell a standby from a program that keeps WAL.
SELECT
    (
        SELECT pg_catalog.count(*)::int4
        FROM pg_catalog.pg_stat_replication AS w
        JOIN pg_catalog.pg_stat_activity AS a ON a.pid = w.pid
        WHERE a.datid IS NULL AND COALESCE(w.state <> 'backup', true)
    ) AS sends,
    EXISTS (SELECT FROM pg_catalog.pg_stat_wal_receiver AS r WHERE r.pid IS NOT NULL) AS receives
LIMIT $1
