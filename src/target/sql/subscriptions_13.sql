-- revoked/subscriptions_13: subscriptions that belong to a role of $1, as pg_shdepend has it. Up to PostgreSQL 13 the
-- OIDs of subscriptions are not readable by everybody, so this is no second path; but a role of which there is more
-- than is read has its subscriptions read all the same.
SELECT s.classid AS class, s.objid AS object, s.refobjid AS role
FROM pg_catalog.pg_shdepend AS s
WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
    AND s.refobjid = ANY ($1::oid[])
    AND s.classid = 'pg_catalog.pg_subscription'::pg_catalog.regclass
    AND s.deptype = 'o'
LIMIT $2
