-- revoked/receiver_delete
DELETE FROM receiver WHERE name = $1
