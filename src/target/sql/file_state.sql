-- revoked/file_state: when the file that the setting $1 names, and those in $2, were changed, and when the
-- server loaded its configuration. The time of a file has no fractions, so that the same second proves nothing.
SELECT
    f.file AS file,
    (pg_catalog.date_part('epoch', s.modification) * 1000000)::int8 AS changed_us,
    (pg_catalog.date_part('epoch', pg_catalog.pg_conf_load_time()) * 1000000)::int8 AS loaded_us,
    s.modification >= pg_catalog.date_trunc('second', pg_catalog.pg_conf_load_time()) AS newer
FROM (
    SELECT pg_catalog.current_setting($1) AS file
    UNION
    SELECT n.name FROM pg_catalog.unnest($2::text[]) AS n (name)
) AS f
CROSS JOIN LATERAL pg_catalog.pg_stat_file(f.file) AS s
ORDER BY f.file
LIMIT $3
