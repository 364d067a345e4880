-- revoked/receiver_topic_insert
INSERT INTO receiver_topic (receiver, topic) VALUES ($1, $2)
