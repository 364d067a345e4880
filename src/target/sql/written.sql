-- revoked/written: up to where the primary has written what a snapshot taken before shows: a standby that has replayed
-- this much shows it too. Inserted, not written: a commit that was not waited for may be seen before it is written.
-- But what is between may be the head of an empty page, which is in no record: nothing that changes a catalog is so short.
SELECT
    CASE
        WHEN w.inserted - w.written > 40 THEN w.inserted
        ELSE w.written
    END::int8 AS position
FROM (
    SELECT
        pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0'),
        pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')
) AS w (inserted, written)
LIMIT $1
