-- revoked/receiver_insert
INSERT INTO receiver (name, gather_us, keep_us) VALUES ($1, $2, $3)
