-- revoked/receivers_delete
DELETE FROM receiver
