-- What pg_has_role says of each role and every role of its graph and of the server, in one database. Superusers hold every role.
SELECT current_database()::text AS database, m.oid::int8 AS role, g.rolname::text AS held, g.oid::int8 AS held_oid,
    pg_has_role(m.oid, g.oid, 'USAGE') AS usage,
    pg_has_role(m.oid, g.oid, /*16 'SET' -- 16*/ 'MEMBER'
    ) AS set,
    pg_has_role(m.oid, g.oid, 'MEMBER') AS member,
    pg_has_role(m.oid, g.oid, 'MEMBER WITH ADMIN OPTION') AS admin
FROM oracle.roles o JOIN pg_authid m ON m.oid = o.oid AND NOT m.rolsuper
JOIN pg_authid g ON g.oid <> m.oid AND (g.oid < 16384 OR oracle.tag(g.rolname) = o.tag)
WHERE pg_has_role(m.oid, g.oid, 'MEMBER')
