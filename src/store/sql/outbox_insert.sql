-- revoked/outbox_insert: for everybody who is told of such a thing; in the thread of the checklist that the revocation is of, if any
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
    CASE
        WHEN line.column8 IS NULL THEN NULL
        ELSE CAST(line.column7 AS BIGINT) + COALESCE(r.keep_us, CAST(line.column8 AS BIGINT))
    END,
    0, 0, 0, 0, '', 0, line.column9
FROM (VALUES
($1, $2, $3, $4, $5, $6, $7, $8, $9)
) AS line
INNER JOIN receiver_topic AS t ON t.topic = line.column3
INNER JOIN receiver AS r ON r.name = t.receiver
