-- revoked/outbox_levels: what is not settled, and what is dead
SELECT o.receiver, o.state, COUNT(*), MIN(o.created_at) FROM outbox AS o
WHERE o.state IN ('waiting', 'due', 'sending', 'ambiguous', 'dead')
GROUP BY o.receiver, o.state
