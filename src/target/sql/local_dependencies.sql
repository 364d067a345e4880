-- revoked/local_dependencies: what pg_shdepend says of this database for the roles in $1, read in the same snapshot as the access lists it is compared with.
SELECT
    s.refobjid AS role,
    s.dbid AS database,
    s.classid AS class,
    s.objid AS object,
    s.objsubid AS sub_object,
    s.deptype::text AS kind
FROM pg_catalog.pg_shdepend AS s
WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
    AND s.refobjid = ANY ($1)
    AND s.deptype IN ('o', 'a', 'r')
    AND s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
LIMIT $2
