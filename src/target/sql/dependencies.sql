-- revoked/dependencies: everything in every database that mentions a role of $1, from one connection, and of
-- each role no more than $2. deptype o: owner, a: access list, r: policy. i (initial privileges, 17+) gives
-- nobody anything.
SELECT
    d.role AS role,
    d.database AS database,
    d.class AS class,
    d.object AS object,
    d.sub_object AS sub_object,
    d.kind AS kind
FROM (
    SELECT
        s.refobjid, s.dbid, s.classid, s.objid, s.objsubid, s.deptype::text,
        pg_catalog.row_number() OVER (PARTITION BY s.refobjid)
    FROM pg_catalog.pg_shdepend AS s
    WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
        AND s.refobjid = ANY ($1::oid[])
        AND s.deptype IN ('o', 'a', 'r')
) AS d (role, database, class, object, sub_object, kind, place)
WHERE d.place <= $2::int8
LIMIT $3
