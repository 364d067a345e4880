-- revoked/notice_conflict
INSERT INTO notice_conflict (source, event_id, digest, first_at, last_at, times) VALUES
($1, $2, $3, $4, $4, 1)
ON CONFLICT (source, event_id, digest) DO UPDATE SET
    last_at = excluded.last_at, times = notice_conflict.times + 1
