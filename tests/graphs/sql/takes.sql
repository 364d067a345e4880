-- Which roles the roles of the graphs in $1 really can take with SET ROLE, and which they can give away.
SELECT m.oid::int8 AS role, g.rolname::text AS held, m.rolcreaterole AS creates_roles,
    oracle.try_as(m.rolname::text, format('SET LOCAL ROLE %I', g.rolname)) AS take,
    oracle.try_as(m.rolname::text, format('GRANT %I TO oracle_nobody', g.rolname)) AS give
FROM oracle.roles o JOIN pg_authid m ON m.oid = o.oid AND NOT m.rolsuper
JOIN pg_authid g ON g.oid <> m.oid AND oracle.tag(g.rolname) = o.tag
WHERE o.tag = ANY ($1)
