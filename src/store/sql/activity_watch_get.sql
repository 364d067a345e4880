-- revoked/activity_watch_get
SELECT watched_us FROM activity_watch WHERE system_identifier = $1
