-- revoked/policies: policies that name a role of $1, of each role no more than $2 rows and the rest of the last
-- policy, each with the other roles it names: PUBLIC has no name, and a policy that names nobody else is one row
-- without another.
SELECT n.policy AS policy, n.role AS role, n.other IS NOT NULL AS shared, g.rolname::text AS other
FROM (
    SELECT
        p.oid, r.oid, x.oid,
        pg_catalog.rank() OVER (PARTITION BY r.oid ORDER BY p.oid)
    FROM pg_catalog.pg_policy AS p
    JOIN pg_catalog.unnest($1::oid[]) AS r (oid) ON r.oid = ANY (p.polroles)
    LEFT JOIN LATERAL (
        SELECT o.oid FROM pg_catalog.unnest(p.polroles) AS o (oid) WHERE o.oid <> r.oid
    ) AS x ON true
) AS n (policy, role, other, place)
LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = n.other
WHERE n.place <= $2::int8
LIMIT $3
