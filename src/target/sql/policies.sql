-- revoked/policies: policies that name a role of $1, each with the other roles it names: PUBLIC has no name,
-- and a policy that names nobody else is one row without another.
SELECT p.oid AS policy, r.oid AS role, x.oid IS NOT NULL AS shared, g.rolname::text AS other
FROM pg_catalog.pg_policy AS p
JOIN pg_catalog.unnest($1::oid[]) AS r (oid) ON r.oid = ANY (p.polroles)
LEFT JOIN LATERAL (
    SELECT o.oid FROM pg_catalog.unnest(p.polroles) AS o (oid) WHERE o.oid <> r.oid
) AS x ON true
LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = x.oid
LIMIT $2
