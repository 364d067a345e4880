-- revoked/sight: what the agent's role may not use, of the relations in $1, the functions in $2 and the
-- roles in $3, each with the GRANT that is missing. Reads no catalog, so that it works where they are withheld.
SELECT
    w.object AS object,
    pg_catalog.format('GRANT %s TO %I;', w.privilege, current_user) AS fix
FROM (
    SELECT
        n.name AS object,
        'SELECT ON ' || n.name AS privilege,
        pg_catalog.has_table_privilege(current_user, pg_catalog.to_regclass(n.name), 'SELECT') AS held
    FROM pg_catalog.unnest($1::text[]) AS n (name)
    UNION ALL
    SELECT
        n.name,
        'EXECUTE ON FUNCTION ' || n.name,
        pg_catalog.has_function_privilege(current_user, pg_catalog.to_regprocedure(n.name), 'EXECUTE')
    FROM pg_catalog.unnest($2::text[]) AS n (name)
    UNION ALL
    SELECT n.name, n.name, pg_catalog.pg_has_role(current_user, n.name::name, 'USAGE')
    FROM pg_catalog.unnest($3::text[]) AS n (name)
) AS w
WHERE NOT w.held
LIMIT $4
