-- revoked/ident_maps_15: lines of pg_ident.conf that lead to a role in $1, or to a name in $2 that no role
-- bears; and lines in error. PostgreSQL 15. \1 stands for a part of the system user's name: alone it leads to
-- whoever that is, and names nobody. Names are compared without case, as krb_caseins_users may have it.
WITH named (word, role) AS (
    SELECT r.rolname::text, r.oid FROM pg_catalog.pg_roles AS r WHERE r.oid = ANY ($1)
    UNION
    SELECT n.name, NULL FROM pg_catalog.unnest($2::text[]) AS n (name)
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = n.name)
)
SELECT
    NULL::text AS file,
    l.line_number AS line,
    n.role AS role,
    l.pg_username AS word,
    pg_catalog.concat_ws(' ', l.map_name, l.sys_name, l.pg_username) AS rule,
    l.error AS error
FROM pg_catalog.pg_ident_file_mappings AS l
CROSS JOIN LATERAL (SELECT pg_catalog.strpos(l.pg_username, E'\\1') AS at) AS p
LEFT JOIN named AS n ON l.error IS NULL AND (
    pg_catalog.lower(n.word) = pg_catalog.lower(l.pg_username)
    OR p.at > 0 AND l.pg_username <> E'\\1'
    AND pg_catalog.length(n.word) >= pg_catalog.length(l.pg_username) - 2
    AND pg_catalog.lower(pg_catalog.left(n.word, p.at - 1)) = pg_catalog.lower(pg_catalog.left(l.pg_username, p.at - 1))
    AND pg_catalog.lower(pg_catalog.right(n.word, pg_catalog.length(l.pg_username) - p.at - 1))
        = pg_catalog.lower(pg_catalog.substr(l.pg_username, p.at + 2))
)
WHERE l.error IS NOT NULL OR n.word IS NOT NULL
ORDER BY l.line_number, n.word
LIMIT $3
