-- revoked/notices_void: changes of role that an end made void which was withdrawn since; its newest record says when
SELECT n.id FROM notice AS n JOIN revocation AS r ON r.id = n.revocation_id
WHERE n.outcome = 'superseded' AND r.state = 'withdrawn' AND n.body <> '' AND r.queued_at >= $2
    AND n.event_type IN ('user_role_changed', 'iam_policy_changed')
ORDER BY n.received_at, n.id
LIMIT $1
