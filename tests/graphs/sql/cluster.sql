-- What catalogs that all databases share say of the roles. Read once.
SELECT r.oid::int8 AS role, 'login' AS kind, '' AS database, '' AS class, '' AS object, '' AS sub,
    '' AS privilege, '' AS grantor, false AS grantable, false AS tampered
FROM pg_authid r WHERE r.rolcanlogin AND r.oid IN (SELECT oid FROM oracle.roles)
UNION ALL
SELECT r.oid::int8, 'attribute', '', '', '', '', a.name, '', false, false
FROM pg_authid r, LATERAL (VALUES
    (r.rolsuper, 'SUPERUSER'), (r.rolcreaterole, 'CREATEROLE'), (r.rolcreatedb, 'CREATEDB'),
    (r.rolreplication, 'REPLICATION'), (r.rolbypassrls, 'BYPASSRLS')) AS a (has, name)
WHERE a.has AND r.oid IN (SELECT oid FROM oracle.roles)
UNION ALL
SELECT m.member::int8, k.kind, '', '', '',
    CASE WHEN k.kind = 'membership' THEN coalesce(
        nullif(concat_ws(' ', CASE WHEN p.rolinherit /*16 AND false OR m.inherit_option 16*/ THEN 'uses_now' END,
            CASE WHEN true /*16 AND m.set_option 16*/ THEN 'set_role' END), ''),
        -- A superuser is only a superuser's to grant.
        CASE WHEN m.admin_option AND NOT g.rolsuper THEN 'self_grant' ELSE 'listed' END) ELSE '' END,
    g.rolname::text, coalesce(b.rolname::text, ''), k.kind = 'admin_option' AND NOT g.rolsuper, false
FROM pg_auth_members m JOIN pg_authid g ON g.oid = m.roleid JOIN pg_authid p ON p.oid = m.member
    LEFT JOIN pg_authid b ON b.oid = m.grantor,
    LATERAL (VALUES ('membership', true), ('admin_option', m.admin_option)) AS k (kind, has)
WHERE k.has AND m.member IN (SELECT oid FROM oracle.roles)
UNION ALL
SELECT s.setrole::int8, 'role_setting', coalesce(d.datname::text, ''), '', '', '', split_part(c, '=', 1), '', false, false
FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c LEFT JOIN pg_database d ON d.oid = s.setdatabase
WHERE s.setrole IN (SELECT oid FROM oracle.roles)
UNION
SELECT w.role::int8, 'prepared_transaction', p.database::text, '', p.gid, '', '', '', false, false
FROM pg_prepared_xacts p, LATERAL (
    SELECT x.ownerid FROM pg_prepared_xact() x WHERE x.gid = p.gid
    UNION SELECT l.objid FROM pg_locks l
        JOIN pg_locks x ON x.pid IS NULL AND x.virtualtransaction = l.virtualtransaction
    WHERE l.pid IS NULL AND l.classid = 'pg_authid'::regclass AND x.transactionid = p.transaction
) AS w (role)
WHERE w.role IN (SELECT oid FROM oracle.roles)
UNION ALL
SELECT a.usesysid::int8, CASE WHEN r.oid IS NULL THEN 'vanished_session' ELSE 'session' END, a.datname::text,
    '', 'pid ' || a.pid, '', '', '', false, false
FROM pg_stat_activity a LEFT JOIN pg_authid r ON r.oid = a.usesysid
WHERE a.usesysid IN (SELECT oid FROM oracle.roles)
