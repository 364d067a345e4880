-- Pages that were filed, as they were after the last write of ours: `sha256` is of the body as it was read back.
-- `delivery` is the row of the outbox. `finding` is what the last look found, `seen_version` the version that it found.
CREATE TABLE page (
    delivery TEXT NOT NULL PRIMARY KEY,
    receiver TEXT NOT NULL,
    page_id TEXT NOT NULL,
    title TEXT NOT NULL,
    parent TEXT NOT NULL,
    version BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    attachments TEXT NOT NULL,
    filed_at BIGINT NOT NULL,
    looked_at BIGINT NOT NULL,
    finding TEXT NOT NULL,
    seen_version BIGINT NOT NULL
);
CREATE INDEX page_by_look ON page (receiver, looked_at);
