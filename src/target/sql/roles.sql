-- revoked/roles: every role of the cluster with its attributes. VALID UNTIL as text: it may be infinity.
SELECT
    r.oid AS oid,
    r.rolname::text AS name,
    r.rolcanlogin AS can_login,
    r.rolsuper AS super,
    r.rolcreaterole AS create_role,
    r.rolcreatedb AS create_db,
    r.rolreplication AS replication,
    r.rolbypassrls AS bypass_rls,
    r.rolinherit AS inherits,
    r.rolconnlimit AS connection_limit,
    r.rolvaliduntil::text AS valid_until,
    COALESCE(r.rolvaliduntil <= pg_catalog.clock_timestamp(), false) AS expired
FROM pg_catalog.pg_roles AS r
ORDER BY r.oid
LIMIT $1
