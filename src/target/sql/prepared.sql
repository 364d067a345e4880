-- revoked/prepared: every prepared transaction with its owner's OID. The function, not the view: the view
-- has the owner's name only, which is NULL after DROP ROLE. Read before the snapshot of the catalogs: one
-- that is committed in between then shows its grants there.
SELECT
    p.ownerid AS role,
    p.gid AS gid,
    d.datname::text AS database,
    (pg_catalog.date_part('epoch', p.prepared) * 1000000)::int8 AS prepared_us
FROM pg_catalog.pg_prepared_xact() AS p
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = p.dbid
ORDER BY p.prepared, p.gid
LIMIT $1
