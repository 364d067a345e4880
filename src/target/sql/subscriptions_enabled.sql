-- revoked/subscriptions_enabled: which subscriptions are switched on. By quoted name: before 14 their OIDs are not
-- readable by everybody; two databases may have one of the same name.
SELECT
    pg_catalog.quote_ident(s.subname) AS identity,
    pg_catalog.bool_or(s.subenabled) AS enabled
FROM pg_catalog.pg_subscription AS s
GROUP BY s.subname
ORDER BY s.subname
LIMIT $1
