-- revoked/admitted: of the roles in $1 and of those called as in $2, which may log in. Read before sessions are read the
-- first time: of a role that could not log in then, and had no session after that, none can have begun.
SELECT
    r.oid AS oid,
    r.rolcanlogin AS login
FROM pg_catalog.pg_roles AS r
WHERE r.oid IN (SELECT t.oid FROM pg_catalog.unnest($1::oid[]) AS t (oid))
    OR r.rolname::text IN (SELECT n.name FROM pg_catalog.unnest($2::text[]) AS n (name))
LIMIT $3
