-- revoked/memberships_16: every membership of the cluster. PostgreSQL 16 and later: one row per grantor.
SELECT
    m.roleid AS role,
    m.member AS member,
    m.grantor AS grantor,
    m.admin_option AS admin_option,
    m.inherit_option AS inherit_option,
    m.set_option AS set_option
FROM pg_catalog.pg_auth_members AS m
LIMIT $1
