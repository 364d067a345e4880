-- revoked/roles: every role of the cluster with its attributes, as one number: there are many roles, and each
-- column of each row costs. 1 LOGIN, 2 SUPERUSER, 4 CREATEROLE, 8 CREATEDB, 16 REPLICATION, 32 BYPASSRLS,
-- 64 INHERIT. VALID UNTIL as text: it may be infinity.
SELECT
    r.oid AS oid,
    r.rolname AS name,
    -- In parentheses: here << binds no closer than |.
    r.rolcanlogin::int4
        | (r.rolsuper::int4 << 1)
        | (r.rolcreaterole::int4 << 2)
        | (r.rolcreatedb::int4 << 3)
        | (r.rolreplication::int4 << 4)
        | (r.rolbypassrls::int4 << 5)
        | (r.rolinherit::int4 << 6) AS attributes,
    r.rolconnlimit AS connection_limit,
    r.rolvaliduntil::text AS valid_until,
    CASE WHEN r.rolvaliduntil IS NOT NULL THEN r.rolvaliduntil <= pg_catalog.clock_timestamp() END AS expired
FROM pg_catalog.pg_roles AS r
LIMIT $1
