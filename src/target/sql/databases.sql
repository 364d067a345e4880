-- revoked/databases: every database, whether it takes connections, and whether the agent may connect. `written`
-- counts rows written in it, by the server's statistics: only where that moved may `changes` have moved.
SELECT
    d.oid AS oid,
    d.datname::text AS name,
    -- A connection limit of -2 marks a database whose DROP was interrupted: nobody can enter it.
    d.datallowconn AND d.datconnlimit <> -2 AS allows_connections,
    pg_catalog.has_database_privilege(d.oid, 'CONNECT') AS may_connect,
    pg_catalog.pg_get_userbyid(d.datdba)::text AS owner,
    pg_catalog.concat_ws(
        '/',
        pg_catalog.pg_stat_get_db_tuples_inserted(d.oid),
        pg_catalog.pg_stat_get_db_tuples_updated(d.oid),
        pg_catalog.pg_stat_get_db_tuples_deleted(d.oid),
        pg_catalog.pg_stat_get_db_stat_reset_time(d.oid)
    ) AS written
FROM pg_catalog.pg_database AS d
ORDER BY d.datname
LIMIT $1
