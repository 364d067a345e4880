-- revoked/changes: how often rows of this database's catalogs that hold access were written, by the server's
-- statistics. A hint only: statistics come late or not at all, so they may say that something changed, never
-- that nothing did. pg_shdepend is not among them: each look reads what it says of tracked roles, and it is
-- written for every database.
SELECT pg_catalog.string_agg(
    pg_catalog.concat_ws(
        '/',
        pg_catalog.pg_stat_get_tuples_inserted(c.oid),
        pg_catalog.pg_stat_get_tuples_updated(c.oid),
        pg_catalog.pg_stat_get_tuples_deleted(c.oid)
    ),
    ' ' ORDER BY c.oid
) AS written
FROM (
    SELECT a.oid
    FROM pg_catalog.unnest(ARRAY[
        'pg_catalog.pg_class',
        'pg_catalog.pg_attribute',
        'pg_catalog.pg_proc',
        'pg_catalog.pg_type',
        'pg_catalog.pg_namespace',
        'pg_catalog.pg_language',
        'pg_catalog.pg_largeobject_metadata',
        'pg_catalog.pg_foreign_data_wrapper',
        'pg_catalog.pg_foreign_server',
        'pg_catalog.pg_default_acl',
        'pg_catalog.pg_policy',
        'pg_catalog.pg_user_mapping',
        'pg_catalog.pg_extension',
        'pg_catalog.pg_collation',
        'pg_catalog.pg_conversion',
        'pg_catalog.pg_operator',
        'pg_catalog.pg_opclass',
        'pg_catalog.pg_opfamily',
        'pg_catalog.pg_ts_dict',
        'pg_catalog.pg_ts_config',
        'pg_catalog.pg_statistic_ext',
        'pg_catalog.pg_publication',
        'pg_catalog.pg_event_trigger'
    ]::pg_catalog.regclass[]) AS a (oid)
    UNION ALL
    -- Jobs of pg_cron are found by name: where the extension is not installed there is no such table.
    SELECT t.oid
    FROM pg_catalog.pg_class AS t
    JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
    WHERE n.nspname = 'cron' AND t.relname = 'job'
) AS c (oid)
LIMIT $1
