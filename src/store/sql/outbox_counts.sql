-- revoked/outbox_counts: what a digest tells, counted
SELECT o.kind, o.reason, COUNT(*), COALESCE(MAX(o.seq), 0) FROM outbox AS o WHERE o.carrier = $1 GROUP BY o.kind, o.reason
ORDER BY o.kind, o.reason
