-- revoked/file_state: when the file that the setting $1 names, and those in $2, were changed, and when this
-- process of the server loaded its configuration. A file that was put in place keeps the time
-- of its content, but not that of its inode. The time of a file has no fractions, so that the same second
-- proves nothing. A process learns of a load later than the server, by its own next statement. What was changed
-- after that was not loaded (newer); what was changed between the start of this connection and that was loaded or
-- not (unsure), which a new connection tells: it begins with what the server has.
SELECT
    f.file AS file,
    (pg_catalog.date_part('epoch', s.changed) * 1000000)::int8 AS changed_us,
    (pg_catalog.date_part('epoch', l.loaded) * 1000000)::int8 AS loaded_us,
    s.changed >= pg_catalog.date_trunc('second', l.loaded) AS newer,
    s.changed < pg_catalog.date_trunc('second', l.loaded)
        AND s.changed >= pg_catalog.date_trunc('second', l.begun) AS unsure
FROM (
    SELECT pg_catalog.current_setting($1) AS file
    UNION
    SELECT n.name FROM pg_catalog.unnest($2::text[]) AS n (name)
) AS f
CROSS JOIN LATERAL (
    SELECT GREATEST(t.modification, t.change) AS changed FROM pg_catalog.pg_stat_file(f.file) AS t
) AS s
CROSS JOIN (
    SELECT pg_catalog.pg_conf_load_time() AS loaded, a.backend_start AS begun
    FROM pg_catalog.pg_stat_activity AS a
    WHERE a.pid = pg_catalog.pg_backend_pid()
) AS l
ORDER BY f.file
LIMIT $3
