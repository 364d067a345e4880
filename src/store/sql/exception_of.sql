-- revoked/exception_of: the revocation that an exception belongs to
SELECT revocation_id FROM exception WHERE id = $1
