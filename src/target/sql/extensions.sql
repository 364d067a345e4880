-- revoked/extensions: extensions that keep access of their own which this version does not read.
SELECT e.extname::text AS name
FROM pg_catalog.pg_extension AS e
WHERE e.extname IN ('pg_cron')
LIMIT $1
