-- revoked/outbox_insert: for everybody who is told, and pages for who files them; in the thread of the checklist that the revocation is of, if any
INSERT INTO outbox (
    id, record_id, receiver, kind, about, reason, urgency, lane, state, created_at, due_at, expires_at, attempts,
    unknown_answers, plain, doubled, error, version, awaits
)
SELECT
    line.column1 || ':' || r.name || line.column2, line.column1, r.name, line.column3, line.column4, line.column5,
    CAST(line.column6 AS BIGINT),
    COALESCE(
        (SELECT MIN(n.checklist) FROM notice AS n WHERE n.revocation_id = line.column4 AND n.checklist <> ''),
        line.column4
    ),
    'waiting', CAST(line.column7 AS BIGINT), CAST(line.column7 AS BIGINT) + r.gather_us,
    CAST(line.column7 AS BIGINT) + CAST(line.column8 AS BIGINT), 0, 0, 0, 0, '', 0, line.column9
FROM (VALUES
($1, $2, $3, $4, $5, $6, $7, $8, $9)
) AS line CROSS JOIN receiver AS r
WHERE (line.column3 IN ('closure', 'attestation')) = (r.name = 'confluence')
