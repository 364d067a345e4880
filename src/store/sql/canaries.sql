-- revoked/canaries: there is at most one a target
SELECT c.target, c.watch, c.record_id, r.state AS record_state
FROM canary AS c LEFT JOIN record AS r ON r.id = c.record_id
ORDER BY c.target
