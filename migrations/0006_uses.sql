-- Who uses their accounts. How long a cluster was really watched, and of each role that may log in there when it was
-- last seen in use and how long had been watched by then (`mark_us`): it is inactive once so much more was watched.
-- `seen_at` is empty where it was never seen. Both times of watching are in microseconds.
CREATE TABLE activity_watch (
    system_identifier TEXT NOT NULL PRIMARY KEY,
    watched_us BIGINT NOT NULL
);
CREATE TABLE activity_seen (
    system_identifier TEXT NOT NULL,
    oid BIGINT NOT NULL,
    role TEXT NOT NULL,
    known_at BIGINT NOT NULL,
    seen_at BIGINT,
    mark_us BIGINT NOT NULL,
    PRIMARY KEY (system_identifier, oid)
);
