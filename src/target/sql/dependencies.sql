-- revoked/dependencies: everything in every database that mentions a role of $1, from one connection, and of
-- each role no more than $2. deptype o: owner, a: access list, r: policy. i (initial privileges, 17+) gives
-- nobody anything.
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
    LIMIT $2
) AS d
LIMIT $3
