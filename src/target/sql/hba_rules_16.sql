-- revoked/hba_rules_16: as hba_rules_13, with included files, and names that begin with / as regular
-- expressions. One that matches every role of the cluster names nobody. The server compiles all of them when
-- it shows the file: one that cannot be compiled is an error there.
WITH RECURSIVE held (member, role) AS (
    SELECT r.oid, r.oid FROM pg_catalog.pg_roles AS r WHERE r.oid = ANY ($1)
    UNION
    SELECT h.member, m.roleid FROM held AS h JOIN pg_catalog.pg_auth_members AS m ON m.member = h.role
), lines AS MATERIALIZED (
    SELECT v.*, pg_catalog.row_number() OVER (PARTITION BY v.file_name ORDER BY v.line_number) AS nth
    FROM pg_catalog.pg_hba_file_rules AS v
), patterns (word, pattern) AS MATERIALIZED (
    SELECT DISTINCT w.word, pg_catalog.substr(w.word, 2)
    FROM lines AS l CROSS JOIN LATERAL pg_catalog.unnest(l.user_name) AS w (word)
    WHERE l.error IS NULL AND pg_catalog.left(w.word, 1) = '/'
), named (word, role) AS (
    SELECT r.rolname::text, r.oid FROM pg_catalog.pg_roles AS r WHERE r.oid = ANY ($1)
    UNION
    SELECT '+' || r.rolname, h.member FROM held AS h JOIN pg_catalog.pg_roles AS r ON r.oid = h.role
    UNION
    SELECT p.word, r.oid
    FROM patterns AS p JOIN pg_catalog.pg_roles AS r ON r.oid = ANY ($1) AND r.rolname ~ p.pattern
    WHERE EXISTS (SELECT FROM pg_catalog.pg_roles AS o WHERE o.rolname !~ p.pattern)
    UNION
    SELECT n.name, NULL FROM pg_catalog.unnest($2::text[]) AS n (name)
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = n.name)
)
SELECT
    l.file_name AS file,
    l.line_number AS line,
    n.role AS role,
    n.word AS word,
    pg_catalog.concat_ws(
        ' ', l.type, pg_catalog.array_to_string(l.database, ','), pg_catalog.array_to_string(l.user_name, ','),
        l.address, l.netmask, l.auth_method
    ) AS rule,
    l.error AS error
FROM lines AS l
LEFT JOIN named AS n ON n.word = ANY (l.user_name) AND l.error IS NULL AND l.auth_method <> 'reject'
-- One line of each file in any case, since each may have been changed.
WHERE l.error IS NOT NULL OR n.word IS NOT NULL OR l.nth = 1
ORDER BY l.file_name, l.line_number, n.word
LIMIT $3
