-- revoked/backend_pid: which session a probe began, for whoever sees it in the server's log.
SELECT pg_catalog.pg_backend_pid() AS pid
