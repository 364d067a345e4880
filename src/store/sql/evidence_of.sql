-- revoked/evidence_of
SELECT found FROM evidence WHERE revocation_id = $1
