-- revoked/ident_maps_15: lines of pg_ident.conf that lead to a role in $1, or to a name in $2 that no role
-- bears; those that let somebody in who is called as such a role or name is, with or without a realm, as whomever; and
-- lines in error. PostgreSQL 15. \1 stands for a part of the system user's name: alone it leads to
-- whoever that is, and names nobody. Names are compared without case, as krb_caseins_users may have it.
WITH named (word, role) AS (
    SELECT r.rolname::text, r.oid FROM pg_catalog.pg_roles AS r WHERE r.oid = ANY ($1)
    UNION
    SELECT n.name, NULL FROM pg_catalog.unnest($2::text[]) AS n (name)
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = n.name)
), lines AS MATERIALIZED (
    SELECT v.* FROM pg_catalog.pg_ident_file_mappings AS v
), systems (name, pattern) AS MATERIALIZED (
    SELECT DISTINCT
        l.sys_name,
        CASE WHEN pg_catalog.left(l.sys_name, 1) = '/' THEN '(?i)' || pg_catalog.substr(l.sys_name, 2) END
    FROM lines AS l WHERE l.error IS NULL
), callers (system, role, word) AS MATERIALIZED (
    SELECT s.name, n.role, n.word
    FROM systems AS s
    JOIN named AS n ON CASE
        -- One that lets everybody in names nobody.
        WHEN s.pattern IS NOT NULL THEN n.word ~ s.pattern
            AND EXISTS (SELECT FROM pg_catalog.pg_roles AS o WHERE o.rolname !~ s.pattern)
        ELSE pg_catalog.lower(n.word) IN (pg_catalog.lower(s.name), pg_catalog.lower(pg_catalog.split_part(s.name, '@', 1)))
    END
)
SELECT
    NULL::text AS file,
    l.line_number AS line,
    n.role AS role,
    n.word AS word,
    pg_catalog.concat_ws(' ', l.map_name, l.sys_name, l.pg_username) AS rule,
    l.error AS error,
    COALESCE(n.system, false) AS system
FROM lines AS l
CROSS JOIN LATERAL (SELECT pg_catalog.strpos(l.pg_username, E'\\1') AS at) AS p
LEFT JOIN LATERAL (
    SELECT m.role, l.pg_username, false FROM named AS m
    WHERE l.error IS NULL AND (
        pg_catalog.lower(m.word) = pg_catalog.lower(l.pg_username)
        OR p.at > 0 AND l.pg_username <> E'\\1'
        AND pg_catalog.length(m.word) >= pg_catalog.length(l.pg_username) - 2
        AND pg_catalog.lower(pg_catalog.left(m.word, p.at - 1)) = pg_catalog.lower(pg_catalog.left(l.pg_username, p.at - 1))
        AND pg_catalog.lower(pg_catalog.right(m.word, pg_catalog.length(l.pg_username) - p.at - 1))
            = pg_catalog.lower(pg_catalog.substr(l.pg_username, p.at + 2))
    )
    UNION ALL
    SELECT c.role, 'the system user ' || l.sys_name, true FROM callers AS c
    WHERE l.error IS NULL AND c.system = l.sys_name AND pg_catalog.lower(c.word) <> pg_catalog.lower(l.pg_username)
) AS n (role, word, system) ON true
WHERE l.error IS NOT NULL OR n.word IS NOT NULL
ORDER BY l.line_number, n.word
LIMIT $3
