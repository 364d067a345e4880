-- revoked/credentials: digests of the verifiers of the roles in $1, salted with $2. They are made here, so that
-- no verifier leaves the server. A role without a password has none.
SELECT
    a.oid AS role,
    pg_catalog.encode(
        pg_catalog.sha256(pg_catalog.convert_to($2::text || ':' || a.rolpassword, 'UTF8')), 'hex'
    ) AS digest
FROM pg_catalog.pg_authid AS a
WHERE a.oid = ANY ($1)
ORDER BY a.oid
LIMIT $3
