-- revoked/policies: each policy that names a role of $1, with every other role that it names: once without
-- any when it names nobody else. The second path beside pg_shdepend.
SELECT
    'pg_catalog.pg_policy'::pg_catalog.regclass::oid AS class,
    p.oid AS policy,
    r.oid AS role,
    x.oid IS NOT NULL AS shared,
    g.rolname::text AS other
FROM pg_catalog.pg_policy AS p
JOIN pg_catalog.unnest($1::oid[]) AS r (oid) ON r.oid = ANY (p.polroles)
LEFT JOIN LATERAL (
    SELECT o.oid FROM pg_catalog.unnest(p.polroles) AS o (oid) WHERE o.oid <> r.oid
) AS x ON true
LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = x.oid
LIMIT $2
