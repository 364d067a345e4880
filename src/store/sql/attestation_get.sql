-- revoked/attestation_get
SELECT upto FROM attestation WHERE name = $1
