-- revoked/prepared: every prepared transaction with its owner's OID, and what its locks tell of it: a
-- pending GRANT on an object locks the grantee's role, whoever prepared it; one that changed the role
-- catalogs themselves holds a lock on them and does not tell about whom. The function, not the view: the
-- view has the owner's name only, which is NULL after DROP ROLE. Read before the snapshot of the catalogs:
-- one that is committed in between then shows its grants there.
WITH held AS (
    SELECT x.transactionid::text AS xid, l.locktype, l.classid, l.objid, l.relation, l.mode
    FROM pg_catalog.pg_locks AS l
    JOIN pg_catalog.pg_locks AS x ON x.virtualtransaction = l.virtualtransaction
    WHERE l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid'
)
SELECT
    p.ownerid AS role,
    p.gid AS gid,
    d.datname::text AS database,
    (pg_catalog.date_part('epoch', p.prepared) * 1000000)::int8 AS prepared_us,
    ARRAY(
        SELECT DISTINCT h.objid
        FROM held AS h
        WHERE h.xid = p.transaction::text
            AND h.locktype = 'object'
            AND h.classid = 'pg_catalog.pg_authid'::pg_catalog.regclass
    ) AS locked_roles,
    EXISTS (
        SELECT FROM held AS h
        WHERE h.xid = p.transaction::text
            AND h.locktype = 'relation'
            AND h.mode = 'RowExclusiveLock'
            AND h.relation IN (
                'pg_catalog.pg_authid'::pg_catalog.regclass,
                'pg_catalog.pg_auth_members'::pg_catalog.regclass,
                'pg_catalog.pg_db_role_setting'::pg_catalog.regclass
            )
    ) AS changes_roles
FROM pg_catalog.pg_prepared_xact() AS p
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = p.dbid
ORDER BY p.prepared, p.gid
LIMIT $1
