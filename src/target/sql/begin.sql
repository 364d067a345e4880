-- revoked/begin: the first query of every transaction: after it the server refuses to make the transaction writable.
-- And who answers, by marks that lie in the server's memory, since each transaction asks. Not by the timeline: for
-- some time after a promotion the control file has the old one.
SELECT
    pg_catalog.current_setting('transaction_read_only') = 'on' AS read_only,
    (pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time()) * 1000000)::int8 AS started_us,
    pg_catalog.pg_is_in_recovery() AS in_recovery
