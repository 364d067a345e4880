-- revoked/records_unplace: their places were in a log that is no more
UPDATE record SET seq = NULL WHERE state = 'landed' AND seq IS NOT NULL
