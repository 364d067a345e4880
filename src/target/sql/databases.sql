-- revoked/databases: every database, whether it takes connections, and whether the agent may connect.
SELECT
    d.oid AS oid,
    d.datname::text AS name,
    -- A connection limit of -2 marks a database whose DROP was interrupted: nobody can enter it.
    d.datallowconn AND d.datconnlimit <> -2 AS allows_connections,
    pg_catalog.has_database_privilege(d.oid, 'CONNECT') AS may_connect,
    pg_catalog.pg_get_userbyid(d.datdba)::text AS owner
FROM pg_catalog.pg_database AS d
ORDER BY d.datname
LIMIT $1
