-- revoked/ident_maps_15: lines of pg_ident.conf that lead to a role in $1, or to a name in $2 that no role
-- bears; those that let somebody in who is called as such a role or as any name in $2 is, with or without a realm, in a
-- distinguished name, or as a word of a regular expression, as whomever; and lines in error. PostgreSQL 15. \1 stands
-- for a part of the system user's name: alone it leads to whoever that is, and names nobody. Names are compared without
-- case, as krb_caseins_users may have it. There may be thousands of names and hundreds of lines: only what is found by
-- equality, or in all names at once, is looked at one by one.
WITH lines AS MATERIALIZED (
    SELECT v.*, v.line_number AS id, pg_catalog.strpos(v.pg_username, E'\\1') AS at
    FROM pg_catalog.pg_ident_file_mappings AS v
), filled (id, pg_username, at) AS MATERIALIZED (
    SELECT l.id, l.pg_username, l.at
    FROM lines AS l
    WHERE l.error IS NULL AND l.at > 0 AND l.pg_username <> E'\\1'
), named (word, role) AS MATERIALIZED (
    SELECT r.rolname::text COLLATE pg_catalog."default", r.oid FROM pg_catalog.pg_roles AS r WHERE r.oid = ANY ($1)
    UNION
    SELECT n.name, NULL FROM pg_catalog.unnest($2::text[]) AS n (name)
    WHERE (
        EXISTS (SELECT FROM filled)
        OR pg_catalog.lower(n.name) IN (SELECT pg_catalog.lower(l.pg_username) FROM lines AS l)
    )
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = n.name)
), systems (name, pattern, text) AS MATERIALIZED (
    SELECT DISTINCT
        l.sys_name,
        CASE WHEN p.is_pattern THEN pg_catalog.substr(l.sys_name, 2) END,
        -- Without the backslashes that take marks as they are.
        CASE
            WHEN p.is_pattern THEN pg_catalog.regexp_replace(pg_catalog.substr(l.sys_name, 2), '\\([^a-zA-Z0-9])', '\1', 'g')
            ELSE l.sys_name
        END
    FROM lines AS l CROSS JOIN LATERAL (SELECT pg_catalog.left(l.sys_name, 1) = '/') AS p (is_pattern)
    WHERE l.error IS NULL
), words (system, word) AS MATERIALIZED (
    SELECT s.name, pg_catalog.lower(w.word)
    FROM systems AS s CROSS JOIN LATERAL (VALUES (s.name), (pg_catalog.split_part(s.name, '@', 1))) AS w (word)
    WHERE s.pattern IS NULL
    UNION
    -- Of a distinguished name those parts that name somebody.
    SELECT s.name, pg_catalog.lower(w.word)
    FROM systems AS s
    CROSS JOIN LATERAL pg_catalog.regexp_matches(
        s.text, '(?:^|[^a-z])(?:cn|uid)\s*=\s*[(]?([^][(){}|^$*+?\\,/]+)', 'gi'
    ) AS m (found)
    CROSS JOIN LATERAL (
        VALUES (pg_catalog.btrim(m.found[1], ' .')), (pg_catalog.split_part(pg_catalog.btrim(m.found[1], ' .'), '@', 1))
    ) AS w (word)
    UNION
    -- Whole alternatives of a regular expression, before a realm.
    SELECT s.name, pg_catalog.lower(m.found[1])
    FROM systems AS s
    CROSS JOIN LATERAL pg_catalog.regexp_matches(
        pg_catalog.split_part(s.text, '@', 1),
        '(?:^|[(|^:])([^][(){}|^$*+?:\\]+)(?=$|[)|$([]|[.][*+?{])', 'g'
    ) AS m (found)
    WHERE s.pattern IS NOT NULL
), people (name, role) AS MATERIALIZED (
    SELECT r.rolname::text COLLATE pg_catalog."default", r.oid FROM pg_catalog.pg_roles AS r WHERE r.oid = ANY ($1)
    UNION
    SELECT n.name, NULL FROM pg_catalog.unnest($2::text[]) AS n (name)
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = ANY ($1) AND r.rolname = n.name)
), near (name, role) AS MATERIALIZED (
    SELECT r.rolname::text COLLATE pg_catalog."default", r.oid FROM pg_catalog.pg_roles AS r WHERE r.oid = ANY ($1)
    UNION
    SELECT n.name, NULL FROM pg_catalog.unnest($2::text[]) AS n (name)
    WHERE pg_catalog.lower(n.name) IN (SELECT w.word FROM words AS w)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = ANY ($1) AND r.rolname = n.name)
), everybody (names) AS MATERIALIZED (
    SELECT pg_catalog.string_agg(a.name, E'\n')
    FROM (
        SELECT n.name FROM pg_catalog.unnest($2::text[]) AS n (name)
        UNION ALL
        SELECT r.rolname::text FROM pg_catalog.pg_roles AS r WHERE r.oid = ANY ($1)
    ) AS a (name)
    WHERE EXISTS (SELECT FROM systems AS s WHERE s.pattern IS NOT NULL)
), open AS MATERIALIZED (
    SELECT s.name, s.pattern
    FROM systems AS s CROSS JOIN everybody AS e
    -- Each name is a line here, but where the ends of the whole text or options of its own are meant.
    WHERE CASE
        WHEN s.pattern ~ '^[(][?]|^[*][*][*]|\\[AZ]' THEN true
        ELSE e.names ~* ('(?n)' || s.pattern)
    END
), realms (realm) AS MATERIALIZED (
    SELECT DISTINCT COALESCE(pg_catalog.substring(p.name, '@.*$'), '') FROM people AS p
    WHERE EXISTS (SELECT FROM open)
), chosen AS MATERIALIZED (
    -- One that lets everybody in who has such a realm names nobody.
    SELECT o.name, o.pattern, m.realm
    FROM open AS o CROSS JOIN realms AS m
    WHERE EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname || m.realm !~* o.pattern)
), callers (system, role, name) AS MATERIALIZED (
    SELECT w.system, p.role, p.name
    FROM words AS w JOIN near AS p ON pg_catalog.lower(p.name) = w.word
    UNION
    SELECT c.name, p.role, p.name
    FROM chosen AS c
    JOIN people AS p ON COALESCE(pg_catalog.substring(p.name, '@.*$'), '') = c.realm AND p.name ~* c.pattern
), hits (id, role, word, system, caller) AS MATERIALIZED (
    SELECT l.id, m.role, l.pg_username, false, NULL::text
    FROM lines AS l JOIN named AS m ON pg_catalog.lower(m.word) = pg_catalog.lower(l.pg_username)
    WHERE l.error IS NULL
    UNION ALL
    SELECT l.id, m.role, l.pg_username, false, NULL::text
    FROM filled AS l
    JOIN named AS m
        ON pg_catalog.length(m.word) >= pg_catalog.length(l.pg_username) - 2
        AND pg_catalog.lower(pg_catalog.left(m.word, l.at - 1)) = pg_catalog.lower(pg_catalog.left(l.pg_username, l.at - 1))
        AND pg_catalog.lower(pg_catalog.right(m.word, pg_catalog.length(l.pg_username) - l.at - 1))
            = pg_catalog.lower(pg_catalog.substr(l.pg_username, l.at + 2))
        AND pg_catalog.lower(m.word) <> pg_catalog.lower(l.pg_username)
    UNION ALL
    SELECT l.id, c.role, 'the system user ' || l.sys_name, true, c.name
    FROM lines AS l
    JOIN callers AS c ON c.system = l.sys_name AND pg_catalog.lower(c.name) <> pg_catalog.lower(l.pg_username)
    WHERE l.error IS NULL
    -- Whoever that is: the line names them.
    AND l.pg_username <> E'\\1'
    -- One that leads to no role lets nobody in.
    AND (
        EXISTS (
            SELECT FROM pg_catalog.pg_roles AS r
            WHERE pg_catalog.lower(r.rolname::text COLLATE pg_catalog."default") = pg_catalog.lower(l.pg_username)
            OR l.at > 0 AND pg_catalog.left(l.sys_name, 1) = '/'
                AND pg_catalog.lower(pg_catalog.left(r.rolname, l.at - 1)) = pg_catalog.lower(pg_catalog.left(l.pg_username, l.at - 1))
                AND pg_catalog.lower(pg_catalog.right(r.rolname, pg_catalog.length(l.pg_username) - l.at - 1))
                    = pg_catalog.lower(pg_catalog.substr(l.pg_username, l.at + 2))
        )
    )
)
SELECT
    NULL::text AS file,
    l.line_number AS line,
    n.role AS role,
    n.word AS word,
    -- Who a user of the system is may be told by no name.
    pg_catalog.concat_ws(' ', l.map_name, CASE WHEN n.system THEN '...' ELSE l.sys_name END, l.pg_username) AS rule,
    l.error AS error,
    COALESCE(n.system, false) AS system,
    n.caller AS caller,
    CASE WHEN n.system THEN l.pg_username END AS leads
FROM lines AS l
LEFT JOIN hits AS n ON n.id = l.id
WHERE l.error IS NOT NULL OR n.word IS NOT NULL
ORDER BY l.line_number, n.word
LIMIT $3
