-- revoked/hba_rules_13: lines of pg_hba.conf that name a role in $1 or a group of it, or a name in $2 that no
-- role bears; and lines in error. PostgreSQL 13 to 15. A group's line is for every member, also one whose
-- membership gives nothing. The view has lost quotes: "+x" may be a name, and is taken for both.
WITH RECURSIVE held (member, role) AS (
    SELECT r.oid, r.oid FROM pg_catalog.pg_roles AS r WHERE r.oid = ANY ($1)
    UNION
    SELECT h.member, m.roleid FROM held AS h JOIN pg_catalog.pg_auth_members AS m ON m.member = h.role
), named (word, role) AS (
    SELECT r.rolname::text, r.oid FROM pg_catalog.pg_roles AS r WHERE r.oid = ANY ($1)
    UNION
    SELECT '+' || r.rolname, h.member FROM held AS h JOIN pg_catalog.pg_roles AS r ON r.oid = h.role
    UNION
    SELECT n.name, NULL FROM pg_catalog.unnest($2::text[]) AS n (name)
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = n.name)
)
SELECT
    NULL::text AS file,
    l.line_number AS line,
    n.role AS role,
    n.word AS word,
    pg_catalog.concat_ws(
        ' ', l.type, pg_catalog.array_to_string(l.database, ','), pg_catalog.array_to_string(l.user_name, ','),
        l.address, l.netmask, l.auth_method
    ) AS rule,
    l.error AS error
FROM pg_catalog.pg_hba_file_rules AS l
LEFT JOIN named AS n ON n.word = ANY (l.user_name) AND l.error IS NULL AND l.auth_method <> 'reject'
WHERE l.error IS NOT NULL OR n.word IS NOT NULL
ORDER BY l.line_number, n.word
LIMIT $3
