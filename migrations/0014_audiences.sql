-- What each receiver is told of: a row of the outbox is made for it where its topic is here. `keep_us`: how long a message to
-- it is worth sending, where that is not as long as its topic says.
ALTER TABLE receiver ADD COLUMN keep_us BIGINT;
CREATE TABLE receiver_topic (
    topic TEXT NOT NULL,
    receiver TEXT NOT NULL REFERENCES receiver (name),
    PRIMARY KEY (topic, receiver)
);
-- As it was: until the agent starts, commands may queue what is told.
INSERT INTO receiver_topic (topic, receiver)
SELECT line.column1, r.name
FROM (VALUES
    ('used'),
    ('regressed'),
    ('blind'),
    ('unapproved'),
    ('overdue'),
    ('nudge_security'),
    ('nudge_lead'),
    ('nudge'),
    ('reopened'),
    ('residual'),
    ('resumed'),
    ('held'),
    ('asked'),
    ('opened'),
    ('changed'),
    ('digest'),
    ('sweep'),
    ('verified'),
    ('excepted'),
    ('withdrawn'),
    ('sighted'),
    ('status'),
    ('closure'),
    ('attestation')
) AS line CROSS JOIN receiver AS r
WHERE (line.column1 IN ('closure', 'attestation')) = (r.name = 'confluence');
