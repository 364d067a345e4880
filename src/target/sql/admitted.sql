-- revoked/admitted: every role that may log in. Read before sessions are read the first time: of a role that could not log
-- in then, and had no session after that, none can have begun.
SELECT r.oid AS oid
FROM pg_catalog.pg_roles AS r
WHERE r.rolcanlogin
LIMIT $1
