-- revoked/memberships_13: every membership of the cluster. PostgreSQL 13 to 15: one row per role and member.
-- SET ROLE is always possible there, and INHERIT is the member's attribute, which `roles` gives.
SELECT
    m.roleid AS role,
    m.member AS member,
    m.grantor AS grantor,
    m.admin_option AS admin_option,
    NULL::bool AS inherit_option,
    true AS set_option
FROM pg_catalog.pg_auth_members AS m
LIMIT $1
