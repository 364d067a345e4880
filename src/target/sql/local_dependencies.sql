-- revoked/local_dependencies: what pg_shdepend says of this database for the roles in $1, of each no more than $2,
-- read in the same snapshot as the access lists it is compared with.
SELECT
    t.oid AS role,
    d.dbid AS database,
    d.classid AS class,
    d.objid AS object,
    d.objsubid AS sub_object,
    d.deptype::text AS kind
FROM pg_catalog.unnest($1::oid[]) AS t (oid)
CROSS JOIN LATERAL (
    SELECT s.dbid, s.classid, s.objid, s.objsubid, s.deptype
    FROM pg_catalog.pg_shdepend AS s
    WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
        AND s.refobjid = t.oid
        AND s.deptype IN ('o', 'a', 'r')
        AND s.dbid = (SELECT b.oid FROM pg_catalog.pg_database AS b WHERE b.datname = pg_catalog.current_database())
    LIMIT $2
) AS d
LIMIT $3
