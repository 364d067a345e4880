-- What the newest look found is for people, and for a judgement that finds something else. It is most of a revocation,
-- so it stands beside the row: what is asked of every row in each pass lies behind nothing.
CREATE TABLE evidence (
    revocation_id TEXT NOT NULL PRIMARY KEY REFERENCES revocation (id),
    found TEXT NOT NULL
);
INSERT INTO evidence (revocation_id, found) SELECT id, evidence FROM revocation;
ALTER TABLE revocation DROP COLUMN evidence;

-- A move changes `version`, landing its record changes `landings`: together they tell whether a row is still as it was
-- read. The index has all that is asked to find that out.
ALTER TABLE revocation ADD COLUMN landings BIGINT NOT NULL DEFAULT 0;
DROP INDEX revocation_by_state;
CREATE INDEX revocation_by_state ON revocation (state, watch_until, received_at, id, version, landings);
