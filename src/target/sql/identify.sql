-- revoked/identify: names of the objects found, three arrays in step: class, object, sub-object. And what
-- their owner lends by them: SECURITY DEFINER, and event triggers that fire.
SELECT
    f.class AS class,
    f.object AS object,
    f.sub_object AS sub_object,
    k.relname::text AS catalog,
    i.type AS type,
    i.identity AS identity,
    a.object_names AS names,
    a.object_args AS args,
    t.attname::text AS column_name,
    p.prosecdef AS security_definer,
    CASE WHEN e.evtenabled <> 'D' THEN e.evtevent::text END AS fires_on
FROM ROWS FROM (
    pg_catalog.unnest($1::oid[]), pg_catalog.unnest($2::oid[]), pg_catalog.unnest($3::int4[])
) AS f (class, object, sub_object)
JOIN pg_catalog.pg_class AS k ON k.oid = f.class
CROSS JOIN LATERAL pg_catalog.pg_identify_object(f.class, f.object, 0) AS i
LEFT JOIN LATERAL pg_catalog.pg_identify_object_as_address(f.class, f.object, 0) AS a
    ON f.class IN (
        'pg_catalog.pg_default_acl'::pg_catalog.regclass, 'pg_catalog.pg_policy'::pg_catalog.regclass,
        'pg_catalog.pg_user_mapping'::pg_catalog.regclass
    )
LEFT JOIN pg_catalog.pg_attribute AS t
    ON f.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND t.attrelid = f.object AND t.attnum = f.sub_object
LEFT JOIN pg_catalog.pg_proc AS p
    ON f.class = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = f.object
LEFT JOIN pg_catalog.pg_event_trigger AS e
    ON f.class = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass AND e.oid = f.object
LIMIT $4
