-- revoked/server: who answers. Its clock is compared with the agent's, never used for deadlines. The timeline is that
-- of the last checkpoint, shown and not compared: for some time after a promotion it is the old one.
SELECT
    s.system_identifier::text AS system_identifier,
    pg_catalog.current_setting('server_version') AS version,
    pg_catalog.current_setting('server_version_num')::int4 AS version_num,
    pg_catalog.pg_is_in_recovery() AS in_recovery,
    c.timeline_id::int4 AS timeline,
    (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000000)::int8 AS clock_us,
    current_user::text AS agent_role
FROM pg_catalog.pg_control_system() AS s, pg_catalog.pg_control_checkpoint() AS c
