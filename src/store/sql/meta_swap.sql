-- revoked/meta_swap
UPDATE agent_meta SET value = $3 WHERE key = $1 AND value = $2
