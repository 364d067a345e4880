-- revoked/page_levels
SELECT finding, COUNT(*) FROM page WHERE receiver = $1 GROUP BY finding
