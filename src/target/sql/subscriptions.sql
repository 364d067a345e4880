-- revoked/subscriptions: subscriptions whose owner column names a role of $1. The second path beside
-- pg_shdepend. PostgreSQL 14 and later: before, their OIDs are not readable by everybody.
SELECT
    'pg_catalog.pg_subscription'::pg_catalog.regclass::oid AS class,
    s.oid AS object,
    s.subowner AS role
FROM pg_catalog.pg_subscription AS s
WHERE s.subowner = ANY ($1)
LIMIT $2
