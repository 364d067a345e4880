-- revoked/jobs: jobs of pg_cron that run as a role in $1, or as a name that no role bears. By name, since
-- that is what the table has; never the command, which may hold a secret.
SELECT
    j.jobid AS job,
    j.username::text AS name,
    j.database::text AS database,
    j.active AS active,
    r.oid AS role
FROM cron.job AS j
LEFT JOIN pg_catalog.pg_roles AS r ON r.rolname = j.username
WHERE r.oid = ANY ($1) OR r.oid IS NULL
ORDER BY j.jobid
LIMIT $2
