-- revoked/record_land
UPDATE record SET state = 'landed', seq = line.column2
FROM (VALUES
($1, $2)
) AS line
WHERE record.id = line.column1 AND record.state = 'queued'
