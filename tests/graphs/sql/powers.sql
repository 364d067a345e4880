-- Every attribute of every role.
SELECT r.rolname::text AS role, a.name AS attribute
FROM pg_authid r, LATERAL (VALUES
    (r.rolsuper, 'SUPERUSER'), (r.rolcreaterole, 'CREATEROLE'), (r.rolcreatedb, 'CREATEDB'),
    (r.rolreplication, 'REPLICATION'), (r.rolbypassrls, 'BYPASSRLS')) AS a (has, name)
WHERE a.has
