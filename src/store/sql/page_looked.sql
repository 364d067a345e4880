-- revoked/page_looked
UPDATE page SET looked_at = $4, finding = $5, seen_version = $6
WHERE delivery = $1 AND page_id = $2 AND looked_at = $3
