-- revoked/records_subjects_again: the commitments to people land once more, but for those who were erased
UPDATE record SET state = 'queued'
WHERE state = 'landed' AND kind = 'subject'
    AND revocation_id IN (
        SELECT r.id FROM revocation AS r JOIN subject AS s ON s.id = r.subject_id WHERE s.disclosure <> ''
    )
