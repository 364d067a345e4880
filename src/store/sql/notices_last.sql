-- revoked/notices_last: when each source was last heard
SELECT source, MAX(received_at) FROM notice WHERE id <> '' AND outcome <> 'part' GROUP BY source
