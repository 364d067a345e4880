-- revoked/receiver_put
INSERT INTO receiver (name, gather_us) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET gather_us = excluded.gather_us
