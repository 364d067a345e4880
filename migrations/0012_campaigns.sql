-- Rotation campaigns. `body` has what the newest sweep found; `version` changes with everything that changes in a campaign,
-- so that two who change it never do so from the same state.
CREATE TABLE campaign (
    name TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL,
    version BIGINT NOT NULL
);

-- Consumers of their old credentials. `id` stands for one in the log, which has no names of them. `record_id` is the record
-- of the newest change: what that makes look better is shown once it is in the log.
CREATE TABLE campaign_consumer (
    id TEXT NOT NULL PRIMARY KEY,
    campaign TEXT NOT NULL REFERENCES campaign (name),
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    record_id TEXT REFERENCES record (id),
    UNIQUE (campaign, name)
);
