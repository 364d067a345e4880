-- What access lists, pg_shdepend and pg_policy of one database, and of what all share, say of the roles.
WITH futures (oid, object, sub) AS (
    SELECT d.oid,
        CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
            WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' WHEN 'L' THEN 'large objects' END
            || ' of ' || o.rolname || coalesce(' in schema ' || n.nspname, ''),
        coalesce(n.nspname::text, '')
    FROM pg_default_acl d JOIN pg_authid o ON o.oid = d.defaclrole LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
), found (role, kind, class, object, sub, privilege, grantor, grantable, tampered) AS (
    SELECT x.grantee,
        CASE WHEN r.oid IS NULL THEN 'dangling_acl' WHEN l.class = 'pg_default_acl'::regclass THEN 'default_privilege'
            ELSE 'privilege' END,
        l.class, l.object, l.sub, x.privilege_type, coalesce(b.rolname::text, ''), x.is_grantable,
        NOT EXISTS (
            SELECT FROM pg_shdepend s
            WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = x.grantee AND s.deptype = 'a'
                AND s.classid = l.class AND s.objid = l.object
                AND s.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                AND s.objsubid = coalesce((SELECT attnum FROM pg_attribute WHERE attrelid = l.object AND attname = l.sub AND l.sub <> ''), 0)
        )
    FROM oracle.lists l CROSS JOIN aclexplode(l.list) x
    LEFT JOIN pg_authid r ON r.oid = x.grantee LEFT JOIN pg_authid b ON b.oid = x.grantor
    WHERE l.list IS NOT NULL AND x.grantee <> l.owner AND x.grantee IN (SELECT oid FROM oracle.roles)
    UNION ALL
    SELECT s.refobjid,
        CASE s.classid::regclass::text WHEN 'pg_user_mapping' THEN 'user_mapping' WHEN 'pg_subscription' THEN 'subscription'
            WHEN 'pg_default_acl' THEN 'default_privilege' ELSE 'ownership' END,
        s.classid, s.objid, '', '', '', false, false
    FROM pg_shdepend s
    WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype = 'o' AND s.refobjid IN (SELECT oid FROM oracle.roles)
        AND s.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    UNION ALL
    SELECT r, 'policy', 'pg_policy', p.oid, p.polname, '', '', false, false
    FROM pg_policy p, unnest(p.polroles) r WHERE r IN (SELECT oid FROM oracle.roles)
)
SELECT f.role::int8 AS role, f.kind,
    CASE WHEN c.relname IN ('pg_database', 'pg_tablespace', 'pg_parameter_acl', 'pg_subscription') THEN ''
        ELSE current_database()::text END AS database,
    c.relname::text AS class,
    CASE c.relname
        WHEN 'pg_default_acl' THEN d.object
        WHEN 'pg_user_mapping' THEN (
            SELECT s.srvname::text FROM pg_user_mapping m JOIN pg_foreign_server s ON s.oid = m.umserver WHERE m.oid = f.object
        )
        WHEN 'pg_policy' THEN (
            SELECT '"' || replace(n.nspname, '"', '""') || '"."' || replace(t.relname, '"', '""') || '"'
            FROM pg_policy p JOIN pg_class t ON t.oid = p.polrelid JOIN pg_namespace n ON n.oid = t.relnamespace
            WHERE p.oid = f.object
        )
        ELSE oracle.name(f.class, f.object) END AS object,
    coalesce(d.sub, f.sub) AS sub,
    f.privilege, f.grantor, f.grantable, f.tampered
FROM found f JOIN pg_class c ON c.oid = f.class
LEFT JOIN futures d ON d.oid = f.object AND c.relname = 'pg_default_acl'
