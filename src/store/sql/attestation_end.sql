-- revoked/attestation_end: a period ended; nobody else has said so
UPDATE attestation SET upto = $3 WHERE name = $1 AND upto = $2
