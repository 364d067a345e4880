-- revoked/default_lists: whom the default privileges made by a role of $1 favour; NULL is PUBLIC.
SELECT e.oid AS list, x.grantee = 0 AS to_public, g.rolname::text AS grantee
FROM pg_catalog.pg_default_acl AS e
CROSS JOIN LATERAL (SELECT DISTINCT y.grantee FROM pg_catalog.aclexplode(e.defaclacl) AS y) AS x
LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = x.grantee
WHERE e.defaclrole IN (SELECT t.oid FROM pg_catalog.unnest($1::oid[]) AS t (oid))
LIMIT $2
