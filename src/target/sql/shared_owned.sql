-- revoked/shared_owned: what all databases share and a role of $1 owns by the owner column. The second path
-- beside pg_shdepend.
SELECT o.class AS class, o.object AS object, o.owner AS role
FROM (
    SELECT 'pg_catalog.pg_database'::pg_catalog.regclass::oid, oid, datdba FROM pg_catalog.pg_database
    UNION ALL SELECT 'pg_catalog.pg_tablespace'::pg_catalog.regclass::oid, oid, spcowner FROM pg_catalog.pg_tablespace
) AS o (class, object, owner)
WHERE o.owner = ANY ($1)
LIMIT $2
