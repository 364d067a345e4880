-- revoked/attestation_begin
INSERT INTO attestation (name, upto) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING
