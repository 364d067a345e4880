-- revoked/probe_guard: what holds for a configured statement, for its transaction: names are looked up where the
-- configuration says ($1), strings are read as its form was checked, and a table whose rows a policy might hide is an
-- error instead of fewer rows.
SELECT
    pg_catalog.set_config('search_path', $1, true) AS search_path,
    pg_catalog.set_config('standard_conforming_strings', 'on', true) AS strings,
    pg_catalog.set_config('row_security', 'off', true) AS row_security
