-- revoked/notice_vendor
SELECT MIN(vendor) FROM notice WHERE checklist = $1 AND vendor <> ''
