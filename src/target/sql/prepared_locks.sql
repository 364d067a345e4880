-- revoked/prepared_locks: which tables and catalogs of this database, and which shared catalogs, prepared
-- transactions hold locks on. A plan names them: a statement that needs such a lock waits until somebody commits
-- or rolls back. Read only where there is a prepared transaction, and only for a plan.
SELECT
    p.gid AS gid,
    p.ownerid AS role,
    d.datname::text AS database,
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS relation,
    l.mode AS mode
FROM pg_catalog.pg_prepared_xact() AS p
JOIN pg_catalog.pg_database AS d ON d.oid = p.dbid
JOIN pg_catalog.pg_locks AS x
    ON x.pid IS NULL AND x.locktype = 'transactionid' AND x.transactionid::text = p.transaction::text
JOIN pg_catalog.pg_locks AS l
    ON l.pid IS NULL AND l.locktype = 'relation' AND l.virtualtransaction = x.virtualtransaction
JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE d.datname = pg_catalog.current_database() AND c.relkind NOT IN ('i', 'I', 't')
ORDER BY p.prepared, p.gid, 4, 5
LIMIT $1
