-- revoked/record_land
UPDATE record SET state = 'landed', seq = CAST(line.column2 AS BIGINT)
FROM (VALUES
($1, $2)
) AS line
WHERE record.id = line.column1 AND record.state = 'queued'
