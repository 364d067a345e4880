-- revoked/roster_since: since when the roles of each cluster are known
SELECT system_identifier, MIN(first_seen_at) FROM roster GROUP BY system_identifier
