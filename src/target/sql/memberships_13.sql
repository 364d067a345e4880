-- revoked/memberships_13: every membership of the cluster. PostgreSQL 13 to 15: one row per role and
-- member, INHERIT is the member's attribute, SET ROLE is always possible.
SELECT
    m.roleid AS role,
    m.member AS member,
    m.grantor AS grantor,
    m.admin_option AS admin_option,
    COALESCE(r.rolinherit, true) AS inherit_option,
    true AS set_option
FROM pg_catalog.pg_auth_members AS m
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = m.member
ORDER BY m.roleid, m.member
LIMIT $1
