-- revoked/self_test: what the agent's own role may do, cluster-wide, that no look needs.
WITH RECURSIVE me (oid) AS (
    SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user
), held (oid) AS (
    SELECT oid FROM me
    UNION
    SELECT m.roleid
    FROM held AS h
    -- OFFSET 0: by index. Joined, it would be planned as a pass over all memberships.
    CROSS JOIN LATERAL (
        SELECT a.roleid FROM pg_catalog.pg_auth_members AS a WHERE a.member = h.oid OFFSET 0
    ) AS m
)
SELECT
    r.rolname::text AS role,
    pg_catalog.concat_ws(
        ', ',
        CASE WHEN r.rolsuper THEN 'SUPERUSER' END,
        CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
        CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,
        CASE WHEN r.rolreplication THEN 'REPLICATION' END,
        CASE WHEN r.rolbypassrls AND r.oid = (SELECT oid FROM me) THEN 'BYPASSRLS' END,
        CASE WHEN r.rolname IN (
            'pg_write_all_data', 'pg_signal_backend', 'pg_execute_server_program',
            'pg_write_server_files', 'pg_checkpoint', 'pg_maintain', 'pg_create_subscription',
            'pg_signal_autovacuum_worker',
            -- Reading, but all of it: data and files of the server are nothing that a look needs.
            'pg_read_all_data', 'pg_read_server_files'
        ) THEN 'member of ' || r.rolname END,
        -- A lone value, not EXISTS: that would be planned as a join that reads all of pg_shdepend.
        CASE WHEN (
            SELECT true FROM pg_catalog.pg_shdepend AS s
            WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
                AND s.refobjid = r.oid AND s.deptype = 'o'
            LIMIT 1
        ) THEN 'owns objects' END
    ) AS excess
FROM held AS h
CROSS JOIN LATERAL (SELECT * FROM pg_catalog.pg_roles AS a WHERE a.oid = h.oid OFFSET 0) AS r
ORDER BY r.rolname
LIMIT $1
